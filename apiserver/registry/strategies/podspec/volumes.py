"""The volumes of a pod: each has one source, and a name of its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from apimachinery import names
from apimachinery.field import ErrorList, Errors, Path, duplicate, forbidden, invalid, required
from apimachinery.metadata import validate_label_selector
from apimachinery.objects import Object
from apimachinery.quantity import Quantity
from apiserver.registry.strategies.checks import one_of, present, quantity_of, required_match
from apiserver.registry.strategies.podspec.claims import validate_claim_template
from apiserver.registry.strategies.podspec.env import VOLUME_FIELDS, validate_field_ref, validate_resource_ref
from apiserver.registry.strategies.podspec.paths import file_mode, unreserved_path
from apiserver.registry.strategies.podspec.volume_sources import NETWORK_SOURCES, PATH_NAMES, Source

_ISCSI_TOO_LONG = (
    "Total length of <volume name>:<iscsi.targetPortal> must be under 64 characters "
    "if iscsi.initiatorName is specified."
)
_CONFLICT = "conflicting duplicate paths"


def check_volumes(
    volumes: Sequence[Object], path: Path, pod_name: str = ""
) -> tuple[dict[str, Object], ErrorList]:
    """The volumes that are right, by name, for mounts to refer to; and what is wrong with the others."""
    created_claims = {f"{pod_name}-{v.get('name')}" for v in volumes if v.get("ephemeral") is not None}
    valid: dict[str, Object] = {}
    errors: ErrorList = []
    for index, volume in enumerate(volumes):
        at = path.index(index)
        wrong = list(_validate_volume(volume, at, pod_name, valid))
        if not wrong:
            valid[volume["name"]] = volume
        errors += wrong
        claim = (volume.get("persistentVolumeClaim") or {}).get("claimName")
        if pod_name and claim in created_claims:
            detail = "must not reference a PVC that gets created for an ephemeral volume"
            errors.append(invalid(at.child("persistentVolumeClaim", "claimName"), claim, detail))
    return valid, errors


def _validate_volume(volume: Object, path: Path, pod_name: str, seen: Mapping[str, Object]) -> Errors:
    name = volume.get("name") or ""
    yield from _validate_source(volume, path, pod_name)
    yield from required_match(name, path.child("name"), names.is_dns1123_label)
    if name in seen:
        yield duplicate(path.child("name"), name)


def _validate_source(volume: Object, path: Path, pod_name: str) -> Errors:
    found = [name for name in SOURCES if volume.get(name) is not None]
    for position, name in enumerate(found):
        if position:
            yield forbidden(path.child(name), "may not specify more than 1 volume type")
        else:
            yield from SOURCES[name](volume[name], path.child(PATH_NAMES.get(name, name)))
    if not found:
        yield required(path, "must specify a volume type")
    yield from _validate_names(volume, path, pod_name)


def _validate_names(volume: Object, path: Path, pod_name: str) -> Errors:
    """Names that are put together from the volume's and another must still be names."""
    name = volume.get("name") or ""
    iscsi = volume.get("iscsi") or {}
    portal = f"{name}:{iscsi.get('targetPortal') or ''}"
    if iscsi.get("initiatorName") is not None and len(portal) > 64:
        yield invalid(path.child("name"), name, _ISCSI_TOO_LONG)
    if volume.get("ephemeral") is not None and pod_name and name:
        claim = f"{pod_name}-{name}"
        for message in names.is_dns1123_subdomain(claim):
            yield invalid(path.child("name"), name, f'PVC name "{claim}": {message}')


def _empty_dir(source: Object, path: Path) -> Errors:
    limit = source.get("sizeLimit")
    if limit is not None and quantity_of(limit) < Quantity.parse(0):
        yield forbidden(path.child("sizeLimit"), "SizeLimit field must be a valid resource quantity")


def key_to_path(item: Object, path: Path) -> Errors:
    yield from present(item, path, "key", "path")
    yield from unreserved_path(item.get("path") or "", path.child("path"))
    yield from file_mode(item.get("mode"), path.child("mode"))


def _keyed(name_field: str) -> Source:
    """A secret or configMap volume."""

    def check(source: Object, path: Path) -> Errors:
        yield from present(source, path, name_field)
        yield from file_mode(source.get("defaultMode"), path.child("defaultMode"))
        for index, item in enumerate(source.get("items") or ()):
            yield from key_to_path(item, path.child("items").index(index))

    return check


def _downward_file(item: Object, path: Path) -> Errors:
    yield from present(item, path, "path")
    yield from unreserved_path(item.get("path") or "", path.child("path"))
    field, resource = item.get("fieldRef"), item.get("resourceFieldRef")
    if field is not None:
        yield from validate_field_ref(field, VOLUME_FIELDS, path.child("fieldRef"))
        if resource is not None:
            detail = "fieldRef and resourceFieldRef can not be specified simultaneously"
            yield invalid(path, "resource", detail)
    elif resource is not None:
        yield from validate_resource_ref(resource, path.child("resourceFieldRef"), in_volume=True)
    else:
        yield required(path, "one of fieldRef and resourceFieldRef is required")
    yield from file_mode(item.get("mode"), path.child("mode"))


def _downward_api(source: Object, path: Path) -> Errors:
    yield from file_mode(source.get("defaultMode"), path.child("defaultMode"))
    for item in source.get("items") or ():
        yield from _downward_file(item, path)


def _projected_keyed(source: Object, path: Path, whole: Path) -> Errors:
    yield from present(source, path, "name")
    for index, item in enumerate(source.get("items") or ()):
        yield from key_to_path(item, path.child("items").index(index))


def _projected_downward(source: Object, path: Path, whole: Path) -> Errors:
    for item in source.get("items") or ():
        yield from _downward_file(item, path)


def _projected_token(source: Object, path: Path, whole: Path) -> Errors:
    seconds, at = source.get("expirationSeconds") or 0, path.child("expirationSeconds")
    if seconds < 600:
        yield invalid(at, seconds, "may not specify a duration less than 10 minutes")
    if seconds > 1 << 32:
        yield invalid(at, seconds, "may not specify a duration larger than 2^32 seconds")
    if not source.get("path"):
        yield required(whole.child("path"))
    else:
        yield from unreserved_path(source["path"], whole.child("path"))


def _projected_trust_bundle(source: Object, path: Path, whole: Path) -> Errors:
    name, signer = source.get("name"), source.get("signerName")
    if name is not None and signer is not None:
        yield invalid(path, source, "only one of name and signerName may be used")
    elif name is not None:
        if not name:
            yield required(path.child("name"), "must be a valid object name")
        if source.get("labelSelector") is not None:
            detail = "labelSelector must be unset if name is specified"
            yield invalid(path.child("labelSelector"), source["labelSelector"], detail)
    elif signer is not None:
        if not signer:
            yield required(path.child("signerName"), "must be a valid signer name")
        yield from validate_label_selector(source.get("labelSelector"), path.child("labelSelector"))
    else:
        yield required(path, "either name or signerName must be specified")
    yield from present(source, path, "path")
    yield from unreserved_path(source.get("path") or "", path.child("path"))


_PROJECTIONS: dict[str, Callable[[Object, Path, Path], Errors]] = {
    "secret": _projected_keyed,
    "configMap": _projected_keyed,
    "downwardAPI": _projected_downward,
    "serviceAccountToken": _projected_token,
    "clusterTrustBundle": _projected_trust_bundle,
}


def _projected(projected: Object, path: Path) -> Errors:
    yield from file_mode(projected.get("defaultMode"), path.child("defaultMode"))
    taken: set[str] = set()
    for index, source in enumerate(projected.get("sources") or ()):
        at = path.child("sources").index(index)
        given = [name for name in _PROJECTIONS if source.get(name) is not None]
        for name in given:
            yield from _PROJECTIONS[name](source[name], at.child(name), path)
            yield from _conflicts(name, source[name], taken, path)
        if len(given) > 1:
            yield forbidden(at, "may not specify more than 1 volume type per source")


def _conflicts(name: str, source: Object, taken: set[str], path: Path) -> Errors:
    """Two sources may not write the same file (upstream doesn't look at token files)."""
    if name == "serviceAccountToken":
        return
    files = [source] if name == "clusterTrustBundle" else source.get("items") or ()
    for file in files:
        target = file.get("path")
        if target in taken:
            shown = source.get("name") or "" if name in ("secret", "configMap") else target
            yield invalid(path, shown, _CONFLICT)
        elif target:
            taken.add(target)


def _ephemeral(source: Object, path: Path) -> Errors:
    template = source.get("volumeClaimTemplate")
    if template is None:
        yield required(path.child("volumeClaimTemplate"))
    else:
        yield from validate_claim_template(template, path.child("volumeClaimTemplate"))


def _image(source: Object, path: Path) -> Errors:
    yield from present(source, path, "reference")
    policies = ("Always", "IfNotPresent", "Never")
    yield from one_of(source.get("pullPolicy"), path.child("pullPolicy"), policies, optional=True)


SOURCES: dict[str, Source] = {
    "emptyDir": _empty_dir,
    **NETWORK_SOURCES,
    "secret": _keyed("secretName"),
    "downwardAPI": _downward_api,
    "configMap": _keyed("name"),
    "projected": _projected,
    "ephemeral": _ephemeral,
    "image": _image,
}
