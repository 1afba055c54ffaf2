"""What admission's webhooks and policies see of custom resources: any served version, as clients see it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from apimachinery.errors import InternalError
from apimachinery.objects import Object, deep_copy
from apimachinery.scheme import Resource
from apiserver.customresources.conversion import Converter
from apiserver.registry.store import Check
from apiserver.registry.strategy import Strategy


class CustomForms:
    """The Forms (`admission.attributes`) of one definition's objects, judged in one version."""

    def __init__(
        self,
        spoken: Resource,
        strategy: Strategy,
        converter: Converter,
        served: Sequence[Resource],
        checkers: Mapping[str, Check],
    ) -> None:
        """`checkers` are by apiVersion."""
        self._spoken = spoken
        self._strategy = strategy
        self._converter = converter
        self._served = tuple(served)
        self._checkers = checkers

    def versions(self, resource: Resource) -> Sequence[Resource]:
        return self._served

    async def shown(self, obj: Object, resource: Resource) -> Object:
        if resource.api_version == self._spoken.api_version:
            return obj
        return (await self._converter.convert([deep_copy(obj)], resource.api_version))[0]

    async def taken(self, current: Object, changed: Object, resource: Resource) -> Object:
        problems = self._checkers[resource.api_version].check(changed, prune=True).type_errors
        if problems:
            raise InternalError(problems[0].message)
        if resource.api_version != self._spoken.api_version:
            changed = (await self._converter.convert([changed], self._spoken.api_version))[0]
        self._strategy.default(changed)
        return changed
