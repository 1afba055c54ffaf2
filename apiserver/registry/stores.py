"""A store for every built-in resource that is kept in the storage."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from apimachinery.scheme import BUILTIN, COMPONENT_STATUSES, CREATE_ONLY, Resource
from apiserver.registry.conversion import conversion_of
from apiserver.registry.store import Shared, Store
from apiserver.registry.strategy import Strategy

StoreKey = tuple[str, str, str]
"""(group, version, plural)"""


def build_stores(shared: Shared, strategy_for: Callable[[Resource], Strategy]) -> dict[StoreKey, Store]:
    """Versions that are stored come first, for the cache of a prefix takes its kind from the first."""
    kept = [each for each in BUILTIN if each.verbs != CREATE_ONLY and each != COMPONENT_STATUSES]
    kept.sort(key=lambda resource: conversion_of(resource) is not None)
    return {(each.group, each.version, each.plural): Store(each, strategy_for(each), shared) for each in kept}


def store_of(stores: Mapping[StoreKey, Store], resource: Resource) -> Store:
    return stores[resource.group, resource.version, resource.plural]
