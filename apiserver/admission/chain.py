"""The admission plugins one after the other; who is asked for what is worked out once per kind of write."""

from __future__ import annotations

from collections.abc import Sequence

from apimachinery.scheme import Resource
from apiserver.admission.attributes import Attributes, Operation, Plugin


class Chain:
    """Plugins in upstream's order."""

    def __init__(self, plugins: Sequence[Plugin]) -> None:
        self._plugins = tuple(plugins)
        self._chosen: dict[tuple[Operation, Resource, str], tuple[Plugin, ...]] = {}

    def applies(self, operation: Operation, resource: Resource, subresource: str = "") -> bool:
        """Whether any plugin looks at such writes."""
        return bool(self._choose(operation, resource, subresource))

    async def admit(self, attributes: Attributes) -> None:
        plugins = self._choose(attributes.operation, attributes.resource, attributes.subresource)
        for plugin in plugins:
            await plugin.admit(attributes)
        if attributes.reinvocation.is_wanted:
            attributes.reinvocation.is_under_way = True
            for plugin in plugins:
                await plugin.admit(attributes)

    async def validate(self, attributes: Attributes) -> None:
        for plugin in self._choose(attributes.operation, attributes.resource, attributes.subresource):
            await plugin.validate(attributes)

    def _choose(self, operation: Operation, resource: Resource, subresource: str) -> tuple[Plugin, ...]:
        key = (operation, resource, subresource)
        chosen = self._chosen.get(key)
        if chosen is None:
            chosen = tuple(each for each in self._plugins if each.handles(operation, resource, subresource))
            self._chosen[key] = chosen
        return chosen
