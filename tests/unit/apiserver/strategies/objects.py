"""The smallest objects that are right, and what a store does with a strategy around them."""

from __future__ import annotations

import random
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from apimachinery import scheme
from apimachinery.field import ErrorList
from apimachinery.objects import Object, deep_copy
from apimachinery.scheme import Resource
from apiserver.registry.rules import before_create
from apiserver.registry.strategy import Strategy
from tests.fakes.strategies import STRATEGIES

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def strategy(resource: Resource) -> Strategy:
    return STRATEGIES[(resource.group, resource.plural)]


def make(resource: Resource, name: str = "a", **fields: Any) -> Object:
    namespace = {"namespace": "shop"} if resource.namespaced else {}
    metadata = {"name": name, **namespace, **fields.pop("metadata", {})}
    return {"apiVersion": resource.api_version, "kind": resource.kind, "metadata": metadata, **fields}


def container(name: str = "c", **fields: Any) -> Object:
    return {"name": name, "image": "registry.example/app:1.0", **fields}


def pod(**spec: Any) -> Object:
    return make(scheme.PODS, spec={"containers": [container()], **spec})


def template(labels: Mapping[str, str] | None = None, **spec: Any) -> Object:
    return {
        "metadata": {"labels": dict(labels or {"app": "a"})},
        "spec": {"containers": [container()], **spec},
    }


def deployment(**spec: Any) -> Object:
    selector = {"matchLabels": {"app": "a"}}
    return make(scheme.DEPLOYMENTS, spec={"selector": selector, "template": template(), **spec})


def service(**spec: Any) -> Object:
    return make(scheme.SERVICES, spec={"ports": [{"port": 80}], **spec})


def created(resource: Resource, obj: Object) -> Object:
    """The object as it would be stored."""
    stored = deep_copy(obj)
    strategy(resource).default(stored)
    before_create(strategy(resource), stored, NOW, random.Random(0))
    return stored


def errors_of(resource: Resource, obj: Object) -> list[str]:
    return shown(strategy(resource).validate(created(resource, obj)))


def update_errors(resource: Resource, old: Object, new: Object) -> list[str]:
    stored, wanted = created(resource, old), deep_copy(new)
    strategy(resource).default(wanted)
    strategy(resource).prepare_for_update(wanted, stored)
    return shown(strategy(resource).validate_update(wanted, stored))


def shown(errors: ErrorList) -> list[str]:
    return [str(error) for error in errors]


def through(subresource: str, old: Object, **spec: Any) -> tuple[Object, list[str]]:
    """A pod that was written through a subresource, and what is wrong with it."""
    judge = strategy(scheme.PODS).for_subresource(subresource)
    stored, wanted = created(scheme.PODS, old), deep_copy(old)
    wanted["spec"] |= spec
    judge.default(wanted)
    judge.prepare_for_update(wanted, stored)
    return wanted, shown(judge.validate_update(wanted, stored))
