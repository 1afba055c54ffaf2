"""The kubelet: pods come in from API and manifests, news from the engine; each goes to the pod's worker.

One Kubelet serves one node, or all hollow nodes of a process.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from apimachinery.objects import NamespacedName, Object, get_path, key_of, uid_of
from apimachinery.pods import is_terminal
from client.events import WARNING
from client.informer import Informer
from kubelet.events import Recorder
from kubelet.housekeeping import Housekeeping
from kubelet.journal import Journal
from kubelet.metrics import (
    ADMISSION_REJECTIONS,
    CONTAINERS_PER_POD,
    DEFERRED_RESIZES_ACCEPTED,
    PREEMPTIONS,
    RESTARTED_PODS,
)
from kubelet.node.agent import NodeAgent
from kubelet.pods.admission import counted_reason
from kubelet.pods.allocation import granted_before, resources_in, with_resources
from kubelet.pods.allocation_manager import PREEMPTED, AllocationManager
from kubelet.pods.record import PodRecord, grace_of, needs_sync
from kubelet.pods.resize_metrics import count_requested
from kubelet.pods.startup import StartupTimes
from kubelet.pods.status import Verdict
from kubelet.pods.status_manager import StatusManager
from kubelet.pods.workers import PodWorkers
from kubelet.references import pod_reference
from kubelet.runtime.interface import ContainerRuntimeError, Runtime
from kubelet.static_pods.identity import is_mirror, is_static
from kubelet.static_pods.mirrors import MirrorPods
from kubelet.static_pods.sources import Manifests, StaticPods, by_key

log = logging.getLogger(__name__)

EVENTS_RETRY = 1.0


class References(Protocol):
    """What keeps the objects that pods refer to; hollow nodes have none."""

    def register(self, pod: Object) -> None: ...
    def unregister(self, uid: str) -> None: ...


class Kubelet:
    def __init__(
        self,
        *,
        agents: Mapping[str, NodeAgent],
        pods: Informer,
        runtime: Runtime,
        workers: PodWorkers,
        manifests: Sequence[Manifests],
        mirrors: MirrorPods,
        statuses: StatusManager,
        references: References,
        housekeeping: Housekeeping,
        allocation: AllocationManager,
        recorder: Recorder,
        journal: Journal,
        startup: StartupTimes,
        now: Callable[[], datetime],
    ) -> None:
        self.agents = agents
        self.pods = pods
        self.runtime = runtime
        self.workers = workers
        self.statuses = statuses
        self.journal = journal
        self._manifests = manifests
        self._mirrors = mirrors
        self._references = references
        self.housekeeping = housekeeping
        self._allocation = allocation
        self._recorder = recorder
        self._startup = startup
        self._now = now
        self._static: StaticPods = {}
        workers.add_gone_handler(self._gone)

    async def run(self, connected: asyncio.Event | None = None) -> None:
        """Never ends. Static pods run at once, the API's once `connected`: their admission asks the node."""
        try:
            async with asyncio.TaskGroup() as group:
                self._read_manifests()
                for source in self._manifests:
                    group.create_task(self._follow(source))
                group.create_task(self._listen())
                if connected is not None:
                    await connected.wait()
                self.pods.add_handler(self._on_pod)
                group.create_task(self.pods.run())
                group.create_task(self._mirrors.run())
                await self.pods.wait_synced()
                group.create_task(self.housekeeping.run())
                for source in self._manifests:
                    await source.wait_known()
                self._mirrors.end_orphans()
                self.housekeeping.end_orphans()
        finally:
            for source in self._manifests:
                source.close()

    def all_pods(self) -> list[Object]:
        """Each with its latest status; static pods themselves instead of their mirrors."""
        return [self.statuses.current(each.pod) for each in self.workers.records() if not each.removed]

    @property
    def mirror_count(self) -> int:
        return self._mirrors.count

    def pod_named(self, key: NamespacedName) -> Object | None:
        """The pod with its latest status; of a mirror, the static pod."""
        pod = self._static.get(key) or self.pods.get(key)
        return None if pod is None else self.statuses.current(pod)

    # What eviction and a shutdown ask for.

    def active_pods(self) -> list[Object]:
        """Those that run or are about to, with their latest status."""
        active = [each for each in self.workers.records() if not (each.terminating or each.rejected)]
        return [self.statuses.current(each.pod) for each in active]

    def is_stopped(self, uid: str) -> bool:
        record = self.workers.get(uid)
        return record is None or record.stopped

    def end(self, pod: Object, verdict: Verdict, grace: float | None) -> None:
        """Ends the pod for good; its containers get no more than `grace` seconds if given."""
        record = self.workers.get(uid_of(pod))
        if record is None or record.terminating:
            return
        record.ended, record.grace_limit = verdict, grace
        self.workers.interrupt(record.uid)

    async def wait_stopped(self, uid: str) -> None:
        record = self.workers.get(uid)
        if record is not None:
            await record.over.wait()

    # Static pods.

    async def _follow(self, source: Manifests) -> None:
        while True:
            await source.changed()
            self._read_manifests()

    def _read_manifests(self) -> None:
        self.set_static_pods(by_key(pod for source in self._manifests for pod in source.read().values()))

    def set_static_pods(self, wanted: StaticPods) -> None:
        """What the manifests say now. A pod that has changed starts when the one of its name has ended.

        Unless its manifest names its uid: then it is the same pod, and changes as it runs.
        """
        before, self._static = self._static, wanted
        running = {key_of(each.pod): each for each in self.workers.records() if is_static(each.pod)}
        for key, record in running.items():
            if not record.removed and (key not in wanted or uid_of(wanted[key]) != record.uid):
                self._removed(record.pod)
            elif not record.removed and wanted[key]["spec"] != before.get(key, wanted[key])["spec"]:
                self._updated(record, before[key], wanted[key])
        for key in wanted.keys() - running.keys():
            self._added(wanted[key])
            self._mirrors.want(wanted[key])

    def _gone(self, record: PodRecord) -> None:
        self._retry_resizes(record.pod["spec"]["nodeName"], "pods_removed")
        if is_static(record.pod):
            if any(uid_of(each) == record.uid for each in self._static.values()):
                RESTARTED_PODS.labels("true").inc()
            self._mirrors.drop(record.pod)
            self.set_static_pods(self._static)

    def _on_mirror(self, old: Object | None, new: Object | None) -> None:
        mirror = new or old
        assert mirror is not None
        self._mirrors.observe(mirror, gone=new is None)
        if new is None:
            self.statuses.lost(mirror)
        else:
            self.statuses.observe(new)

    # Pods of the API.

    def _on_pod(self, old: Object | None, new: Object | None) -> None:
        pod = new or old
        assert pod is not None
        if get_path(pod, "spec.nodeName") not in self.agents:
            return
        if is_mirror(pod):
            self._on_mirror(old, new)
        elif new is None:
            self._removed(pod)
        elif (record := self.workers.get(uid_of(new))) is None:
            self._startup.seen(new)
            self._added(new)
        else:
            self._startup.shown(new)
            self._updated(record, old or record.pod, new)

    def _added(self, pod: Object) -> None:
        record = PodRecord(granted_before(pod), self._now().timestamp())
        self.journal.note(pod, "seen")
        verdict, victims, short_of = self._allocation.admit(pod)
        for victim in victims:
            PREEMPTIONS.labels(short_of).inc()
            self._recorder.event(pod_reference(victim), WARNING, PREEMPTED.reason, PREEMPTED.message)
            self.end(victim, PREEMPTED, None)
        if verdict is not None:
            record.ended, record.rejected = verdict, True
            ADMISSION_REJECTIONS.labels(counted_reason(verdict.reason)).inc()
            self.journal.note(pod, "refused", error=f"{verdict.reason}: {verdict.message}")
            self._recorder.event(pod_reference(pod), WARNING, verdict.reason, verdict.message)
        else:
            self._references.register(pod)
            CONTAINERS_PER_POD.observe(len(pod["spec"]["containers"]))
        self._allocation.add(record)
        self._allocation.grant(record, pod)
        self.workers.add(record)

    def _retry_resizes(self, node: str, trigger: str) -> None:
        """Something may have been set free: who waits for it may have it now."""
        for record in self._allocation.waiting(node):
            wanted = self.pods.get(key_of(record.pod))
            if wanted is not None:
                self._allocation.grant(record, wanted)
                if record.pending is None:
                    DEFERRED_RESIZES_ACCEPTED.labels(trigger).inc()
                self.workers.wake(record.uid)

    def _updated(self, record: PodRecord, shown: Object, pod: Object) -> None:
        """`shown` is the pod as it was before, with what it asked for then."""
        asks_anew = count_requested(shown, pod)
        old, was_ending, old_grace = record.pod, record.terminating, grace_of(record.pod)
        pending = record.pending
        self._allocation.grant(record, pod)
        self.statuses.observe(pod)
        if asks_anew or (is_terminal(pod) and not is_terminal(old)):
            self._retry_resizes(pod["spec"]["nodeName"], "pod_updated" if asks_anew else "pods_removed")
        if not needs_sync(old, record.pod) and record.pending == pending:
            return
        if not record.rejected:
            self._references.register(pod)
        if record.terminating and (not was_ending or grace_of(pod) < old_grace):
            self.workers.interrupt(record.uid)
        else:
            self.workers.wake(record.uid)

    def _removed(self, pod: Object) -> None:
        record = self.workers.get(uid_of(pod))
        self._references.unregister(uid_of(pod))
        self._startup.forget(uid_of(pod))
        self._allocation.remove(pod)
        if record is None:
            return
        was_stopped = record.stopped
        record.pod, record.removed = with_resources(pod, resources_in(record.pod)), True
        if was_stopped:
            self.workers.wake(record.uid)
        else:
            self.workers.interrupt(record.uid)

    # News of the engine.

    async def _listen(self) -> None:
        """The engine's events wake the pods they concern; when the stream begins anew, all are looked at."""
        while True:
            try:
                async for event in self.runtime.events():
                    self._wake(event.pod_uid)
            except ContainerRuntimeError as error:
                log.warning("Container runtime tells no events, will listen again: error=%s", error)
            await asyncio.sleep(EVENTS_RETRY)

    def _wake(self, uid: str) -> None:
        """No uid: the stream has just begun, and who knows what it missed."""
        for each in [uid] if uid else [record.uid for record in self.workers.records()]:
            self.workers.wake(each)
