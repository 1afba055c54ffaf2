"""Which resources this server serves, in upstream's order of groups; custom ones join through `extra`."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from apimachinery.scheme import BUILTIN, GROUP_ORDER, Resource


class Served:
    """The resources of discovery."""

    def __init__(self, extra: Callable[[], Sequence[Resource]] = tuple) -> None:
        self._extra = extra
        order = {name: place for place, name in enumerate(GROUP_ORDER)}
        self._builtin = sorted(BUILTIN, key=lambda each: order.get(each.group, len(order)))

    def resources(self) -> list[Resource]:
        return [*self._builtin, *self._extra()]

    def of(self, group: str, version: str) -> list[Resource]:
        return [each for each in self.resources() if (each.group, each.version) == (group, version)]

    def group_versions(self) -> list[tuple[str, str]]:
        """Every (group, version), in order."""
        return list(dict.fromkeys((each.group, each.version) for each in self.resources()))
