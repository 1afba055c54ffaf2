"""A whole CustomResourceDefinition: its name, groups, names, versions, conversion and stored versions."""

from __future__ import annotations

from apimachinery import names
from apimachinery.conditions import is_condition_true
from apimachinery.field import ErrorList, Errors, Path, invalid, required
from apimachinery.objects import Object, annotations_of, get_path, name_of
from apiserver.customresources.approval import APPROVED_ANNOTATION, approval_of, is_protected
from apiserver.customresources.definition import ESTABLISHED
from apiserver.customresources.validation.conversion import validate_conversion
from apiserver.customresources.validation.hoisting import hoisted, subresources_of
from apiserver.customresources.validation.schema import validate_schema
from apiserver.customresources.validation.versions import (
    validate_columns,
    validate_deprecation,
    validate_selectable_fields,
    validate_subresources,
)
from apiserver.registry.strategies.checks import immutable, one_of

_SPEC = Path("spec")
_STORED = Path("status", "storedVersions")
_PRESERVED = "set x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema instead"
_IMMUTABLE = ("group", "names.plural")
_IMMUTABLE_ONCE_ESTABLISHED = ("scope", "names.kind")


def validate_definition(definition: Object, old: Object | None = None) -> ErrorList:
    """Every error of a new definition, or of a change of one."""
    return list(_validate(definition, old))


def _validate(definition: Object, old: Object | None) -> Errors:
    spec = definition["spec"]
    if (
        old is None
        and name_of(definition) != f"{get_path(spec, 'names.plural', '')}.{spec.get('group') or ''}"
    ):
        detail = 'must be spec.names.plural+"."+spec.group'
        yield invalid(Path("metadata", "name"), name_of(definition), detail)
    established = old is not None and is_condition_true(old, ESTABLISHED)
    let_in = _schemas(old) if old is not None else []
    yield from _spec(hoisted(spec), established, let_in)
    if old is not None:
        for path in (*(_IMMUTABLE_ONCE_ESTABLISHED if established else ()), *_IMMUTABLE):
            at = _SPEC.child(*path.split("."))
            yield from immutable(get_path(spec, path), get_path(old["spec"], path), at)
    yield from validate_status(definition)
    yield from _stored_versions(definition)
    yield from _approval(definition, old)
    if spec.get("preserveUnknownFields") and not (old and old["spec"].get("preserveUnknownFields")):
        yield invalid(_SPEC.child("preserveUnknownFields"), True, f"cannot set to true, {_PRESERVED}")


def validate_status(definition: Object) -> Errors:
    """What an update of the status is held against."""
    yield from _names(get_path(definition, "status.acceptedNames") or {}, Path("status", "acceptedNames"))


def _schemas(definition: Object) -> list[Object]:
    """What has been validated before, perhaps by other rules than today's, may stay."""
    return [get_path(each, "schema.openAPIV3Schema", {}) for each in definition["spec"].get("versions") or ()]


def _spec(spec: Object, established: bool, let_in: list[Object]) -> Errors:
    yield from _group(spec.get("group") or "", _SPEC.child("group"))
    yield from one_of(spec.get("scope"), _SPEC.child("scope"), ("Cluster", "Namespaced"))
    versions, at = spec["versions"], _SPEC.child("versions")
    if get_path(spec, "validation.openAPIV3Schema") is None:
        for index, version in enumerate(versions):
            if get_path(version, "schema.openAPIV3Schema") is None:
                yield required(at.index(index).child("schema", "openAPIV3Schema"))
    for index, version in enumerate(versions):
        yield from _version(spec, version, at.index(index), let_in)
    yield from _version_names(versions, at)
    if versions and (wrong := names.is_dns1035_label(spec["version"])):
        yield invalid(_SPEC.child("version"), spec["version"], ",".join(wrong))
    given = spec.get("names") or {}
    for name in ("plural", "singular", "kind", "listKind"):
        if not given.get(name):
            yield required(_SPEC.child("names", name))
    yield from _names(given, _SPEC.child("names"))
    has_status = any(get_path(subresources_of(spec, each), "status") is not None for each in versions)
    shared = get_path(spec, "validation.openAPIV3Schema")
    if shared is not None and shared not in let_in:
        yield from validate_schema(
            shared, _SPEC.child("validation", "openAPIV3Schema"), has_status=has_status
        )
    yield from validate_subresources(spec.get("subresources") or {}, _SPEC.child("subresources"))
    yield from validate_columns(
        spec.get("additionalPrinterColumns") or (), _SPEC.child("additionalPrinterColumns")
    )
    for version in versions[:1]:
        fields, schema = spec.get("selectableFields") or (), _schema_for(spec, version)
        yield from validate_selectable_fields(fields, schema, _SPEC.child("selectableFields"))
    yield from validate_conversion(spec, _SPEC.child("conversion"), established=established)


def _version(spec: Object, version: Object, path: Path, let_in: list[Object]) -> Errors:
    if wrong := names.is_dns1035_label(version.get("name") or ""):
        yield invalid(path.child("name"), version.get("name") or "", ",".join(wrong))
    yield from validate_deprecation(version, path.child("deprecationWarning"))
    has_status = subresources_of(spec, version).get("status") is not None
    own = get_path(version, "schema.openAPIV3Schema")
    if own is not None and own not in let_in:
        yield from validate_schema(own, path.child("schema", "openAPIV3Schema"), has_status=has_status)
    yield from validate_subresources(version.get("subresources") or {}, path.child("subresources"))
    columns = version.get("additionalPrinterColumns") or ()
    yield from validate_columns(columns, path.child("additionalPrinterColumns"))
    fields, schema = version.get("selectableFields") or (), _schema_for(spec, version)
    yield from validate_selectable_fields(fields, schema, path.child("selectableFields"))


def _schema_for(spec: Object, version: Object) -> Object:
    """The schema of a version of a hoisted spec."""
    own: Object | None = get_path(version, "schema.openAPIV3Schema")
    return own or get_path(spec, "validation.openAPIV3Schema", {})


def _version_names(versions: list[Object], path: Path) -> Errors:
    listed = [each.get("name") for each in versions]
    if len(set(listed)) != len(listed):
        yield invalid(path, listed, "must contain unique version names")
    if sum(bool(each.get("storage")) for each in versions) != 1:
        yield invalid(path, listed, "must have exactly one version marked as storage version")


def _group(group: str, path: Path) -> Errors:
    if not group:
        yield required(path)
    elif wrong := names.is_dns1123_subdomain(group):
        yield invalid(path, group, ",".join(wrong))
    elif "." not in group:
        yield invalid(path, group, "should be a domain with at least one dot")


def _names(given: Object, path: Path) -> Errors:
    for name in ("plural", "singular"):
        yield from _label(given.get(name), path.child(name))
    for name in ("kind", "listKind"):
        value = given.get(name) or ""
        if value and (wrong := names.is_dns1035_label(value.lower())):
            detail = f"may have mixed case, but should otherwise match: {','.join(wrong)}"
            yield invalid(path.child(name), value, detail)
    for index, value in enumerate(given.get("shortNames") or ()):
        yield from _label(value, path.child("shortNames").index(index), empty_is_fine=False)
    if given.get("kind") and given["kind"] == given.get("listKind"):
        yield invalid(path.child("listKind"), given["listKind"], "kind and listKind may not be the same")
    for index, value in enumerate(given.get("categories") or ()):
        yield from _label(value, path.child("categories").index(index), empty_is_fine=False)


def _label(value: str | None, path: Path, *, empty_is_fine: bool = True) -> Errors:
    if (value or not empty_is_fine) and (wrong := names.is_dns1035_label(value or "")):
        yield invalid(path, value, ",".join(wrong))


def _stored_versions(definition: Object) -> Errors:
    stored: list[str] = get_path(definition, "status.storedVersions", [])
    if not stored:
        yield invalid(_STORED, stored, "must have at least one stored version")
        return
    versions: list[Object] = definition["spec"].get("versions") or []
    for version in versions:
        if version.get("storage") and version.get("name") not in stored:
            yield invalid(_STORED, stored, f"must have the storage version {version.get('name')}")
    known = {each.get("name") for each in versions}
    for index, name in enumerate(stored):
        if name not in known:
            detail = (
                f"missing from spec.versions; {name} was previously a storage version, and must remain in "
                f"spec.versions until a storage migration ensures no data remains persisted in {name} and "
                f"removes {name} from status.storedVersions"
            )
            yield invalid(_STORED.index(index), name, detail)


def _approval(definition: Object, old: Object | None) -> Errors:
    """A group of the community's needs its approval; what was let in without it may stay so."""
    if not is_protected(definition["spec"].get("group") or ""):
        return
    annotation = annotations_of(definition).get(APPROVED_ANNOTATION)
    state, reason = approval_of(annotation)
    if old is not None and approval_of(annotations_of(old).get(APPROVED_ANNOTATION))[0] == state:
        return
    path = Path("metadata", "annotations").key(APPROVED_ANNOTATION)
    if state == "missing":
        yield required(path, reason)
    elif state == "invalid":
        yield invalid(path, annotation, reason)
