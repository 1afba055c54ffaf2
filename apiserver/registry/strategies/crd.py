"""CustomResourceDefinitions: their own fields; what the schemas in them mean is served elsewhere."""

from __future__ import annotations

from typing import Any

from apimachinery import names
from apimachinery.field import ErrorList, Path, duplicate, invalid, required
from apimachinery.objects import Object, get_path, name_of
from apiserver.registry.strategies.checks import Errors, immutable, matches, one_of, required_match
from apiserver.registry.strategies.podspec.defaults import fill, fill_absent
from apiserver.registry.strategy import Strategy

_SPEC, _NAMES = Path("spec"), Path("spec", "names")


class CustomResourceDefinitionStrategy(Strategy):
    def default(self, obj: Object) -> None:
        spec = obj.setdefault("spec", {})
        given = spec.setdefault("names", {})
        kind = given.get("kind") or ""
        if kind:
            fill(given, {"singular": kind.lower(), "listKind": f"{kind}List"})
        fill_absent(spec, {"conversion": {}})
        fill(spec["conversion"], {"strategy": "None"})
        service = get_path(spec, "conversion.webhook.clientConfig.service")
        if service is not None:
            fill_absent(service, {"port": 443})

    def prepare_for_create(self, obj: Object) -> None:
        stored = [v.get("name") for v in obj["spec"].get("versions") or () if v.get("storage")]
        obj["status"] = {
            "conditions": None,
            "acceptedNames": {"plural": "", "kind": ""},
            "storedVersions": stored,
        }

    def prepare_for_update(self, new: Object, old: Object) -> None:
        """A version that was ever stored stays listed until somebody has rewritten the objects."""
        status = {**(old.get("status") or {})}
        stored = list(status.get("storedVersions") or ())
        for version in new["spec"].get("versions") or ():
            if version.get("storage") and version.get("name") not in stored:
                stored.append(version.get("name"))
        new["status"] = {**status, "storedVersions": stored}

    def validate(self, obj: Object) -> ErrorList:
        return list(_validate(obj))

    def validate_update(self, new: Object, old: Object) -> ErrorList:
        errors = list(_validate(new))
        for path in ("group", "names.plural"):
            at = Path("spec", *path.split("."))
            errors += immutable(get_path(new["spec"], path), get_path(old["spec"], path), at)
        if _is_established(old):
            for path in ("scope", "names.kind"):
                at = Path("spec", *path.split("."))
                errors += immutable(get_path(new["spec"], path), get_path(old["spec"], path), at)
        errors += _stored_versions_kept(new)
        return errors


def _is_established(definition: Object) -> bool:
    conditions: list[Any] = get_path(definition, "status.conditions", [])
    return any(c.get("type") == "Established" and c.get("status") == "True" for c in conditions)


def _validate(definition: Object) -> Errors:
    spec = definition["spec"]
    group, plural = spec.get("group") or "", get_path(spec, "names.plural", "")
    expected = f"{plural}.{group}"
    if name_of(definition) != expected:
        detail = 'must be spec.names.plural+"."+spec.group'
        yield invalid(Path("metadata", "name"), name_of(definition), detail)
    yield from _group(group, _SPEC.child("group"))
    yield from one_of(spec.get("scope"), _SPEC.child("scope"), ("Cluster", "Namespaced"))
    yield from _names(spec.get("names") or {})
    yield from _versions(spec.get("versions") or [])
    strategies = ("None", "Webhook")
    conversion, at = spec.get("conversion") or {}, _SPEC.child("conversion")
    yield from one_of(conversion.get("strategy"), at.child("strategy"), strategies)
    if conversion.get("strategy") == "Webhook" and get_path(conversion, "webhook.clientConfig") is None:
        detail = "required when strategy is set to Webhook"
        yield required(at.child("webhookClientConfig"), detail)


def _group(group: str, path: Path) -> Errors:
    wrong = list(required_match(group, path, names.is_dns1123_subdomain))
    yield from wrong
    if not wrong and len(group.split(".")) < 2:
        yield invalid(path, group, "should be a domain with at least one dot")


def _names(given: Object) -> Errors:
    for field in ("plural", "singular", "kind", "listKind"):
        value, at = given.get(field) or "", _NAMES.child(field)
        if not value and field != "singular":
            yield required(at)
        elif value:
            lower = value.lower() if field in ("kind", "listKind") else value
            wrong = names.is_dns1035_label(lower)
            shown = (
                "may have mixed case, but should otherwise match: "
                if lower != value or "ind" in field
                else ""
            )
            yield from (invalid(at, value, f"{shown}{text}") for text in wrong)
    for field in ("shortNames", "categories"):
        for index, value in enumerate(given.get(field) or ()):
            yield from matches(value, _NAMES.child(field).index(index), names.is_dns1035_label)
    if given.get("kind") and given.get("kind") == given.get("listKind"):
        yield invalid(_NAMES.child("listKind"), given["listKind"], "kind and listKind may not be the same")


def _versions(versions: list[Object]) -> Errors:
    at = _SPEC.child("versions")
    stored = 0
    seen: set[str] = set()
    for index, version in enumerate(versions):
        name = version.get("name") or ""
        stored += bool(version.get("storage"))
        if name in seen:
            yield duplicate(at.index(index).child("name"), name)
        seen.add(name)
        yield from matches(name, at.index(index).child("name"), names.is_dns1035_label)
        if get_path(version, "schema.openAPIV3Schema") is None:
            where = at.index(index).child("schema", "openAPIV3Schema")
            yield required(where, "schemas are required")
    if stored != 1:
        yield invalid(
            at, [v.get("name") for v in versions], "must have exactly one version marked as storage version"
        )


def _stored_versions_kept(definition: Object) -> Errors:
    known = {version.get("name") for version in definition["spec"].get("versions") or ()}
    for index, name in enumerate(get_path(definition, "status.storedVersions", ())):
        if name not in known:
            detail = (
                "missing from spec.versions; it must remain in spec.versions until its objects are migrated"
            )
            yield invalid(Path("status", "storedVersions").index(index), name, detail)
