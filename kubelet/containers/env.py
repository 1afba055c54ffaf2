"""The environment of a container: values, references and expansion, in upstream's order. Pure.

The ConfigMaps and Secrets it refers to are handed in; what is missing is a
CreateContainerConfigError in upstream's words.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from apimachinery.objects import Object, namespace_of
from kubelet.containers.downward import FieldError, field_value, resource_value
from kubelet.containers.expansion import expand
from kubelet.runtime.interface import CreateContainerConfigError


@dataclass(frozen=True, slots=True)
class Environment:
    """What the values may come from."""

    config_maps: Mapping[str, Object] = field(default_factory=dict)
    secrets: Mapping[str, Object] = field(default_factory=dict)
    services: Mapping[str, str] = field(default_factory=dict)
    """The variables of Services."""
    allocatable: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[tuple[str, str, str], str | None] = field(default_factory=dict)
    """What has been read, by volume, path and key; None: an optional key that is not there."""


def environment_of(pod: Object, container: Object, sources: Environment) -> dict[str, str]:
    """Every variable of the container. `pod` must carry the status with its addresses."""
    values: dict[str, str] = {}
    for source in container.get("envFrom") or ():
        values |= dict(_from_source(source, sources))
    for entry in container.get("env") or ():
        if "valueFrom" not in entry:
            values[entry["name"]] = expand(entry.get("value") or "", {**sources.services, **values})
            continue
        value = _value_from(pod, container, entry["valueFrom"], sources)
        if value is not None:
            values[entry["name"]] = value
    return {**sources.services, **values}


def _from_source(source: Object, sources: Environment) -> Iterator[tuple[str, str]]:
    prefix = source.get("prefix") or ""
    if "configMapRef" in source:
        data = _found("configmap", sources.config_maps, source["configMapRef"])
        yield from ((prefix + key, value) for key, value in (data.get("data") or {}).items())
    if "secretRef" in source:
        data = _found("secret", sources.secrets, source["secretRef"])
        yield from ((prefix + key, _decoded(value)) for key, value in (data.get("data") or {}).items())


def _found(kind: str, objects: Mapping[str, Object], reference: Object) -> Object:
    name = reference.get("name") or ""
    found = objects.get(name)
    if found is None and not reference.get("optional"):
        raise CreateContainerConfigError(f'{kind} "{name}" not found')
    return found or {}


def _decoded(value: str) -> str:
    return base64.b64decode(value).decode(errors="replace")


def _value_from(pod: Object, container: Object, source: Object, sources: Environment) -> str | None:
    """None: an optional reference to what is not there."""
    try:
        if "fieldRef" in source:
            return field_value(pod, source["fieldRef"]["fieldPath"])
        if "resourceFieldRef" in source:
            return resource_value(pod, source["resourceFieldRef"], container, sources.allocatable)
    except FieldError as error:
        raise CreateContainerConfigError(str(error)) from error
    if "configMapKeyRef" in source:
        return _key(pod, "configmap", sources.config_maps, source["configMapKeyRef"])
    if "fileKeyRef" in source:
        return sources.files[file_key(source["fileKeyRef"])]
    if "secretKeyRef" in source:
        value = _key(pod, "secret", sources.secrets, source["secretKeyRef"])
        return None if value is None else _decoded(value)
    return None


def file_key(reference: Object) -> tuple[str, str, str]:
    return reference["volumeName"], reference["path"], reference["key"]


_KINDS = {"configmap": "ConfigMap", "secret": "Secret"}


def _key(pod: Object, kind: str, objects: Mapping[str, Object], reference: Object) -> str | None:
    data: dict[str, str] = _found(kind, objects, reference).get("data") or {}
    key, name = reference["key"], reference.get("name") or ""
    if key in data:
        return data[key]
    if reference.get("optional"):
        return None
    where = f"{_KINDS[kind]} {namespace_of(pod)}/{name}"
    raise CreateContainerConfigError(f"couldn't find key {key} in {where}")
