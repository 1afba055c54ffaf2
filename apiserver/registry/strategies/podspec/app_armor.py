"""AppArmor by annotation, from before there were fields: what a new pod says so becomes fields, too.

Source: applyAppArmorVersionSkew of upstream's pkg/registry/core/pod/strategy.go.
"""

from __future__ import annotations

from collections.abc import Iterator

from apimachinery.objects import Object, annotations_of, get_path
from apimachinery.pods import all_containers
from apiserver.registry.strategies.podspec.annotations import APP_ARMOR

_MAX_PROFILE = 4095
_LOCALHOST = "localhost/"
_TYPES = {"unconfined": "Unconfined", "runtime/default": "RuntimeDefault"}


def fill_in_app_armor(pod: Object) -> None:
    """Gives each container the profile that its annotation asks for, in place."""
    for container, profile in _annotated(pod).values():
        if profile is not None:
            context = container.get("securityContext") or {}
            container["securityContext"] = {**context, "appArmorProfile": profile}


def app_armor_warnings(pod: Object) -> list[str]:
    text = 'deprecated since v1.30; use the "appArmorProfile" field instead'
    return [f"metadata.annotations[{key}]: {text}" for key in _annotated(pod)]


def _annotated(pod: Object) -> dict[str, tuple[Object, Object | None]]:
    """By annotation: containers without a profile of their own, and what they ask for beyond the pod's.

    None: nothing that can be had.
    """
    annotations, spec = annotations_of(pod), pod["spec"]
    if not annotations or get_path(spec, "os.name") == "windows":
        return {}
    of_pod = _profile_of(spec)
    return {key: found for key, found in _asked(annotations, spec) if found[1] is None or found[1] != of_pod}


def _asked(annotations: dict[str, str], spec: Object) -> Iterator[tuple[str, tuple[Object, Object | None]]]:
    for container in all_containers(spec):
        key = f"{APP_ARMOR}{container.get('name') or ''}"
        if key in annotations and _profile_of(container) is None:
            yield key, (container, _from_annotation(annotations[key]))


def _profile_of(holder: Object) -> Object | None:
    profile: Object | None = get_path(holder, "securityContext.appArmorProfile")
    return profile


def _from_annotation(value: str) -> Object | None:
    if value in _TYPES:
        return {"type": _TYPES[value]}
    name = value.removeprefix(_LOCALHOST)
    if name == value or name != name.strip() or not 0 < len(name) <= _MAX_PROFILE:
        return None
    return {"type": "Localhost", "localhostProfile": name}
