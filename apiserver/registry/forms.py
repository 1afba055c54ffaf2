"""What admission's webhooks and policies see of objects: any version of theirs, as clients see it."""

from __future__ import annotations

from collections.abc import Sequence

from apimachinery.errors import InternalError
from apimachinery.objects import Object, deep_copy
from apimachinery.schema import checker_for
from apimachinery.scheme import Resource
from apiserver.registry.conversion import versions_of
from apiserver.registry.strategy import Strategy


class StoredForms:
    """The Forms (`admission.attributes`) of the objects of a store."""

    def __init__(self, stored: Resource, strategy: Strategy) -> None:
        self._strategy = strategy
        self._conversions = dict(versions_of(stored))

    def versions(self, resource: Resource) -> Sequence[Resource]:
        return tuple(self._conversions)

    async def shown(self, obj: Object, resource: Resource) -> Object:
        conversion = self._conversions[resource]
        return conversion.from_stored(deep_copy(obj)) if conversion else obj

    async def taken(self, current: Object, changed: Object, resource: Resource) -> Object:
        checker = checker_for(resource.api_version, resource.kind)
        if checker is None:
            raise InternalError(f"no schema for {resource.api_version} {resource.kind}")
        problems = checker.check(changed, prune=True).type_errors
        if problems:
            raise InternalError(problems[0].message)
        conversion = self._conversions[resource]
        obj = conversion.to_stored(changed) if conversion else changed
        self._strategy.default(obj)
        return obj
