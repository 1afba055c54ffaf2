"""Warnings about pods: what is deprecated, does nothing or will hardly be meant.

Source: https://github.com/kubernetes/kubernetes/blob/v1.34.0/pkg/api/pod/warnings.go
"""

from __future__ import annotations

from collections.abc import Iterator

from apimachinery import names
from apimachinery.objects import Object, annotations_of, get_path, name_of
from apimachinery.quantity import Quantity

_OLD_ANNOTATIONS = {
    "seccomp.security.alpha.kubernetes.io/pod": (
        'non-functional in v1.27+; use the "seccompProfile" field instead'
    ),
    "scheduler.alpha.kubernetes.io/critical-pod": (
        'non-functional in v1.16+; use the "priorityClassName" field instead'
    ),
}
_OLD_PREFIXES = {
    "container.seccomp.security.alpha.kubernetes.io": (
        'non-functional in v1.27+; use the "seccompProfile" field instead'
    ),
    "container.apparmor.security.beta.kubernetes.io": (
        'deprecated since v1.30; use the "appArmorProfile" field instead'
    ),
}
_OLD_VOLUMES = {
    "gitRepo": "deprecated in v1.11, and disabled by default in v1.33+",
    "photonPersistentDisk": "deprecated in v1.11, non-functional in v1.16+",
    "scaleIO": "deprecated in v1.16, non-functional in v1.22+",
    "flocker": "deprecated in v1.22, non-functional in v1.25+",
    "storageOS": "deprecated in v1.22, non-functional in v1.25+",
    "storageos": "deprecated in v1.22, non-functional in v1.25+",
    "quobyte": "deprecated in v1.22, non-functional in v1.25+",
    "glusterfs": "deprecated in v1.25, non-functional in v1.26+",
    "cephfs": "deprecated in v1.28, non-functional in v1.31+",
    "rbd": "deprecated in v1.28, non-functional in v1.31+",
}
_OLD_NODE_LABELS = {
    "beta.kubernetes.io/arch": 'deprecated since v1.14; use "kubernetes.io/arch" instead',
    "beta.kubernetes.io/os": 'deprecated since v1.14; use "kubernetes.io/os" instead',
    "failure-domain.beta.kubernetes.io/region": (
        'deprecated since v1.17; use "topology.kubernetes.io/region" instead'
    ),
    "failure-domain.beta.kubernetes.io/zone": (
        'deprecated since v1.17; use "topology.kubernetes.io/zone" instead'
    ),
    "beta.kubernetes.io/instance-type": (
        'deprecated since v1.17; use "node.kubernetes.io/instance-type" instead'
    ),
}


def name_warnings(obj: Object, use: str) -> list[str]:
    """A legal name that makes an odd host name."""
    wrong = names.is_dns1123_label(name_of(obj))
    if not wrong:
        return []
    effect = "which can result in surprising behavior; a DNS label is recommended"
    return [f"metadata.name: this is used in {use}, {effect}: [{' '.join(wrong)}]"]


def controller_warnings(obj: Object) -> list[str]:
    """Of a kind whose pods are named after it."""
    template = get_path(obj, "spec.template") or {}
    return [*name_warnings(obj, "Pod names and hostnames"), *template_warnings(template, "spec.template")]


def pod_warnings(pod: Object) -> list[str]:
    return [
        *name_warnings(pod, "the Pod's hostname"),
        *_annotation_warnings(pod, "metadata"),
        *spec_warnings(pod["spec"], "spec"),
    ]


def template_warnings(template: Object, path: str) -> list[str]:
    at = f"{path}.metadata"
    return [*_annotation_warnings(template, at), *spec_warnings(template.get("spec") or {}, f"{path}.spec")]


def _annotation_warnings(holder: Object, path: str) -> Iterator[str]:
    for key in sorted(annotations_of(holder)):
        text = _OLD_ANNOTATIONS.get(key) or _OLD_PREFIXES.get(key.partition("/")[0])
        if text:
            yield f"{path}.annotations[{key}]: {text}"


def spec_warnings(spec: Object, path: str) -> Iterator[str]:
    yield from _node_label_warnings(spec, path)
    for index, alias in enumerate(spec.get("hostAliases") or ()):
        if alias.get("ip") in [other.get("ip") for other in spec["hostAliases"][:index]]:
            yield f"{path}.hostAliases[{index}].ip: duplicate alias with {alias.get('ip')}"
    for index, secret in enumerate(spec.get("imagePullSecrets") or ()):
        at = f"{path}.imagePullSecrets[{index}].name"
        if not secret.get("name"):
            yield f'{at}: invalid empty name ""'
        elif secret["name"] in [other.get("name") for other in spec["imagePullSecrets"][:index]]:
            yield f'{at}: duplicate name "{secret["name"]}"'
    for index, volume in enumerate(spec.get("volumes") or ()):
        for name, text in _OLD_VOLUMES.items():
            if volume.get(name) is not None:
                yield f"{path}.volumes[{index}].{name}: {text}"
    for field in ("containers", "initContainers"):
        for index, container in enumerate(spec.get(field) or ()):
            yield from _container_warnings(container, f"{path}.{field}[{index}]")
    if not (spec.get("terminationGracePeriodSeconds") or 0) >= 0:
        text = "must be >= 0; negative values are invalid and will be treated as 1"
        yield f"{path}.terminationGracePeriodSeconds: {text}"


def _node_label_warnings(spec: Object, path: str) -> Iterator[str]:
    for key in sorted(spec.get("nodeSelector") or ()):
        if key in _OLD_NODE_LABELS:
            yield f"{path}.nodeSelector[{key}]: {_OLD_NODE_LABELS[key]}"
    for index, constraint in enumerate(spec.get("topologySpreadConstraints") or ()):
        key = constraint.get("topologyKey")
        if key in _OLD_NODE_LABELS:
            at = f"{path}.topologySpreadConstraints[{index}].topologyKey"
            yield f"{at}: {key} is {_OLD_NODE_LABELS[key]}"


def _container_warnings(container: Object, path: str) -> Iterator[str]:
    resources = container.get("resources") or {}
    for side in ("limits", "requests"):
        for name in ("memory", "ephemeral-storage"):
            value = (resources.get(side) or {}).get(name)
            if value is not None and Quantity.parse(value).milli_value() % 1000:
                text = f'fractional byte value "{Quantity.parse(value)}" is invalid, must be an integer'
                yield f"{path}.resources.{side}[{name}]: {text}"
    seen: dict[str, object] = {}
    for index, variable in enumerate(container.get("env") or ()):
        name = variable.get("name") or ""
        if name in seen and (
            seen[name] == variable.get("value") or f"$({name})" not in str(variable.get("value"))
        ):
            text = f'hides previous definition of "{name}", which may be dropped when using apply'
            yield f"{path}.env[{index}]: {text}"
        seen[name] = variable.get("value")
    yield from _port_warnings(container, path)


def _port_warnings(container: Object, path: str) -> Iterator[str]:
    seen: dict[tuple[object, object], int] = {}
    for index, port in enumerate(container.get("ports") or ()):
        key = (port.get("containerPort"), port.get("protocol"))
        if key in seen and not port.get("hostPort"):
            yield f"{path}.ports[{index}]: duplicate port definition with {path}.ports[{seen[key]}]"
        seen.setdefault(key, index)
