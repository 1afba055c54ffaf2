"""Which pods an autoscaler's target has, and whether they are only its.

Source: validateAndParseSelector in pkg/controller/podautoscaler/horizontal.go.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from apimachinery.labels import Selector, SelectorError, parse_selector
from apimachinery.objects import NamespacedName, Object, labels_of

_MISSING = "the HPA target's scale is missing a selector"


class Selected(NamedTuple):
    selector: Selector
    pods: Sequence[Object]


class Unselectable(Exception):
    """It cannot be told. The text is that of the Event; `reason` and `message` are the condition's."""

    def __init__(self, event: str, text: str, *, reason: str = "", message: str = "") -> None:
        super().__init__(text)
        self.event = event
        self.reason = reason or event
        self.message = message or text


class Selection:
    """Remembers the selectors of all autoscalers' targets, as last seen."""

    def __init__(self, pods: Callable[[str], Sequence[Object]]) -> None:
        """`pods` lists a namespace."""
        self._pods = pods
        self._selectors: dict[NamespacedName, Selector] = {}

    def forget(self, key: NamespacedName) -> None:
        self._selectors.pop(key, None)

    def select(self, key: NamespacedName, text: str) -> Selected:
        """By the selector of the target's scale. Raises Unselectable."""
        selector = self._selectors[key] = _parsed(text)
        pods = [pod for pod in self._pods(key.namespace) if selector.matches(labels_of(pod))]
        rivals = [
            other
            for other, each in self._selectors.items()
            if other.namespace == key.namespace and any(each.matches(labels_of(pod)) for pod in pods)
        ]
        if len(rivals) > 1:
            listed = " ".join(map(str, rivals))
            found = f"pods by selector {text} are controlled by multiple HPAs: [{listed}]"
            raise Unselectable("AmbiguousSelector", found)
        return Selected(selector, pods)


def _parsed(text: str) -> Selector:
    if not text:
        required = "selector is required"
        raise Unselectable("SelectorRequired", required, reason="InvalidSelector", message=_MISSING)
    try:
        return parse_selector(text)
    except SelectorError as error:
        message = f"couldn't convert selector into a corresponding internal selector object: {error}"
        raise Unselectable("InvalidSelector", message) from None
