"""Warnings about pods and their templates: what is deprecated, does nothing or will hardly be meant.

Source: https://github.com/kubernetes/kubernetes/blob/v1.34.0/pkg/api/pod/warnings.go
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice

from apimachinery import names
from apimachinery.field import format_value
from apimachinery.objects import Object, annotations_of, get_path, name_of
from apiserver.registry.strategies.podspec.annotations import APP_ARMOR, SECCOMP_CONTAINER, SECCOMP_POD
from apiserver.registry.strategies.warnings.addresses import ip_warnings
from apiserver.registry.strategies.warnings.claims import fraction_warnings
from apiserver.registry.strategies.warnings.containers import Placed, container_warnings
from apiserver.registry.strategies.warnings.nodes import old_label, old_labels, term_warnings
from apiserver.registry.strategies.warnings.volumes import pod_volume_warnings
from apiserver.warning_headers import MOST_WARNINGS

_SYSCTLS = 'non-functional in v1.11+; use the "sysctls" field instead'
_OLD_ANNOTATIONS = {
    "scheduler.alpha.kubernetes.io/critical-pod": (
        'non-functional in v1.16+; use the "priorityClassName" field instead'
    ),
    "security.alpha.kubernetes.io/sysctls": _SYSCTLS,
    "security.alpha.kubernetes.io/unsafe-sysctls": _SYSCTLS,
}
_SECCOMP = 'non-functional in v1.27+; use the "seccompProfile" field instead'
_APP_ARMOR = 'deprecated since v1.30; use the "appArmorProfile" field instead'
_REQUIRED, _PREFERRED = (
    f"{each}DuringSchedulingIgnoredDuringExecution" for each in ("required", "preferred")
)
_NULL_SELECTOR = "labelSelector: a null labelSelector results in matching no pod"


def name_warnings(obj: Object, use: str = "Pod names and hostnames") -> Iterator[str]:
    """A legal name that makes an odd host name."""
    wrong = names.is_dns1123_label(name_of(obj))
    if wrong:
        effect = "which can result in surprising behavior; a DNS label is recommended"
        yield f"metadata.name: this is used in {use}, {effect}: [{' '.join(wrong)}]"


def pod_warnings(pod: Object) -> list[str]:
    """Of a new pod; those about AppArmor are told before its annotations become fields."""
    return [*name_warnings(pod, "the Pod's hostname"), *islice(_warnings("", pod), MOST_WARNINGS)]


def template_warnings(path: str, template: Object | None) -> Iterator[str]:
    if template:
        yield from islice(_warnings(f"{path}.", template), MOST_WARNINGS)


def workload_warnings(obj: Object, old: Object | None) -> Iterator[str]:
    """Of a kind with spec.template whose pods are named after it."""
    if old is None:
        yield from name_warnings(obj)
    if is_new_generation(obj, old):
        yield from template_warnings("spec.template", get_path(obj, "spec.template"))


def is_new_generation(obj: Object, old: Object | None) -> bool:
    """Whether the object is new or its spec has changed; nobody is told again of what was there before."""
    return old is None or obj["metadata"].get("generation") != old["metadata"].get("generation")


def _warnings(root: str, holder: Object) -> Iterator[str]:
    """`root`: what goes before `spec` and `metadata`, with its dot."""
    spec, path = holder.get("spec") or {}, f"{root}spec"
    containers = [
        (container, f"{path}.{field}[{index}]")
        for field in ("initContainers", "containers", "ephemeralContainers")
        for index, container in enumerate(spec.get(field) or ())
    ]
    yield from _node_warnings(path, spec)
    yield from _annotation_warnings(root, holder, containers)
    yield from pod_volume_warnings(f"{path}.volumes", spec.get("volumes") or ())
    yield from _list_warnings(path, spec)
    yield from fraction_warnings(f"{path}.overhead", spec.get("overhead"), ("memory", "ephemeral-storage"))
    yield from container_warnings(containers)
    if (spec.get("terminationGracePeriodSeconds") or 0) < 0:
        text = "must be >= 0; negative values are invalid and will be treated as 1"
        yield f"{path}.terminationGracePeriodSeconds: {text}"
    yield from _affinity_warnings(f"{path}.affinity", spec.get("affinity") or {})
    yield from _address_warnings(path, spec)


def _node_warnings(path: str, spec: Object) -> Iterator[str]:
    for key, text in old_labels(spec.get("nodeSelector")):
        yield f"{path}.nodeSelector[{key}]: {text}"
    affinity = get_path(spec, "affinity.nodeAffinity") or {}
    at = f"{path}.affinity.nodeAffinity"
    for index, term in enumerate((affinity.get(_REQUIRED) or {}).get("nodeSelectorTerms") or ()):
        yield from term_warnings(f"{at}.{_REQUIRED}.nodeSelectorTerms[{index}]", term)
    for index, term in enumerate(affinity.get(_PREFERRED) or ()):
        preference = term.get("preference") or {}
        yield from term_warnings(f"{at}.{_PREFERRED}[{index}].preference", preference, checks_values=True)
    for index, constraint in enumerate(spec.get("topologySpreadConstraints") or ()):
        at, key = f"{path}.topologySpreadConstraints[{index}]", constraint.get("topologyKey") or ""
        if text := old_label(key):
            yield f"{at}.topologyKey: {key} is {text}"
        if constraint.get("labelSelector") is None:
            yield f"{at}.{_NULL_SELECTOR}"


def _annotation_warnings(root: str, holder: Object, containers: Sequence[Placed]) -> Iterator[str]:
    annotations = annotations_of(holder)
    if not annotations:
        return
    of_pod = get_path(holder, "spec.securityContext") or {}
    found = {key: text for key, text in _OLD_ANNOTATIONS.items() if key in annotations}
    if not of_pod.get("seccompProfile"):
        found[SECCOMP_POD] = _SECCOMP
    for container, _ in containers:
        own, name = container.get("securityContext") or {}, container.get("name") or ""
        if not own.get("seccompProfile"):
            found[SECCOMP_CONTAINER + name] = _SECCOMP
        if root and not (own.get("appArmorProfile") or of_pod.get("appArmorProfile")):
            found[APP_ARMOR + name] = _APP_ARMOR
    for key, text in found.items():
        if key in annotations:
            yield f"{root}metadata.annotations[{key}]: {text}"


def _list_warnings(path: str, spec: Object) -> Iterator[str]:
    ips: set[str] = set()
    for index, alias in enumerate(spec.get("hostAliases") or ()):
        ip = alias.get("ip") or ""
        if ip in ips:
            yield f"{path}.hostAliases[{index}].ip: duplicate ip {format_value(ip)}"
        ips.add(ip)
    secrets: set[str] = set()
    for index, secret in enumerate(spec.get("imagePullSecrets") or ()):
        at, name = f"{path}.imagePullSecrets[{index}].name", secret.get("name") or ""
        if name in secrets:
            yield f"{at}: duplicate name {format_value(name)}"
        if not name:
            yield f'{at}: invalid empty name ""'
        secrets.add(name)


def _affinity_warnings(path: str, affinity: Object) -> Iterator[str]:
    for field in ("podAffinity", "podAntiAffinity"):
        terms = affinity.get(field) or {}
        for index, term in enumerate(terms.get(_REQUIRED) or ()):
            if term.get("labelSelector") is None:
                yield f"{path}.{field}.{_REQUIRED}[{index}].{_NULL_SELECTOR}"
        for index, term in enumerate(terms.get(_PREFERRED) or ()):
            if get_path(term, "podAffinityTerm.labelSelector") is None:
                yield f"{path}.{field}.{_PREFERRED}[{index}].podAffinityTerm.{_NULL_SELECTOR}"


def _address_warnings(path: str, spec: Object) -> Iterator[str]:
    for index, server in enumerate(get_path(spec, "dnsConfig.nameservers") or ()):
        yield from ip_warnings(f"{path}.dnsConfig.nameservers[{index}]", server)
    for index, alias in enumerate(spec.get("hostAliases") or ()):
        yield from ip_warnings(f"{path}.hostAliases[{index}].ip", alias.get("ip") or "")
