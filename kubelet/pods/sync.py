"""One pass over one pod.

Look, plan, act, report. The executor of `actions`; decides nothing that a table could test.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from datetime import datetime

from apimachinery.objects import Object, get_path
from apimachinery.pods import all_containers, is_sidecar
from apimachinery.times import parse_time
from client.events import NORMAL, WARNING
from component_base.backoff import exponential
from component_base.first_of import first_of
from kubelet.cgroups.tree import CgroupError
from kubelet.events import Recorder
from kubelet.journal import Journal
from kubelet.metrics import POD_START, WORKER_START
from kubelet.pods.actions import KillContainer, KillReason, PodActions, compute_pod_actions
from kubelet.pods.allocation import resize_completed
from kubelet.pods.record import PodRecord, grace_of
from kubelet.pods.remover import PodRemover
from kubelet.pods.reporter import PodReporter
from kubelet.pods.resize import ResizePlan
from kubelet.pods.resizer import Resizer
from kubelet.pods.sandboxes import SandboxMaker
from kubelet.pods.seen import containers_named, has_ended, newest_sandbox, with_sandbox
from kubelet.pods.starter import ContainerStarter, StartFailed
from kubelet.pods.status import TERMINAL, Verdict
from kubelet.pods.termination import Terminator, anything_left
from kubelet.probes.manager import ProbeManager
from kubelet.references import pod_reference
from kubelet.runtime.interface import ContainerState, Runtime, RuntimePod, RuntimeSandbox
from kubelet.settings import NodeFacts
from kubelet.volumes.errors import VolumesError, complaints, lacks_claims
from kubelet.volumes.manager import Volumes
from kubelet.volumes.mounted import MountedVolume

KEPT_CONTAINERS = 2
"""Per name: the newest, and the dead one before it for its logs and last state."""
SANDBOX_RETRY = CGROUP_RETRY = 2.0
SETTLING = 0.25
"""A container that need not run on is often over at once.

Then its end is reported, and not first that it runs; upstream looks once a second and sees neither.
"""
FIRST_MOUNT_RETRY, LAST_MOUNT_RETRY, LAST_CLAIM_RETRY = 0.25, 122.0, 10.0
"""Mounting backs off; what a volume is made of is looked for in every sync, which upstream tries as often."""
QUIET_MOUNT_RETRY = 0.3
"""What a volume is made of is often created together with the pod: nothing is said of the first miss."""


class PodSync:
    def __init__(
        self,
        *,
        runtime: Runtime,
        reporter: PodReporter,
        probes: ProbeManager,
        starter: ContainerStarter,
        terminator: Terminator,
        resizer: Resizer,
        sandboxes: SandboxMaker,
        volumes: Volumes,
        remover: PodRemover,
        recorder: Recorder,
        journal: Journal,
        now: Callable[[], datetime],
    ) -> None:
        self._runtime = runtime
        self._reporter = reporter
        self._probes = probes
        self._starter = starter
        self._terminator = terminator
        self._resizer = resizer
        self._sandboxes = sandboxes
        self._volumes = volumes
        self._remover = remover
        self._recorder = recorder
        self._journal = journal
        self._now = now

    async def sync(self, record: PodRecord) -> float | None:
        """Seconds until the next look, 0 for at once, or None."""
        if not record.begun:
            record.begun = True
            WORKER_START.observe(max(self._now().timestamp() - record.first_seen, 0.0))
        if record.rejected and not record.removed:
            self._reporter.reject(record)
            return None
        if record.terminating:
            return await self._end(record)
        return await self._advance(record)

    # The way out.

    async def _end(self, record: PodRecord) -> float | None:
        seen = await self._runtime.get_pod(record.uid)
        self._probes.update(record.pod, seen)
        if anything_left(seen):
            if not record.removed:
                await self._reporter.report(record, seen)
            with self._journal.step(record.pod, "stop"):
                await first_of(self._stop(record, seen), self._follow_readiness(record, seen))
            seen = await self._runtime.get_pod(record.uid)
            if anything_left(seen):
                return 0.5
        if record.removed:
            await self._remove(record, seen)
            return None
        await self._volumes.tear_down(record.uid)
        await self._remover.remove_cgroup(record.uid)
        record.stopped = True
        await self._reporter.report(record, seen)
        record.over.set()
        return None

    async def _stop(self, record: PodRecord, seen: RuntimePod | None) -> None:
        await self._terminator.stop_pod(self._reporter.current(record.pod), seen, record.grace)

    async def _follow_readiness(self, record: PodRecord, seen: RuntimePod | None) -> None:
        """Says of a pod that takes its time to end that it is not ready any more. Never ends."""
        while True:
            record.woken.clear()
            await record.woken.wait()
            if not record.removed:
                await self._reporter.report(record, seen)

    async def _remove(self, record: PodRecord, seen: RuntimePod | None) -> None:
        self._probes.remove(record.uid)
        self._reporter.forget(record.uid)
        self._starter.forget_pod(record.uid)
        await self._remover.remove(record.uid, seen)
        self._journal.note(record.pod, "removed")
        record.gone = True
        record.over.set()

    # The way up.

    async def _advance(self, record: PodRecord) -> float | None:
        pod = record.pod
        seen = await self._runtime.get_pod(record.uid)
        self._probes.update(self._reporter.current(pod), seen)
        if self._is_past_deadline(record):
            return 0.0
        status = await self._reporter.report(record, seen)
        if status["phase"] in TERMINAL:
            record.finished = True
            return 0.0
        resizes = self._resizer.plan(pod, seen)
        actions = compute_pod_actions(pod, seen, self._probes.verdicts(record.uid), resizes.restart)
        if (not actions.kill_pod or actions.create_sandbox) and not await self._resize(record, seen, resizes):
            return CGROUP_RETRY
        wait = await self._set_up_volumes(record)
        if record.volumes is None:
            return wait
        self._note_start(record, status)
        retry = await self._act(record, seen, actions, record.volumes)
        return self._next_look(record, retry)

    async def _resize(self, record: PodRecord, seen: RuntimePod | None, plan: ResizePlan) -> bool:
        """Whether the pod has a cgroup to live in; an Event says why not."""
        try:
            await self._resizer.update(record, plan, seen)
        except CgroupError as error:
            message = f"unable to ensure pod container exists: {error}"
            self._recorder.event(pod_reference(record.pod), WARNING, "FailedToCreatePodContainer", message)
            return False
        if record.resize_error:
            await self._reporter.report(record, seen)
        elif record.resizing is not None and not plan.names:
            record.resizing = None
            self._recorder.event(
                pod_reference(record.pod), NORMAL, "ResizeCompleted", resize_completed(record.pod)
            )
        return True

    async def _set_up_volumes(self, record: PodRecord) -> float | None:
        """Makes or refreshes them. What is mounted once stays usable even if it cannot be refreshed."""
        pod = self._reporter.current(record.pod)
        try:
            with self._journal.step(pod, "volumes"):
                record.volumes = await self._volumes.set_up(pod, self._reporter.facts(pod).allocatable)
        except VolumesError as error:
            record.mount_failures += 1
            if record.mount_failures == 1:
                return QUIET_MOUNT_RETRY
            for message in complaints(error.errors):
                self._recorder.event(pod_reference(pod), WARNING, "FailedMount", message)
            longest = LAST_CLAIM_RETRY if lacks_claims(error.errors) else LAST_MOUNT_RETRY
            return exponential(FIRST_MOUNT_RETRY, longest, record.mount_failures)
        record.mount_failures = 0
        return None

    async def _act(
        self,
        record: PodRecord,
        seen: RuntimePod | None,
        actions: PodActions,
        volumes: Mapping[str, MountedVolume],
    ) -> float | None:
        """Seconds until the next try of what did not work.

        0 if something was done that is to be looked at.
        """
        if actions.kill_pod:
            await self._kill_pod(record, seen, actions)
            if not actions.create_sandbox:
                return 0.0
        await self._kill_containers(record.pod, seen, actions.kill)
        if actions.kill or actions.kill_pod:
            seen = await self._runtime.get_pod(record.uid)
        if actions.create_sandbox:
            sandbox = await self._sandboxes.make(record.pod, actions.attempt)
            if sandbox is None:
                return SANDBOX_RETRY
            seen = with_sandbox(seen, record.pod, sandbox)
        if not actions.start:
            return 0.0 if actions.kill else None
        return await self._start(record, seen, actions, volumes)

    async def _start(
        self,
        record: PodRecord,
        seen: RuntimePod | None,
        actions: PodActions,
        volumes: Mapping[str, MountedVolume],
    ) -> float | None:
        """Looks at what it has started: there may be more to start now."""
        sandbox = newest_sandbox(seen)
        if seen is None or sandbox is None:
            return 0.0
        pod = _with_addresses(self._reporter.current(record.pod), sandbox, self._reporter.facts(record.pod))
        containers = {each["name"]: each for each in all_containers(pod["spec"])}
        retries: list[float] = []
        for name in actions.start:
            try:
                await self._starter.start(pod, containers[name], seen, volumes, self._reporter.facts(pod))
            except StartFailed as error:
                record.failures[name] = error.failure
                retries.append(error.retry)
            else:
                record.failures.pop(name, None)
        if get_path(record.pod, "spec.restartPolicy") != "Always":
            await asyncio.sleep(SETTLING)
        after = await self._runtime.get_pod(record.uid)
        await self._prune(record, after)
        self._probes.update(self._reporter.current(record.pod), after)
        self._note_start(record, await self._reporter.report(record, after))
        more = compute_pod_actions(record.pod, after, self._probes.verdicts(record.uid)).start
        return min(retries, default=0.0 if more else None)

    async def _kill_pod(self, record: PodRecord, seen: RuntimePod | None, actions: PodActions) -> None:
        if actions.create_sandbox:
            message = "Pod sandbox changed, it will be killed and re-created."
            self._recorder.event(pod_reference(record.pod), NORMAL, "SandboxChanged", message)
        await self._terminator.stop_pod(record.pod, seen, grace_of(record.pod))

    async def _kill_containers(
        self, pod: Object, seen: RuntimePod | None, doomed: tuple[KillContainer, ...]
    ) -> None:
        async with asyncio.TaskGroup() as group:
            for each in doomed:
                running = next(known for known in seen.containers if known.id == each.id)  # type: ignore[union-attr]
                grace = _kill_grace(pod, each)
                group.create_task(self._terminator.stop_container(pod, running, grace, each.message))

    async def _prune(self, record: PodRecord, seen: RuntimePod | None) -> None:
        """Keeps one dead container per name, and of init containers that are done nothing but their end."""
        inits = {
            each["name"] for each in record.pod["spec"].get("initContainers") or () if not is_sidecar(each)
        }
        for name in {each.name for each in (seen.containers if seen else ())}:
            known = containers_named(seen, name)
            is_done = name in inits and has_ended(known[0]) and known[0].exit_code == 0
            for old in known[1 if is_done else KEPT_CONTAINERS :]:
                if old.state is not ContainerState.RUNNING:
                    await self._remover.remove_container(old)
                    record.messages.pop(old.id, None)

    def _note_start(self, record: PodRecord, status: Object) -> None:
        if record.started or not all(each["started"] for each in status["containerStatuses"]):
            return
        record.started = True
        self._journal.note(record.pod, "all started")
        POD_START.observe(max(self._now().timestamp() - record.first_seen, 0.0))

    # Time.

    def _is_past_deadline(self, record: PodRecord) -> bool:
        rest = self._deadline_in(record)
        if rest is None or rest > 0:
            return False
        message = "Pod was active on the node longer than the specified deadline"
        record.ended = Verdict("DeadlineExceeded", message)
        self._recorder.event(pod_reference(record.pod), NORMAL, "DeadlineExceeded", message)
        return True

    def _deadline_in(self, record: PodRecord) -> float | None:
        deadline = get_path(record.pod, "spec.activeDeadlineSeconds")
        start = get_path(self._reporter.current(record.pod), "status.startTime")
        if deadline is None or not start:
            return None
        return float((parse_time(start) - self._now()).total_seconds() + deadline)

    def _next_look(self, record: PodRecord, retry: float | None) -> float | None:
        """The earliest of what is due; never 0, which would mean at once."""
        times = [retry, self._deadline_in(record), self._volumes.next_refresh(record.uid)]
        due = [max(each, 0.01) for each in times if each is not None]
        if retry == 0.0:
            return 0.0
        return min(due, default=None)


def _kill_grace(pod: Object, doomed: KillContainer) -> float:
    """A probe may have a grace period of its own."""
    field = {KillReason.LIVENESS: "livenessProbe", KillReason.STARTUP: "startupProbe"}.get(doomed.reason, "")
    container = next(each for each in all_containers(pod["spec"]) if each["name"] == doomed.name)
    own = (container.get(field) or {}).get("terminationGracePeriodSeconds")
    return grace_of(pod) if own is None else float(own)


def _with_addresses(pod: Object, sandbox: RuntimeSandbox, facts: NodeFacts) -> Object:
    """The pod as its containers shall see it: with the addresses that the API does not show yet."""
    ips = facts.addresses if pod["spec"].get("hostNetwork") else sandbox.ips
    status = {**(pod.get("status") or {}), "hostIP": facts.addresses[0] if facts.addresses else ""}
    status["hostIPs"] = [{"ip": each} for each in facts.addresses]
    if ips:
        status |= {"podIP": ips[0], "podIPs": [{"ip": each} for each in ips]}
    return {**pod, "status": status}
