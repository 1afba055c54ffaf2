"""Lives of pods from the API to the engine and back, under virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from itertools import pairwise
from typing import Any

import pytest

from apimachinery.conditions import find_condition
from apimachinery.objects import Object
from kubelet.housekeeping import RELIST_SECONDS
from kubelet.pods.status import Verdict
from kubelet.runtime.hollow.runtime import HollowRuntime
from kubelet.runtime.interface import ContainerRuntimeError, RuntimeEvent
from kubelet.volumes.errors import Lacking, VolumeError, not_mounted
from tests.unit.kubelet.builders import make_container, make_pod, make_sidecar
from tests.unit.kubelet.world import living

pytestmark = pytest.mark.looptime

FOREVER = ["sh", "-c", "sleep 100000"]


def shell(script: str, name: str = "web", **fields: Any) -> Object:
    return make_container(name, command=["sh", "-c", script], **fields)


def condition_statuses(pod: Object) -> dict[str, str]:
    return {each["type"]: each["status"] for each in pod["status"]["conditions"]}


async def test_a_pod_starts_and_reports() -> None:
    async with living() as world:
        world.api.put(make_pod(make_container(command=FOREVER)))
        await world.until_ready()
        assert world.pod()["status"]["phase"] == "Running"
        assert world.pod()["status"]["podIP"].startswith("10.244.0.")
        assert world.events.seen == [
            'Pulled: Container image "busybox:1" already present on machine',
            "Created: Created container: web",
            "Started: Started container web",
        ]


async def test_the_first_report_says_that_the_container_is_being_created() -> None:
    async with living() as world:
        world.api.put(make_pod(make_container(command=FOREVER)))
        await world.until_ready()
        phases = [(pod.get("status") or {}).get("phase") for pod in world.api.history]
        assert phases == [None, "Pending", "Running"]


async def test_a_crashing_container_waits_longer_each_time() -> None:
    async with living() as world:
        world.api.put(make_pod(shell("sleep 1; exit 1")))
        restarts = [await world.until_restarted(times) for times in range(1, 6)]
        gaps = [round(later - before - 1) for before, later in pairwise(restarts)]
        assert gaps == [10, 20, 40, 80]
        await world.until_waiting("CrashLoopBackOff")
        message = world.state()["waiting"]["message"]
        assert message == "back-off 2m40s restarting failed container=web pod=cart_shop(u1)"
        assert "BackOff: Back-off restarting failed container web in pod cart_shop(u1)" in world.events.seen


async def test_the_back_off_never_exceeds_five_minutes_and_is_forgotten_after_ten() -> None:
    async with living() as world:
        world.api.put(make_pod(shell("sleep 1; exit 1")))
        await world.until_restarted(7)
        before = await world.until_waiting("CrashLoopBackOff")
        after = await world.until_restarted(8)
        assert round(after - before) == 300
        assert world.assembly.workers.get("u1") is not None


async def test_a_pod_that_is_done_stays_done() -> None:
    async with living() as world:
        world.api.put(make_pod(shell("sleep 2; exit 0"), policy="OnFailure"))
        await world.until(lambda: world.pod()["status"].get("phase") == "Succeeded")
        await asyncio.sleep(600)
        assert world.container()["restartCount"] == 0
        assert [each.name for each in await world.engine()] == ["web"]


async def test_init_containers_run_one_after_the_other() -> None:
    async with living() as world:
        inits = (shell("sleep 5; exit 0", "a"), shell("sleep 5; exit 0", "b"))
        world.api.put(make_pod(make_container(command=FOREVER), init=inits))
        await world.until(lambda: world.condition("Initialized") == "False")
        assert 10 <= await world.until_ready() < 10.5
        started = [each for each in world.events.seen if each.startswith("Started")]
        assert started == [f"Started: Started container {name}" for name in ("a", "b", "web")]


async def test_a_sidecar_runs_beside_the_containers_and_ends_after_them() -> None:
    async with living() as world:
        sidecar = make_sidecar(command=FOREVER)
        world.api.put(make_pod(shell("sleep 5; exit 0"), init=(sidecar,), policy="Never"))
        await world.until(lambda: world.pod()["status"].get("phase") == "Succeeded")
        assert "Killing: Stopping container side" in world.events.seen
        (side,) = world.pod()["status"]["initContainerStatuses"]
        assert "terminated" in side["state"]


async def test_hooks_run_side_by_side_and_sidecars_end_last() -> None:
    async with living() as world:
        slow = {"preStop": {"sleep": {"seconds": 10}}}
        inits = tuple(make_sidecar(name, command=FOREVER, lifecycle=slow) for name in ("one", "two"))
        dawdling = {"annotations": {"hollow.sampan.io/stop-after": "1s"}}
        world.api.put(make_pod(make_container(command=FOREVER, lifecycle=slow), init=inits, meta=dawdling))
        await world.until_ready()
        world.api.delete_pod(grace=60)
        began = asyncio.get_running_loop().time()
        assert await world.until(lambda: not world.api.pods) - began < 15
        status = world.api.history[-1]["status"]
        states = [*status["containerStatuses"], *status["initContainerStatuses"]]
        ends = {each["state"]["terminated"]["finishedAt"]: each["name"] for each in states}
        assert [ends[moment] for moment in sorted(ends)] == ["web", "two", "one"]


async def test_deletion_stops_the_containers_then_the_object_goes() -> None:
    async with living() as world:
        world.api.put(make_pod(make_container(command=FOREVER)))
        await world.until_ready()
        world.api.delete_pod(grace=1)
        began = asyncio.get_running_loop().time()
        assert await world.until(lambda: not world.api.pods) - began <= 1.5
        await world.until(lambda: len(world.assembly.workers) == 0)
        assert await world.runtime.list_pods() == {}
        assert world.events.seen[-1] == "Killing: Stopping container web"


async def test_a_pod_that_takes_its_time_to_end_may_become_unready() -> None:
    async with living() as world:
        probes = {"readinessProbe": {"httpGet": {"port": 80}, "periodSeconds": 2}}
        lifecycle = {"preStop": {"sleep": {"seconds": 60}}}
        container = make_container(command=FOREVER, lifecycle=lifecycle, **probes)
        hollow = {"annotations": {"hollow.sampan.io/fail-after": "30s"}}
        world.api.put(make_pod(container, meta=hollow))
        await world.until_ready()
        world.api.delete_pod(grace=90)
        at = await world.until(lambda: condition_statuses(world.pod())["Ready"] == "False")
        assert 30 <= at < 40
        assert "running" in world.state()


async def test_a_shorter_grace_period_cuts_the_longer_one_short() -> None:
    async with living() as world:
        world.api.put(
            make_pod(
                shell("trap '' TERM; sleep 100000"),
                meta={"annotations": {"hollow.sampan.io/stop-after": "100s"}},
            )
        )
        await world.until_ready()
        world.api.delete_pod(grace=300)
        await asyncio.sleep(2)
        assert world.api.pods
        world.api.delete_pod(grace=1)
        began = asyncio.get_running_loop().time()
        assert await world.until(lambda: not world.api.pods) - began <= 2.5


async def test_a_pod_removed_by_force_leaves_nothing_behind() -> None:
    async with living() as world:
        world.api.put(make_pod(make_container(command=FOREVER)))
        await world.until_ready()
        world.api.delete_pod(grace=0)
        await world.until(lambda: len(world.assembly.workers) == 0)
        assert await world.runtime.list_pods() == {}


async def test_a_pod_deleted_before_its_image_came_goes_at_once() -> None:
    async with living() as world:
        world.runtime.images.fail("nowhere/none:1", "no route to host")
        world.api.put(make_pod(make_container(image="nowhere/none:1")))
        await world.until_waiting("ImagePullBackOff")
        world.api.delete_pod(grace=30)
        began = asyncio.get_running_loop().time()
        assert await world.until(lambda: not world.api.pods) - began < 1


async def test_a_failed_pull_is_told_then_waited_out() -> None:
    async with living() as world:
        world.runtime.images.fail("nowhere/none:1", "no route to host")
        world.api.put(make_pod(make_container(image="nowhere/none:1")))
        await world.until_waiting("ErrImagePull")
        await world.until_waiting("ImagePullBackOff")
        assert 'BackOff: Back-off pulling image "nowhere/none:1"' in world.events.seen


async def test_a_deadline_ends_the_pod() -> None:
    async with living() as world:
        world.api.put(make_pod(make_container(command=FOREVER), activeDeadlineSeconds=30))
        at = await world.until(lambda: world.pod()["status"].get("reason") == "DeadlineExceeded")
        assert 30 <= at < 31
        assert world.pod()["status"]["phase"] == "Failed"
        await world.until(lambda: "terminated" in world.state())


async def test_a_new_image_replaces_the_container() -> None:
    async with living() as world:
        world.api.put(make_pod(make_container(command=FOREVER)))
        await world.until_ready()
        world.api.change(containers=[make_container(image="busybox:2", command=FOREVER)])
        await world.until_restarted(1)
        assert "Killing: Container web definition changed, will be restarted" in world.events.seen


async def test_a_dead_sandbox_is_replaced_with_all_its_containers() -> None:
    async with living() as world:
        world.api.put(make_pod(make_container(command=FOREVER)))
        await world.until_ready()
        (pod,) = (await world.runtime.list_pods()).values()
        world.runtime.kill_sandbox(pod.sandboxes[0].id)
        await world.until_restarted(1)
        await world.until_ready()
        assert "SandboxChanged: Pod sandbox changed, it will be killed and re-created." in world.events.seen


@pytest.mark.parametrize(
    ("spec", "reason"),
    [
        ({"nodeSelector": {"disk": "hdd"}}, "NodeAffinity"),
        ({"containers": [make_container(resources={"requests": {"cpu": "3"}})]}, "OutOfcpu"),
    ],
)
async def test_a_node_refuses_what_it_cannot_run(spec: Object, reason: str) -> None:
    async with living() as world:
        pod = make_pod()
        pod["spec"] |= spec
        world.api.put(pod)
        await world.until(lambda: world.pod()["status"].get("reason") == reason)
        assert world.pod()["status"]["phase"] == "Failed"
        assert world.events.reasons() == [reason]
        world.api.delete_pod(grace=1)
        await world.until(lambda: not world.api.pods)


async def test_a_restarted_kubelet_adopts_what_runs() -> None:
    async with living() as world:
        readiness = {"httpGet": {"port": 80}, "periodSeconds": 10}
        world.api.put(make_pod(make_container(command=FOREVER, readinessProbe=readiness)))
        await world.until_ready()
        before, seen, told = await world.engine(), len(world.api.history), list(world.events.seen)
        await world.restart()
        await asyncio.sleep(60)
        assert await world.engine() == before
        assert len(world.api.history) == seen
        assert world.events.seen == told
        world.runtime.kill(before[0].id)
        await world.until_restarted(1)


async def test_a_pod_deleted_while_no_kubelet_ran_is_ended_as_an_orphan() -> None:
    async with living() as world:
        world.api.put(make_pod(make_container(command=FOREVER)))
        await world.until_ready()
        await world.stop()
        world.api.delete_pod(grace=0)
        await world.start()
        await asyncio.sleep(5)
        assert len(world.assembly.workers) == 0
        assert await world.runtime.list_pods() == {}


async def test_an_engine_that_was_away_is_caught_up_with() -> None:
    async with living() as world:
        world.api.put(make_pod(make_container(command=FOREVER)))
        await world.until_ready()
        (container,) = await world.engine()
        world.runtime.break_engine()
        world.runtime.kill(container.id)
        await asyncio.sleep(30)
        assert world.container()["restartCount"] == 0
        world.runtime.mend_engine()
        await world.until_restarted(1)


async def test_a_readiness_gate_opens_and_shuts() -> None:
    async with living() as world:
        world.api.put(make_pod(make_container(command=FOREVER), readinessGates=[{"conditionType": "x/open"}]))
        await world.until(lambda: world.pod().get("status", {}).get("phase") == "Running")
        for status in ("True", "False", "True"):
            pod = world.api.only()
            others = [each for each in pod["status"]["conditions"] if each["type"] != "x/open"]
            pod["status"]["conditions"] = [*others, {"type": "x/open", "status": status}]
            world.api.put(pod)
            wanted = {"x/open": status, "Ready": status}.items()
            await world.until(lambda wanted=wanted: wanted <= condition_statuses(world.pod()).items())


async def test_a_status_that_somebody_spoiled_is_put_right() -> None:
    async with living() as world:
        world.api.put(make_pod(make_container(command=FOREVER)))
        await world.until_ready()
        pod = world.api.only()
        pod["status"]["phase"] = "Unknown"
        world.api.put(pod)
        await world.until(lambda: world.pod()["status"]["phase"] == "Running")


async def test_a_status_that_the_api_does_not_take_is_not_sent_for_ever() -> None:
    async with living() as world:
        world.api.deaf_to = "qosClass"
        world.api.put(make_pod(make_container(command=FOREVER)))
        await world.until_ready()
        await asyncio.sleep(600)
        assert len(world.api.history) < 10


async def test_files_of_a_lost_pod_that_cannot_be_deleted_now_are_deleted_later() -> None:
    async with living() as world:
        world.volumes.stuck = {"lost": 2, "other": 0}
        await asyncio.sleep(100)
        assert world.volumes.stuck == {"lost": 0}
        await asyncio.sleep(60)
        assert world.volumes.stuck == {}


async def test_pull_secrets_that_are_not_there_are_named_and_not_waited_for() -> None:
    async with living() as world:
        world.preparer.missing = ["a", "b"]
        world.api.put(make_pod(make_container(command=FOREVER)))
        await world.until_ready()
        assert world.events.seen[0] == (
            "FailedToRetrieveImagePullSecret: Unable to retrieve some image pull secrets (a, b); "
            "attempting to pull the image may not succeed."
        )


async def test_each_volume_that_fails_is_told_and_none_that_is_waited_for() -> None:
    async with living() as world:
        world.volumes.failing = [not_mounted("a", OSError("no")), VolumeError("b", Lacking.ATTACHMENT, "")]
        world.api.put(make_pod(make_container(command=FOREVER)))
        await asyncio.sleep(300)
        assert set(world.events.seen) == {'FailedMount: MountVolume.SetUp failed for volume "a" : no'}
        world.volumes.failing = []
        await world.until_ready()


async def test_an_evicted_pod_is_failed_once_nothing_of_it_runs() -> None:
    async with living() as world:
        world.api.put(make_pod(make_container(command=FOREVER)))
        await world.until_ready()
        verdict = Verdict("Evicted", "The node was low on resource: memory. ", disruption="for others")
        world.assembly.kubelet.end(world.pod(), verdict, 1.0)
        await world.until(lambda: world.pod()["status"].get("phase") == "Failed")
        status = world.pod()["status"]
        assert (status["reason"], status["message"]) == (verdict.reason, verdict.message)
        assert "terminated" in world.state()
        disruption = find_condition(status["conditions"], "DisruptionTarget")
        assert disruption is not None
        assert (disruption["reason"], disruption["message"]) == ("TerminationByKubelet", "for others")
        assert world.assembly.kubelet.active_pods() == []


async def test_an_engine_that_is_away_is_told_of_each_minute() -> None:
    async with living() as world:
        world.runtime.break_engine()
        await asyncio.sleep(1.5 * RELIST_SECONDS)
        away = "ContainerGCFailed: Cannot connect to the hollow engine. Is it running?"
        assert [each for each in world.events.seen if "GCFailed" in each] == [away, away]
        world.runtime.mend_engine()


async def test_an_engine_that_refuses_its_events_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    refusals, listen = [ContainerRuntimeError("server error")], HollowRuntime.events

    def events(runtime: HollowRuntime) -> AsyncIterator[RuntimeEvent]:
        if refusals:
            raise refusals.pop()
        return listen(runtime)

    monkeypatch.setattr(HollowRuntime, "events", events)
    async with living() as world:
        await asyncio.sleep(5)
        world.api.put(make_pod(make_container(command=FOREVER)))
        await world.until_ready()
