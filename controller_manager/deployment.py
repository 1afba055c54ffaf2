"""The Deployment controller: moves pods from old ReplicaSets to the one of the current template.

It only sizes ReplicaSets; their own controller makes pods. Decisions are in `deployment_sizes`,
`deployment_history`, `deployment_rollback` and `deployment_status`; here are the reads, the writes and
their order.
Source: pkg/controller/deployment.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import ClassVar

from apimachinery import scheme
from apimachinery.conditions import find_condition
from apimachinery.errors import AlreadyExistsError, NotFoundError, StatusError
from apimachinery.objects import (
    NamespacedName,
    Object,
    annotations_of,
    controller_of,
    is_terminating,
    key_of,
    name_of,
    namespace_of,
    uid_of,
)
from apimachinery.pods import is_terminal
from apimachinery.well_known import REVISION
from client.controller import Watch, by_name
from client.errors import is_namespace_terminating
from client.events import NORMAL, WARNING
from client.own_writes import UNSETTLED, OwnWrites
from controller_manager import deployment_history as history
from controller_manager import deployment_sizes as sizes
from controller_manager import deployment_status as statuses
from controller_manager.context import ControllerContext
from controller_manager.deployment_rollback import plan_rollback, rollback_to
from controller_manager.deployment_sizes import Scale, size
from controller_manager.ownership import (
    CONTROLLER_INDEX,
    Claimer,
    by_controller,
    candidates,
    matches_labels,
    owner_key,
    owners_of,
    plan_claims,
    selector_of,
)
from controller_manager.status_writer import write_status


class DeploymentController:
    """Drives every Deployment's ReplicaSets towards its template and replicas."""

    name: ClassVar[str] = "deployment-controller"

    def __init__(self, context: ControllerContext) -> None:
        self._client, self._now = context.client, context.now
        self._recorder = context.recorder(self.name)
        self._deployments = context.informers.informer(scheme.DEPLOYMENTS)
        self._sets = context.informers.informer(scheme.REPLICA_SETS)
        self._pods = context.informers.informer(scheme.PODS)
        for resource in (scheme.REPLICA_SETS, scheme.PODS):
            context.informers.index(resource, CONTROLLER_INDEX, by_controller)
        self._claimer = Claimer(context.client, scheme.DEPLOYMENTS, scheme.REPLICA_SETS)
        self._writes = OwnWrites(self._sets)

    def watches(self) -> list[Watch]:
        return [
            Watch(self._deployments, by_name),
            Watch(self._sets, self._owners_of),
            Watch(self._pods, self._grand_owner_of, _has_ended),
        ]

    def _owners_of(self, replica_set: Object) -> Iterable[NamespacedName]:
        """The Deployment of a ReplicaSet, or all that might adopt it."""
        return owners_of(replica_set, "Deployment", self._deployments)

    def _grand_owner_of(self, pod: Object) -> Iterable[NamespacedName]:
        """The Deployment of a pod: Recreate waits until the last old one has ended."""
        key = owner_key(pod, "ReplicaSet")
        replica_set = self._sets.get(key) if key else None
        return self._owners_of(replica_set) if replica_set else ()

    async def reconcile(self, key: NamespacedName) -> float | None:
        seen = self._deployments.get(key)
        if seen is None:
            self._writes.forget(key)
            return None
        if not self._writes.are_seen(key):
            return UNSETTLED
        claims = plan_claims(seen, matches_labels(selector_of(seen).matches), candidates(self._sets, seen))
        sets = await self._claimer.claim(seen, claims)
        if is_terminating(seen):
            new = history.find_new(seen, sets)
            await self._write_status(seen, statuses.calculate_status(seen, sets, new, self._now()))
            return None
        deployment = await self._record(seen, statuses.pause_condition(seen, self._now()))
        is_paused, wanted = deployment["spec"].get("paused"), rollback_to(deployment)
        if wanted is not None and not is_paused:
            return await self._roll_back(deployment, sets, wanted)
        if is_paused or sizes.is_scaling(deployment, sets):
            return await self._resize(deployment, sets)
        if sizes.is_rolling(deployment):
            return await self._roll(deployment, sets)
        return await self._recreate(deployment, sets)

    # The ways to go on.

    async def _resize(self, deployment: Object, sets: Sequence[Object]) -> float | None:
        """Only sizes: spec.replicas changed, or the rollout is paused."""
        deployment, new, old = await self._find_new(deployment, sets)
        await self._scale(deployment, sizes.plan_scaling(deployment, new, old))
        if deployment["spec"].get("paused") and rollback_to(deployment) is None:
            await self._clean_up(deployment, old)
        status = statuses.calculate_status(deployment, _all(new, old), new, self._now())
        await self._write_status(deployment, status)
        return None

    async def _roll_back(self, deployment: Object, sets: Sequence[Object], wanted: int) -> float | None:
        """Puts an earlier template in place; its ReplicaSet is found once the Deployment is seen changed."""
        deployment, new, old = await self._find_or_create_new(deployment, sets)
        rollback = plan_rollback(deployment, _all(new, old), wanted)
        await self._client.update(scheme.DEPLOYMENTS, rollback.deployment)
        self._recorder.event(deployment, rollback.type, rollback.reason, rollback.message)
        return None

    async def _roll(self, deployment: Object, sets: Sequence[Object]) -> float | None:
        """One step of a rolling update: up as far as surge allows, else down as far as availability does."""
        deployment, new, old = await self._find_or_create_new(deployment, sets)
        up = sizes.new_size(deployment, _all(new, old), new)
        if up != size(new):
            await self._scale(deployment, [Scale(new, up)])
        elif down := sizes.plan_down(deployment, new, old):
            await self._scale(deployment, down)
        elif statuses.is_complete(deployment, deployment.get("status") or {}):
            await self._clean_up(deployment, old)
        return await self._finish(deployment, new, old)

    async def _recreate(self, deployment: Object, sets: Sequence[Object]) -> float | None:
        """First all old pods end, then the new ones start."""
        deployment, new, old = await self._find_new(deployment, sets)
        if running := sizes.active(old):
            await self._scale(deployment, [Scale(each, 0) for each in running])
            return await self._finish(deployment, new, old)
        if self._has_running_pods(old):
            return await self._finish(deployment, new, old)
        deployment, new, old = await self._find_or_create_new(deployment, sets)
        await self._scale(deployment, [Scale(new, size(deployment))])
        if statuses.is_complete(deployment, deployment.get("status") or {}):
            await self._clean_up(deployment, old)
        return await self._finish(deployment, new, old)

    async def _finish(self, deployment: Object, new: Object | None, old: Sequence[Object]) -> float | None:
        now = self._now()
        status = statuses.calculate_rollout_status(deployment, _all(new, old), new, now)
        await self._write_status(deployment, status)
        return statuses.next_look(deployment, status, now)

    def _has_running_pods(self, old: Iterable[Object]) -> bool:
        pods = (pod for each in old for pod in self._pods.by_index(CONTROLLER_INDEX, uid_of(each)))
        return any(not is_terminal(pod) for pod in pods)

    # The new ReplicaSet.

    async def _find_new(
        self, deployment: Object, sets: Sequence[Object]
    ) -> tuple[Object, Object | None, list[Object]]:
        """The Deployment, its new ReplicaSet if there is one, and the old ones.

        Revisions, and the annotations of the new one, have been brought up to date.
        """
        found = history.find_new(deployment, sets)
        old = [each for each in sets if each is not found]
        if found is None:
            return deployment, None, old
        new = await self._renew(deployment, found, history.next_revision(old))
        known = find_condition(statuses.conditions_of(deployment), statuses.PROGRESSING)
        text = f'Found new replica set "{name_of(new)}"'
        progress = None if known else self._progress(deployment, "True", statuses.FOUND, text)
        revision = annotations_of(new).get(REVISION, "")
        return await self._record(deployment, progress, revision), new, old

    async def _find_or_create_new(
        self, deployment: Object, sets: Sequence[Object]
    ) -> tuple[Object, Object, list[Object]]:
        deployment, new, old = await self._find_new(deployment, sets)
        if new is not None:
            return deployment, new, old
        revision = history.next_revision(old)
        replicas = sizes.new_size(deployment, old, None)
        wanted = history.new_replica_set(deployment, replicas, revision, sizes.max_replicas(deployment))
        new = await self._create(deployment, wanted)
        text = f'Created new replica set "{name_of(new)}"'
        progress = self._progress(deployment, "True", statuses.CREATED, text)
        return await self._record(deployment, progress, str(revision)), new, old

    async def _create(self, deployment: Object, wanted: Object) -> Object:
        name = name_of(wanted)
        try:
            created = await self._client.create(scheme.REPLICA_SETS, wanted)
        except AlreadyExistsError:
            return await self._existing(deployment, wanted)
        except StatusError as error:
            if not is_namespace_terminating(error):
                text = f'Failed to create new replica set "{name}": {error}'
                await self._record(
                    deployment, self._progress(deployment, "False", statuses.CREATE_FAILED, text)
                )
                self._recorder.event(deployment, WARNING, statuses.CREATE_FAILED, text)
            raise
        self._writes.note(key_of(deployment), created)
        if size(created):
            self._tell_scaled(deployment, name, 0, size(created))
        return created

    async def _existing(self, deployment: Object, wanted: Object) -> Object:
        """Ours, which the cache doesn't show yet; or a stranger's with the same hash: then hash anew."""
        live = await self._client.get(scheme.REPLICA_SETS, name_of(wanted), namespace_of(wanted))
        reference = controller_of(live) or {}
        is_same = history.is_same_template(live["spec"]["template"], deployment["spec"]["template"])
        if reference.get("uid") == uid_of(deployment) and is_same:
            self._writes.note(key_of(deployment), live)
            return live
        status = dict(deployment.get("status") or {})
        status["collisionCount"] = (status.get("collisionCount") or 0) + 1
        await self._write_status(deployment, status)
        raise AlreadyExistsError(scheme.REPLICA_SETS, name_of(wanted))

    async def _renew(self, deployment: Object, new: Object, revision: int) -> Object:
        """Brings revision, copied annotations and minReadySeconds of the new ReplicaSet up to date."""
        annotations = history.renewed_annotations(deployment, new, revision)
        seconds = deployment["spec"].get("minReadySeconds") or 0
        if annotations == annotations_of(new) and seconds == (new["spec"].get("minReadySeconds") or 0):
            return new
        spec = {**new["spec"], "minReadySeconds": seconds}
        metadata = {**new["metadata"], "annotations": annotations}
        return await self._update_set(deployment, {**new, "metadata": metadata, "spec": spec})

    def _progress(self, deployment: Object, status: str, reason: str, message: str) -> Object | None:
        """The condition Progressing; None for a Deployment without a deadline."""
        if not statuses.has_deadline(deployment):
            return None
        return statuses.condition(statuses.PROGRESSING, status, reason, message, self._now())

    # Effects.

    async def _scale(self, deployment: Object, plan: Iterable[Scale]) -> None:
        """Sizes ReplicaSets; the annotations for proportional scaling go with each size."""
        marks = history.size_annotations(deployment, sizes.max_replicas(deployment))
        for step in plan:
            before = step.replica_set
            annotations = {**annotations_of(before), **marks}
            if step.replicas == size(before) and annotations == annotations_of(before):
                continue
            metadata = {**before["metadata"], "annotations": annotations}
            spec = {**before["spec"], "replicas": step.replicas}
            await self._update_set(deployment, {**before, "metadata": metadata, "spec": spec})
            if step.replicas != size(before):
                self._tell_scaled(deployment, name_of(before), size(before), step.replicas)

    async def _update_set(self, deployment: Object, replica_set: Object) -> Object:
        updated = await self._client.update(scheme.REPLICA_SETS, replica_set)
        self._writes.note(key_of(deployment), updated)
        return updated

    def _tell_scaled(self, deployment: Object, name: str, before: int, after: int) -> None:
        direction = "up" if after > before else "down"
        text = f"Scaled {direction} replica set {name} from {before} to {after}"
        self._recorder.event(deployment, NORMAL, "ScalingReplicaSet", text)

    async def _clean_up(self, deployment: Object, old: Sequence[Object]) -> None:
        for each in history.to_clean_up(deployment, old):
            with suppress(NotFoundError):
                await self._client.delete(scheme.REPLICA_SETS, name_of(each), namespace_of(each))

    async def _record(self, deployment: Object, condition: Object | None, revision: str = "") -> Object:
        """Writes a condition and the Deployment's own revision, if they are news, before all else.

        The revision is an annotation, written along with the status: so it doesn't count as a new generation.
        """
        annotations = annotations_of(deployment)
        if revision and annotations.get(REVISION) != revision:
            annotations = {**annotations, REVISION: revision}
        known = statuses.conditions_of(deployment)
        conditions = known if condition is None else statuses.with_condition(known, condition)
        if annotations == annotations_of(deployment) and conditions == known:
            return deployment
        status = {**(deployment.get("status") or {}), "conditions": conditions}
        metadata = {**deployment["metadata"], "annotations": annotations}
        changed = {**deployment, "metadata": metadata, "status": status}
        return await self._client.update_status(scheme.DEPLOYMENTS, changed)

    async def _write_status(self, deployment: Object, status: Object) -> None:
        await write_status(self._client, scheme.DEPLOYMENTS, deployment, status)


def _all(new: Object | None, old: Sequence[Object]) -> list[Object]:
    return [*old, *([new] if new else [])]


def _has_ended(old: Object | None, new: Object | None) -> bool:
    return new is None or (is_terminal(new) and (old is None or not is_terminal(old)))
