"""Pieces that many descriptions share: labels, annotations, tolerations, taints, times, selectors."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

from apimachinery.durations import human_duration
from apimachinery.labels import SelectorError, selector_from_label_selector
from apimachinery.objects import Object, annotations_of, controller_of, labels_of, name_of, namespace_of
from apimachinery.times import parse_time
from apimachinery.well_known import LAST_APPLIED
from kubectl.describe.writer import Writer

NONE, UNSET = "<none>", "<unset>"
_MAX_ANNOTATION = 140


def write_head(writer: Writer, obj: Object, *, namespaced: bool = True) -> None:
    """Name and namespace."""
    writer.field("Name", name_of(obj))
    if namespaced:
        writer.field("Namespace", namespace_of(obj))


def write_labels(writer: Writer, title: str, labels: Mapping[str, str] | None) -> None:
    entries = [f"{key}={value}" for key, value in sorted((labels or {}).items())]
    write_lines(writer, title, entries)


def write_lines(writer: Writer, title: str, entries: Iterable[str]) -> None:
    """A title and entries, one below the other in the second column."""
    first = f"{title}:"
    for entry in list(entries) or [NONE]:
        writer.line(f"{first}\t{entry}")
        first = ""


def write_annotations(writer: Writer, title: str, annotations: Mapping[str, str] | None) -> None:
    shown = {key: value for key, value in sorted((annotations or {}).items()) if key != LAST_APPLIED}
    entries: list[str] = []
    for key, value in shown.items():
        text = value.removesuffix("\n")
        if len(text) + len(key) + 2 > _MAX_ANNOTATION or "\n" in text:
            entries.append(f"{key}:")
            entries += [f"  {_shortened(line)}" for line in text.split("\n")]
        else:
            entries.append(f"{key}: {text}")
    write_lines(writer, title, entries)


def _shortened(line: str) -> str:
    limit = _MAX_ANNOTATION - 2
    return f"{line[:limit]}..." if len(line) > limit else line


def write_marks(writer: Writer, obj: Object) -> None:
    """Labels and annotations."""
    write_labels(writer, "Labels", labels_of(obj))
    write_annotations(writer, "Annotations", annotations_of(obj))


def write_controller(writer: Writer, obj: Object) -> None:
    owner = controller_of(obj)
    if owner:
        writer.field("Controlled By", f"{owner['kind']}/{owner['name']}")


def write_tolerations(writer: Writer, title: str, tolerations: Iterable[Object] | None) -> None:
    ordered = sorted(tolerations or (), key=lambda each: each.get("key") or "")
    write_lines(writer, title, [_toleration(each) for each in ordered])


def _toleration(toleration: Object) -> str:
    key, value, effect = (toleration.get(name) or "" for name in ("key", "value", "effect"))
    text = key + (f"={value}" if value else "") + (f":{effect}" if effect else "")
    if toleration.get("operator") == "Exists" and not value:
        text += " op=Exists" if key or effect else "op=Exists"
    seconds = toleration.get("tolerationSeconds")
    return text if seconds is None else f"{text} for {seconds}s"


def taint_text(taint: Object) -> str:
    value = taint.get("value")
    return f"{taint['key']}={value}:{taint['effect']}" if value else f"{taint['key']}:{taint['effect']}"


def format_selector(selector: Mapping[str, str] | None) -> str:
    """A plain map of labels."""
    return ",".join(f"{key}={value}" for key, value in sorted((selector or {}).items())) or NONE


def format_label_selector(selector: Object | None) -> str:
    try:
        return str(selector_from_label_selector(selector)) or NONE
    except SelectorError:
        return "<error>"


def local_time(text: str | None) -> str:
    """RFC 1123 in the zone of this machine."""
    return parse_time(text).astimezone().strftime("%a, %d %b %Y %H:%M:%S %z") if text else UNSET


def age(text: str | None, now: datetime) -> str:
    return human_duration((now - parse_time(text)).total_seconds()) if text else "<unknown>"


def now() -> datetime:
    return datetime.now(UTC)


def truth(value: object) -> str:
    """Go's %t."""
    return "true" if value else "false"


def write_conditions(writer: Writer, conditions: Iterable[Object] | None, *, reasons: bool = True) -> None:
    """Types and statuses; with their reasons if wanted."""
    listed = list(conditions or ())
    if not listed:
        return
    writer.line("Conditions:\n  Type\tStatus" + ("\tReason" if reasons else ""))
    if reasons:
        writer.line("----\t------\t------", 1)
    for each in listed:
        reason = f"\t{each.get('reason') or ''}" if reasons else " "
        writer.line(f"{each['type']} \t{each['status']}{reason}", 1)
