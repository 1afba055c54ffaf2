"""The pods that a pod should be spread over by default: those of its Services and of its controller."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

from apimachinery.labels import (
    NOTHING,
    Requirement,
    Selector,
    selector_from_label_selector,
    selector_from_map,
)
from apimachinery.objects import NamespacedName, Object
from scheduler.pod_info import PodInfo

_MAX_REMEMBERED = 4096


class Source(Protocol):
    """What is used of an informer."""

    def get(self, key: NamespacedName) -> Object | None: ...

    def list(self, namespace: str | None = None) -> Sequence[Object]: ...


class DefaultSelectors:
    """Finds the selector for a pod; remembered for pods of the same labels and owner."""

    def __init__(self, services: Source, controllers: dict[str, Source]) -> None:
        """`controllers`: kind -> where its objects are."""
        self._services = services
        self._controllers = controllers
        self._known: dict[object, Selector | None] = {}

    def forget(self) -> None:
        """A Service or controller has changed."""
        self._known.clear()

    def __call__(self, pod: PodInfo) -> Selector | None:
        key = (pod.namespace, frozenset(pod.labels.items()), pod.owner)
        if key not in self._known:
            if len(self._known) >= _MAX_REMEMBERED:
                self._known.clear()
            self._known[key] = self._find(pod)
        return self._known[key]

    def _find(self, pod: PodInfo) -> Selector | None:
        """All requirements of all of them together; None when there is not one."""
        requirements: list[Requirement] = []
        for selector in (*self._of_services(pod), self._of_controller(pod)):
            requirements += [each for each in selector.requirements if each not in requirements]
        return Selector(tuple(requirements)) if requirements else None

    def _of_services(self, pod: PodInfo) -> Iterable[Selector]:
        for service in self._services.list(pod.namespace):
            wanted = service["spec"].get("selector")
            if wanted and all(pod.labels.get(key) == value for key, value in wanted.items()):
                yield selector_from_map(wanted)

    def _of_controller(self, pod: PodInfo) -> Selector:
        kind, name = pod.owner or ("", "")
        source = self._controllers.get(kind)
        owner = source.get(NamespacedName(pod.namespace, name)) if source else None
        if owner is None:
            return NOTHING
        selector = owner["spec"].get("selector")
        if kind == "ReplicationController":
            return selector_from_map(selector)
        return selector_from_label_selector(selector)
