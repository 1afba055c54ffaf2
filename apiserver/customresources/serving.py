"""From an established definition to the stores of its versions, all over one cache."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from apimachinery.conditions import is_condition_true
from apimachinery.objects import Object, name_of
from apimachinery.scheme import Resource
from apiserver.customresources.codec import CustomCodec
from apiserver.customresources.conversion import Converter, NopConverter
from apiserver.customresources.definition import (
    ESTABLISHED,
    TERMINATING,
    by_priority,
    listed,
    resource_of,
    schema_of,
    storage_version,
    versions,
)
from apiserver.customresources.forms import CustomForms
from apiserver.customresources.publishing import published
from apiserver.customresources.schema.checker import StructuralChecker
from apiserver.customresources.schema.structural import Structural
from apiserver.customresources.stored import StoredKind
from apiserver.customresources.strategy import CustomResourceStrategy, field_text, selectable_paths
from apiserver.customresources.tracked import tracked_versions
from apiserver.customresources.webhook_conversion import Ask, WebhookConverter
from apiserver.openapi.custom import definitions_of
from apiserver.registry.store import Form, Shared, Store
from apiserver.storage.entry import Kind


def basis_of(definition: Object) -> Object | None:
    """All that serving depends on; None if nothing is to be served."""
    if not is_condition_true(definition, ESTABLISHED):
        return None
    return {
        "spec": definition["spec"],
        "names": definition["status"].get("acceptedNames") or {},
        "terminating": is_condition_true(definition, TERMINATING),
    }


def is_like(before: Object | None, after: Object | None) -> bool:
    """Whether all that has changed is what may be done: whoever watches can go on."""
    if before is None or after is None:
        return False
    return all(before[each] == after[each] for each in ("spec", "names"))


@dataclass(frozen=True, slots=True)
class Serving:
    """What one definition makes: the stores of its served versions, the best first, and of the stored one."""

    stores: list[Store]
    kept: Store
    listed: list[Resource]
    """What discovery tells of the stores."""
    definitions: dict[str, Object]
    """What OpenAPI tells of their kinds."""


@dataclass(frozen=True, slots=True)
class _Common:
    """What the versions of a definition have in common; maps are by apiVersion."""

    definition: Object
    kept: Resource
    schemas: Mapping[str, Structural]
    checkers: Mapping[str, StructuralChecker]
    kinds: Mapping[str, Kind]
    converter: Converter
    served: list[Resource]


def build_serving(definition: Object, shared: Shared, ask: Ask) -> Serving:
    common = _common(definition, ask)
    stores = {each["name"]: _store(common, each, shared) for each in versions(definition)}
    names = by_priority([each["name"] for each in versions(definition) if each.get("served")])
    resources = [listed(definition, stores[name].resource) for name in names]
    definitions: dict[str, Object] = {}
    for resource in resources:
        definitions |= definitions_of(resource, published(common.schemas[resource.api_version].raw))
    kept = stores[common.kept.version]
    return Serving([stores[name] for name in names], kept, resources, definitions)


def _common(definition: Object, ask: Ask) -> _Common:
    kept = resource_of(definition, storage_version(definition))
    schemas = {
        f"{kept.group}/{each['name']}": Structural(schema_of(each), is_root=True)
        for each in versions(definition)
    }
    return _Common(
        definition,
        kept,
        schemas,
        {api_version: StructuralChecker(each) for api_version, each in schemas.items()},
        _kinds(definition, kept, schemas),
        _converter(definition, schemas, ask),
        [resource_of(definition, each) for each in versions(definition) if each.get("served")],
    )


def _converter(definition: Object, schemas: Mapping[str, Structural], ask: Ask) -> Converter:
    conversion = definition["spec"].get("conversion") or {}
    if conversion.get("strategy") != "Webhook" or len(schemas) == 1:
        return NopConverter(schemas)
    webhook, kind = conversion["webhook"], definition["spec"]["names"]["kind"]
    return WebhookConverter(webhook, kind, schemas, ask, definition=name_of(definition))


def _store(common: _Common, version: Object, shared: Shared) -> Store:
    definition, kept = common.definition, common.kept
    resource = resource_of(definition, version)
    schema = common.schemas[resource.api_version]
    strategy = CustomResourceStrategy(resource, version, schema, _deprecation(definition, version))
    strategy.is_ending = is_condition_true(definition, TERMINATING)
    codec = CustomCodec(resource, common.converter, kept.api_version, strategy.selectable_fields)
    form = Form(
        kept,
        common.kinds[kept.api_version],
        codec,
        tracked_versions(resource.api_version, common.schemas),
        common.checkers[resource.api_version],
        CustomForms(resource, strategy, common.converter, common.served, common.checkers),
    )
    return Store(resource, strategy, shared, form)


def _kinds(definition: Object, kept: Resource, schemas: Mapping[str, Structural]) -> dict[str, Kind]:
    """By apiVersion: how objects that were stored in it are read."""
    paths = {name: path for each in versions(definition) for name, path in selectable_paths(each).items()}
    headers: dict[bytes, Kind] = {}

    def selectable(obj: Object) -> Mapping[str, str]:
        return {name: field_text(path, obj) for name, path in paths.items()}

    kinds: dict[str, Kind] = {
        api_version: StoredKind(api_version, kept.kind, selectable, schema, headers)
        for api_version, schema in schemas.items()
    }
    headers |= {kind.header: kind for kind in kinds.values()}
    return kinds


def _deprecation(definition: Object, version: Object) -> str:
    """What users of a version are told; empty if it is not deprecated."""
    if not version.get("deprecated"):
        return ""
    if version.get("deprecationWarning"):
        return str(version["deprecationWarning"])
    spec = definition["spec"]
    group, kind, name = spec["group"], spec["names"]["kind"], version["name"]
    good = [
        each["name"] for each in versions(definition) if each.get("served") and not each.get("deprecated")
    ]
    order = by_priority([*good, name])
    better = order[: order.index(name)]
    hint = f"; use {group}/{better[0]} {kind}" if better else ""
    return f"{group}/{name} {kind} is deprecated{hint}"
