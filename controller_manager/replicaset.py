"""The ReplicaSet controller: keeps the number of pods of each ReplicaSet at spec.replicas.

ReplicationControllers are the same with another kind and a plain map as selector (`replication_controller`).
Source: pkg/controller/replicaset/replica_set.go.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import ClassVar

from apimachinery import scheme
from apimachinery.errors import ConflictError, NotFoundError, StatusError
from apimachinery.labels import Selector
from apimachinery.objects import (
    NamespacedName,
    Object,
    controller_of,
    is_terminating,
    name_of,
    namespace_of,
    uid_of,
)
from client.controller import Watch, by_name
from client.errors import ConnectionFailed, is_namespace_terminating
from client.own_writes import UNSETTLED, OwnWrites
from controller_manager.context import ControllerContext
from controller_manager.ownership import (
    CONTROLLER_INDEX,
    Claimer,
    by_controller,
    candidates,
    matches_labels,
    owners_of,
    plan_claims,
    selector_of,
)
from controller_manager.pod_control import BatchFailed, PodControl, in_growing_batches, pod_from_template
from controller_manager.replica_plan import ReplicaPlan, is_active, plan_replicas
from controller_manager.replica_status import calculate_status, next_look
from controller_manager.status_writer import differs


class ReplicaSetController:
    """One class for both kinds; the constants tell them apart."""

    name: ClassVar[str] = "replicaset-controller"
    owners: ClassVar[scheme.Resource] = scheme.REPLICA_SETS

    def __init__(self, context: ControllerContext) -> None:
        self._client, self._now = context.client, context.now
        self._sets = context.informers.informer(self.owners)
        self._pods = context.informers.informer(scheme.PODS)
        context.informers.index(scheme.PODS, CONTROLLER_INDEX, by_controller)
        context.informers.index(self.owners, CONTROLLER_INDEX, by_controller)
        self._pod_control = PodControl(context.client, context.recorder(self.name))
        self._claimer = Claimer(context.client, self.owners, scheme.PODS)
        self._writes = OwnWrites(self._pods)

    def watches(self) -> list[Watch]:
        return [Watch(self._sets, by_name), Watch(self._pods, self._owners_of)]

    def select(self, owner: Object) -> Selector:
        return selector_of(owner)

    def _owners_of(self, pod: Object) -> Iterable[NamespacedName]:
        """The controller of a pod, or all that might adopt it."""
        return owners_of(pod, self.owners.kind, self._sets, self.select)

    async def reconcile(self, key: NamespacedName) -> float | None:
        owner = self._sets.get(key)
        if owner is None:
            self._writes.forget(key)
            return None
        is_settled = self._writes.are_seen(key)
        matches = matches_labels(self.select(owner).matches)
        claims = plan_claims(owner, matches, candidates(self._pods, owner))
        pods = [pod for pod in await self._claimer.claim(owner, claims) if is_active(pod)]
        failure: Exception | None = None
        if is_settled and not is_terminating(owner):
            failure = await self._manage(key, owner, pods)
        await self._write_status(owner, calculate_status(owner, pods, failure, self._now()))
        if failure is not None:
            raise failure
        return next_look(owner, pods, self._now()) if is_settled else UNSETTLED

    async def _manage(self, key: NamespacedName, owner: Object, pods: Sequence[Object]) -> Exception | None:
        """Makes or deletes pods; what went wrong is returned, because the status tells it, too."""
        wanted = owner["spec"].get("replicas")
        plan = plan_replicas(1 if wanted is None else wanted, pods, self._related(owner), self._now())
        try:
            if plan.create:
                await self._create(key, owner, plan.create)
            elif plan.delete:
                await self._delete(key, owner, plan)
        except (StatusError, ConnectionFailed) as error:
            return error
        return None

    async def _create(self, key: NamespacedName, owner: Object, count: int) -> None:
        pod = pod_from_template(owner, owner["spec"]["template"])

        async def create(pod: Object) -> None:
            self._writes.note(key, await self._pod_control.create(owner, pod))

        try:
            await in_growing_batches([pod] * count, create)
        except BatchFailed as failed:
            if not is_namespace_terminating(failed.first):
                raise failed.first from None

    async def _delete(self, key: NamespacedName, owner: Object, plan: ReplicaPlan) -> None:
        deletions = (self._delete_one(key, owner, pod) for pod in plan.delete)
        results = await asyncio.gather(*deletions, return_exceptions=True)
        for result in results:
            if isinstance(result, BaseException):
                raise result

    async def _delete_one(self, key: NamespacedName, owner: Object, pod: Object) -> None:
        with suppress(NotFoundError):
            self._writes.note(key, await self._pod_control.delete(owner, pod))

    def _related(self, owner: Object) -> list[Object]:
        """Pods of all sets with the same controller (a Deployment's), this one's included."""
        controller = controller_of(owner)
        family = self._sets.by_index(CONTROLLER_INDEX, controller["uid"]) if controller else [owner]
        return [pod for each in family for pod in self._pods.by_index(CONTROLLER_INDEX, uid_of(each))]

    async def _write_status(self, owner: Object, status: Object) -> None:
        """Writes if it differs. A conflict is retried once on the fresh object, as the counts still hold."""
        if not differs(status, owner.get("status")):
            return
        try:
            await self._client.update_status(self.owners, {**owner, "status": status})
        except ConflictError:
            fresh = await self._client.get(self.owners, name_of(owner), namespace_of(owner))
            if uid_of(fresh) == uid_of(owner):
                status = {**status, "observedGeneration": owner["metadata"].get("generation") or 0}
                await self._client.update_status(self.owners, {**fresh, "status": status})
        except NotFoundError:
            return  # deleted meanwhile
