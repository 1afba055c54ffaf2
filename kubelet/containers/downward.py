"""The downward API: what a pod may learn of itself by fieldRef and resourceFieldRef. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import cast

from apimachinery.objects import Object, annotations_of, get_path, labels_of
from apimachinery.quantity import Quantity

_SUBSCRIPT = re.compile(r"metadata\.(labels|annotations)\['(.*)'\]")
_DEFAULTED = ("cpu", "memory", "ephemeral-storage")
"""Of other resources, as huge pages, no limit means none."""


class FieldError(Exception):
    """The reference names what a pod does not offer; the message is upstream's."""


def field_value(pod: Object, path: str) -> str:
    """The text of a fieldRef."""
    match = _SUBSCRIPT.fullmatch(path)
    if match:
        return (labels_of(pod) if match[1] == "labels" else annotations_of(pod)).get(match[2], "")
    if path in ("metadata.labels", "metadata.annotations"):
        return _format_map(labels_of(pod) if path.endswith("labels") else annotations_of(pod))
    if path in ("status.podIPs", "status.hostIPs"):
        return ",".join(each["ip"] for each in get_path(pod, path) or ())
    if path in _PLAIN:
        return cast(str, get_path(pod, path) or "")
    raise FieldError(f"unsupported fieldPath: {path}")


_PLAIN = (
    "metadata.name", "metadata.namespace", "metadata.uid", "spec.nodeName", "spec.serviceAccountName",
    "status.hostIP", "status.podIP",
)  # fmt: skip


def _format_map(values: Mapping[str, str]) -> str:
    """One `key="value"` a line, sorted."""
    return "\n".join(f"{key}={quote(values[key])}" for key in sorted(values))


def quote(text: str) -> str:
    """As Go's %q does."""
    escapes = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\t": "\\t", "\r": "\\r", "\a": "\\a", "\b": "\\b"}
    escapes |= {"\f": "\\f", "\v": "\\v"}
    shown = (escapes.get(char) or (char if char.isprintable() else _escape(ord(char))) for char in text)
    return f'"{"".join(shown)}"'


def _escape(code: int) -> str:
    if code < 0x80:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def resource_value(
    pod: Object, reference: Object, container: Object | None, allocatable: Mapping[str, str]
) -> str:
    """The number of a resourceFieldRef."""
    holder = _container(pod, reference["containerName"]) if reference.get("containerName") else container
    if holder is None:
        raise FieldError(f"container {reference.get('containerName', '')} not found")
    kind, _, name = reference["resource"].partition(".")
    if kind not in ("limits", "requests") or not name:
        raise FieldError(f"unsupported container resource : {reference['resource']}")
    own = _amount(holder, kind, name)
    value = _limit(own, pod, name, allocatable) if kind == "limits" else own
    return _divide(value, Quantity.parse(reference.get("divisor") or "1"), cpu=name == "cpu")


def _limit(own: Quantity, pod: Object, name: str, allocatable: Mapping[str, str]) -> Quantity:
    """Without one of its own a container may use what its pod may, or all that the node has."""
    if not own.is_zero() or name not in _DEFAULTED or name not in allocatable:
        return own
    shared = _amount(pod["spec"], "limits", name)
    return Quantity.parse(allocatable[name]) if shared.is_zero() else shared


def _amount(holder: Object, kind: str, name: str) -> Quantity:
    return Quantity.parse(get_path(holder, f"resources.{kind}", {}).get(name) or "0")


def _container(pod: Object, name: str) -> Object | None:
    spec = pod.get("spec") or {}
    everyone = [*(spec.get("containers") or ()), *(spec.get("initContainers") or ())]
    return next((each for each in everyone if each["name"] == name), None)


def _divide(value: Quantity, divisor: Quantity, *, cpu: bool) -> str:
    """Rounded up; cpu counts in thousandths, everything else in whole units."""
    over = divisor if not divisor.is_zero() else Quantity.parse("1")
    if cpu:
        return str(-(-value.milli_value() // over.milli_value()))
    return str(-(-value.value() // over.value()))
