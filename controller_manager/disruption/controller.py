"""The disruption controller: tells each PodDisruptionBudget how many of its pods may be evicted.

Evictions themselves are the API server's: it counts `disruptionsAllowed` down and notes whom it let go.
Decisions are in `plan`, numbers of wanted pods in `scales`.
Source: pkg/controller/disruption/disruption.go.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import ClassVar

from apimachinery import scheme
from apimachinery.labels import Selector, selector_from_label_selector
from apimachinery.objects import NamespacedName, Object, key_of, labels_of, namespace_of
from client.controller import Watch, by_name
from client.events import NORMAL, WARNING
from controller_manager.context import ControllerContext
from controller_manager.disruption import plan
from controller_manager.disruption.scales import Scales, UnknownScale
from controller_manager.status_writer import write_status

_UNMANAGED = (
    "Pods selected by this PodDisruptionBudget (selector: {}) were found to be unmanaged. As a result, the "
    "status of the PDB cannot be calculated correctly, which may result in undefined behavior. "
    'To account for these pods please set ".spec.minAvailable" field of the PDB to an integer value.'
)


class DisruptionController:
    """Keeps the status of every budget."""

    name: ClassVar[str] = "disruption-controller"

    def __init__(self, context: ControllerContext) -> None:
        self._client, self._now = context.client, context.now
        self._budgets = context.informers.informer(scheme.POD_DISRUPTION_BUDGETS)
        self._pods = context.informers.informer(scheme.PODS)
        self._scales = Scales(context.client, context.informers)
        self._recorder = context.recorder("controllermanager")

    def watches(self) -> list[Watch]:
        return [Watch(self._budgets, by_name), Watch(self._pods, self._budgets_of)]

    def _budgets_of(self, pod: Object) -> Iterable[NamespacedName]:
        labels = labels_of(pod)
        budgets = self._budgets.list(namespace_of(pod))
        return [key_of(each) for each in budgets if _selector(each).matches(labels)]

    async def reconcile(self, key: NamespacedName) -> float | None:
        budget = self._budgets.get(key)
        if budget is None:
            return None
        selector = _selector(budget)
        pods = [pod for pod in self._pods.list(key.namespace) if selector.matches(labels_of(pod))]
        if not pods:
            self._recorder.event(budget, NORMAL, "NoPods", "No matching pods found")
        now = self._now()
        leaving = plan.disrupted(budget, pods, now)
        for pod in leaving.overdue:
            text = f"Pod was expected by PDB {key} to be deleted but it wasn't"
            self._recorder.event(pod, WARNING, "NotDeleted", text)
        try:
            want = await self._wanted(budget, pods)
        except UnknownScale as error:
            text = f"Failed to calculate the number of expected pods: {error}"
            self._recorder.event(budget, WARNING, "CalculateExpectedPodCountFailed", text)
            await self._write_status(budget, plan.failed_status(budget, str(error), now))
            return None
        await self._write_status(budget, plan.calculate_status(budget, pods, want, leaving.pods, now))
        return leaving.wait

    async def _wanted(self, budget: Object, pods: Sequence[Object]) -> plan.Wanted:
        if not plan.needs_scale(budget):
            return plan.wanted(budget, pods, 0)
        scale, unmanaged = await self._scales.total(pods)
        if unmanaged:
            self._recorder.event(budget, WARNING, "UnmanagedPods", _UNMANAGED.format(_selector(budget)))
        return plan.wanted(budget, pods, scale)

    async def _write_status(self, budget: Object, status: Object) -> None:
        """Guarded by the resourceVersion it was decided on: an eviction in between has counted down."""
        await write_status(self._client, scheme.POD_DISRUPTION_BUDGETS, budget, status)


def _selector(budget: Object) -> Selector:
    return selector_from_label_selector(budget["spec"].get("selector"))
