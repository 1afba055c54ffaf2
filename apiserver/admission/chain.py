"""The admission plugins one after the other; who is asked for what is worked out once per kind of write."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from apimachinery.scheme import Resource
from apiserver.admission.attributes import Attributes, MutatingPlugin, Operation, Plugin, ValidatingPlugin
from apiserver.admission.step import Step


@dataclass(frozen=True, slots=True)
class _Steps:
    """What plugins do about one kind of write."""

    admit: Step
    validate: Step
    is_any: bool
    """Whether there is a plugin at all."""


class Chain:
    """Plugins in upstream's order."""

    def __init__(self, plugins: Sequence[Plugin]) -> None:
        self._plugins = tuple(plugins)
        self._steps: dict[tuple[Operation, str, str, str, str, bool], _Steps] = {}
        """By what plugins go by. A custom resource may come back under its name, in namespaces or not."""

    def applies(self, operation: Operation, resource: Resource, subresource: str = "") -> bool:
        """Whether any plugin looks at such writes."""
        return self._steps_for(operation, resource, subresource).is_any

    async def admit(self, attributes: Attributes) -> None:
        step = self._steps_for(attributes.operation, attributes.resource, attributes.subresource).admit
        await step.take(attributes)
        if attributes.reinvocation.is_wanted:
            attributes.reinvocation.is_under_way = True
            await step.take(attributes)

    async def validate(self, attributes: Attributes) -> None:
        steps = self._steps_for(attributes.operation, attributes.resource, attributes.subresource)
        await steps.validate.take(attributes)

    def _steps_for(self, operation: Operation, resource: Resource, subresource: str) -> _Steps:
        key = operation, subresource, resource.group, resource.version, resource.plural, resource.namespaced
        found = self._steps.get(key)
        if found is None:
            chosen = [each for each in self._plugins if each.handles(operation, resource, subresource)]
            mutating = [(each.name, each.admit) for each in chosen if isinstance(each, MutatingPlugin)]
            validating = [(each.name, each.validate) for each in chosen if isinstance(each, ValidatingPlugin)]
            found = self._steps[key] = _Steps(
                Step("admit", operation, mutating), Step("validate", operation, validating), bool(chosen)
            )
        return found
