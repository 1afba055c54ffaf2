"""Makes, deletes and releases the pods of Jobs."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass

from apimachinery.errors import NotFoundError, StatusError
from apimachinery.objects import NamespacedName, Object, key_of, name_of, namespace_of, uid_of
from apimachinery.scheme import PODS
from client.errors import ConnectionFailed, is_namespace_terminating
from client.events import EventRecorder
from client.informer import Informer
from client.own_writes import OwnWrites
from client.rest import STRATEGIC, Client
from controller_manager.job.observed import Observed
from controller_manager.job.plan import Plan
from controller_manager.job.pods import FINALIZER, failures_of, is_over, is_tracked, new_pod
from controller_manager.job.policies import meaning_of
from controller_manager.pod_control import BatchFailed, PodControl, in_growing_batches

_AT_ONCE = 64


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a plan, and the first error if not all of it worked."""

    done: Sequence[Object] = ()
    """Pods that were deleted, or released."""
    created: int = 0
    error: Exception | None = None


class JobPods:
    """The effects on pods, and whether the cache shows them."""

    def __init__(self, client: Client, pods: Informer, recorder: EventRecorder) -> None:
        self._client = client
        self._pods = pods
        self._control = PodControl(client, recorder)
        self._slots = asyncio.Semaphore(_AT_ONCE)
        self._writes = OwnWrites(pods)
        self._deleted: defaultdict[NamespacedName, dict[NamespacedName, str]] = defaultdict(dict)
        """By Job, the uids of pods that are gone: no answer told the version of that."""

    def are_seen(self, key: NamespacedName) -> bool:
        """Whether the cache shows all that was done: what it does not would be counted again."""
        deleted = self._deleted[key]
        for name, uid in list(deleted.items()):
            cached = self._pods.get(name)
            if cached is None or uid_of(cached) != uid:
                del deleted[name]
        return not deleted and self._writes.are_seen(key)

    def forget(self, key: NamespacedName) -> None:
        """The Job is over, or gone."""
        self._writes.forget(key)
        self._deleted.pop(key, None)

    async def carry_out(self, it: Observed, plan: Plan) -> Outcome:
        """Deletes or makes. What is deleted here is no failure: its finalizer goes first."""

        async def drop(pod: Object) -> None:
            await self.release(key_of(it.job), pod)
            await self._delete(it.job, pod)

        if plan.delete:
            return await self._each(plan.delete, drop)
        try:
            made = await in_growing_batches(plan.create, lambda index: self._create(it, index))
        except BatchFailed as failed:
            error = None if is_namespace_terminating(failed.first) else failed.first
            return Outcome(created=len(failed.done), error=error)
        return Outcome(created=len(made))

    async def end_all(self, it: Observed) -> Outcome:
        """Deletes what runs, finalizers left on: the pods are still to be counted."""
        return await self._each(it.active, lambda pod: self._delete(it.job, pod))

    async def release(self, key: NamespacedName, pod: Object) -> None:
        """Takes the finalizer away; a pod that is gone has none."""
        if not is_tracked(pod):
            return
        patch = {"metadata": {"uid": uid_of(pod), "$deleteFromPrimitiveList/finalizers": [FINALIZER]}}
        try:
            async with self._slots:
                answer = await self._client.patch(
                    PODS, name_of(pod), patch, namespace_of(pod), patch_type=STRATEGIC
                )
        except NotFoundError:
            self._deleted[key][key_of(pod)] = uid_of(pod)
            return
        self._writes.note(key, answer)
        if is_over(answer):
            self._deleted[key][key_of(pod)] = uid_of(pod)

    async def release_all(self, key: NamespacedName, pods: Sequence[Object]) -> Outcome:
        """`done` are those that were released."""
        return await self._each(pods, lambda pod: self.release(key, pod))

    async def _each(self, pods: Sequence[Object], act: Callable[[Object], Awaitable[None]]) -> Outcome:
        results = await asyncio.gather(*map(act, pods), return_exceptions=True)
        done, errors = [], []
        for pod, result in zip(pods, results, strict=True):
            if result is None:
                done.append(pod)
            elif isinstance(result, StatusError | ConnectionFailed):
                errors.append(result)
            else:
                raise result
        return Outcome(done=done, error=errors[0] if errors else None)

    async def _create(self, it: Observed, index: int | None) -> None:
        predecessor = it.kept.get(index) if index is not None else None
        pod = new_pod(it.job, index, _handed_down(it.job, predecessor))
        self._writes.note(key_of(it.job), await self._control.create(it.job, pod))

    async def _delete(self, job: Object, pod: Object) -> None:
        with suppress(NotFoundError):
            self._writes.note(key_of(job), await self._control.delete(job, pod))


def _handed_down(job: Object, predecessor: Object | None) -> tuple[int, int]:
    """How many pods of the index have failed, that count and that don't."""
    if predecessor is None:
        return 0, 0
    counted, ignored = failures_of(predecessor)
    return (counted + 1, ignored) if meaning_of(job, predecessor).counts else (counted, ignored + 1)
