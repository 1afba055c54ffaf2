"""Environment variables and references to fields and resources of the pod itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from apimachinery import names
from apimachinery.field import Errors, Path, invalid, not_found, not_supported, required
from apimachinery.objects import Object, get_path
from apiserver.registry.strategies.checks import (
    dns_subdomain,
    matches,
    qualified_name,
    quantity_of,
    required_match,
)
from apiserver.registry.strategies.podspec.paths import no_backsteps

_ENV_FIELDS = (
    "metadata.name",
    "metadata.namespace",
    "metadata.uid",
    "spec.nodeName",
    "spec.serviceAccountName",
    "status.hostIP",
    "status.hostIPs",
    "status.podIP",
    "status.podIPs",
)
VOLUME_FIELDS = (
    "metadata.annotations",
    "metadata.labels",
    "metadata.name",
    "metadata.namespace",
    "metadata.uid",
)
_KNOWN_FIELDS = {
    *_ENV_FIELDS,
    *VOLUME_FIELDS,
    "spec.restartPolicy",
    "spec.schedulerName",
    "status.phase",
    "status.nominatedNodeName",
    "spec.hostNetwork",
}
_RESOURCES = (
    "limits.cpu",
    "limits.ephemeral-storage",
    "limits.memory",
    "requests.cpu",
    "requests.ephemeral-storage",
    "requests.memory",
)
_HUGE_PAGES = ("limits.hugepages-", "requests.hugepages-")
_BYTE_DIVISORS = ("1", "1k", "1M", "1G", "1T", "1P", "1E", "1Ki", "1Mi", "1Gi", "1Ti", "1Pi", "1Ei")
_BYTE_RESOURCES = {
    "memory": "memory",
    "ephemeral-storage": "local ephemeral storage",
    "hugepages": "hugepages",
}
_SOURCES = ("fieldRef", "resourceFieldRef", "configMapKeyRef", "secretKeyRef", "fileKeyRef")
_ONE_SOURCE = "must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef` or `secretKeyRef`"
_MANY_SOURCES = "may not have more than one field specified at a time"


def validate_env(variables: Sequence[Object], path: Path) -> Errors:
    for index, variable in enumerate(variables):
        at = path.index(index)
        yield from required_match(variable.get("name"), at.child("name"), names.is_env_var_name)
        if variable.get("valueFrom") is not None:
            yield from _value_from(variable, at.child("valueFrom"))


def _value_from(variable: Object, path: Path) -> Errors:
    source = variable["valueFrom"]
    given = [name for name in _SOURCES if source.get(name) is not None]
    for name in given:
        at = path.child(name)
        if name == "fieldRef":
            yield from validate_field_ref(source[name], _ENV_FIELDS, at)
        elif name == "resourceFieldRef":
            yield from validate_resource_ref(source[name], at, in_volume=False)
        elif name == "fileKeyRef":
            yield from _file_ref(source[name], at)
        else:
            yield from _key_ref(source[name], at)
    if not given:
        yield invalid(path, "", _ONE_SOURCE)
    elif variable.get("value"):
        yield invalid(path, "", "may not be specified when `value` is not empty")
    elif len(given) > 1:
        yield invalid(path, "", _MANY_SOURCES)


def _key_ref(ref: Object, path: Path) -> Errors:
    yield from dns_subdomain(ref.get("name") or "", path.child("name"))
    yield from required_match(ref.get("key"), path.child("key"), names.is_config_map_key)


def _file_ref(ref: Object, path: Path) -> Errors:
    yield from required_match(ref.get("key"), path.child("key"), names.is_env_var_name)
    yield from required_match(ref.get("volumeName"), path.child("volumeName"), names.is_dns1123_label)
    if ref.get("path"):
        yield from no_backsteps(ref["path"], path.child("path"))
    else:
        yield required(path.child("path"))


def validate_env_volumes(variables: Sequence[Object], volumes: Mapping[str, Object], path: Path) -> Errors:
    """Files of variables are in directories of the pod's own."""
    for index, variable in enumerate(variables):
        reference = get_path(variable, "valueFrom.fileKeyRef")
        if reference is None:
            continue
        name = reference.get("volumeName") or ""
        at = path.index(index).child("valueFrom", "fileKeyRef", "volumeName")
        if name not in volumes:
            yield not_found(at, name)
        elif volumes[name].get("emptyDir") is None:
            yield invalid(at, name, "referenced volume must be of type emptyDir")


def validate_env_from(sources: Sequence[Object], path: Path) -> Errors:
    for index, source in enumerate(sources):
        at = path.index(index)
        if source.get("prefix"):
            yield from matches(source["prefix"], at.child("prefix"), names.is_env_var_name)
        given = [name for name in ("configMapRef", "secretRef") if source.get(name) is not None]
        for name in given:
            yield from required_match(
                source[name].get("name"), at.child(name, "name"), names.is_dns1123_subdomain
            )
        if not given:
            yield invalid(path, "", "must specify one of: `configMapRef` or `secretRef`")
        elif len(given) > 1:
            yield invalid(path, "", _MANY_SOURCES)


def split_subscript(field_path: str) -> tuple[str, str] | None:
    """`metadata.labels['a']` as ("metadata.labels", "a"), or None where there is no subscript."""
    if not field_path.endswith("']"):
        return None
    path, bracket, subscript = field_path[:-2].partition("['")
    return (path, subscript) if bracket and path else None


def validate_field_ref(ref: Object, allowed: Sequence[str], path: Path) -> Errors:
    for field in ("apiVersion", "fieldPath"):
        if not ref.get(field):
            yield required(path.child(field))
            return
    field_path = ref["fieldPath"]
    subscripted = split_subscript(field_path)
    if ref["apiVersion"] != "v1":
        detail = f"unsupported pod version: {ref['apiVersion']}"
        yield invalid(path.child("fieldPath"), field_path, f"error converting fieldPath: {detail}")
    elif subscripted:
        yield from _subscripted_ref(*subscripted, path)
    elif field_path not in _KNOWN_FIELDS:
        detail = f"error converting fieldPath: field label not supported: {field_path}"
        yield invalid(path.child("fieldPath"), field_path, detail)
    elif field_path not in allowed:
        yield not_supported(path.child("fieldPath"), field_path, allowed)


def _subscripted_ref(field: str, subscript: str, path: Path) -> Errors:
    if field == "metadata.annotations":
        yield from qualified_name(subscript.lower(), path)
    elif field == "metadata.labels":
        yield from qualified_name(subscript, path)
    else:
        detail = f"error converting fieldPath: field label does not support subscript: {field}"
        yield invalid(path.child("fieldPath"), f"{field}['{subscript}']", detail)


def validate_resource_ref(ref: Object, path: Path, *, in_volume: bool) -> Errors:
    resource = ref.get("resource") or ""
    if in_volume and not ref.get("containerName"):
        yield required(path.child("containerName"))
    elif not resource:
        yield required(path.child("resource"))
    elif resource not in _RESOURCES and not resource.startswith(_HUGE_PAGES):
        yield not_supported(path.child("resource"), resource, _RESOURCES)
    yield from _divisor(resource, str(quantity_of(ref.get("divisor") or "0")), path.child("divisor"))


def _divisor(resource: str, divisor: str, path: Path) -> Errors:
    if divisor == "0":
        return
    kind = resource.partition(".")[2].partition("-")[0]
    kind = "ephemeral-storage" if kind == "ephemeral" else kind
    if kind == "cpu" and divisor not in ("1m", "1"):
        yield invalid(path, resource, "only divisor's values 1m and 1 are supported with the cpu resource")
    elif kind in _BYTE_RESOURCES and divisor not in _BYTE_DIVISORS:
        listed = ", ".join(_BYTE_DIVISORS)
        detail = f"only divisor's values {listed} are supported with the {_BYTE_RESOURCES[kind]} resource"
        yield invalid(path, resource, detail)
