"""Jobs live through failures, suspension, deletion and the death of their controller, in virtual time."""

import asyncio
import random
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager, suppress
from typing import Any, cast

import pytest

from apimachinery.conditions import condition_of, is_condition_true
from apimachinery.errors import ServiceUnavailableError, StatusError
from apimachinery.objects import Object, get_path, is_terminating, name_of, uid_of
from apimachinery.pods import is_terminal, phase_of
from apimachinery.scheme import JOBS, PODS, Resource
from client import metrics
from client.errors import ConnectionFailed
from controller_manager.job.controller import JobController
from controller_manager.job.pods import FINALIZER, index_of, is_tracked
from tests.fakes.api_connection import FakeApi
from tests.unit.controller_manager.builders import make_job
from tests.unit.controller_manager.cluster import Cluster, Slow, disturb, running, unreliable
from tests.unit.counting import Counting

pytestmark = pytest.mark.looptime

Outcome = Callable[[Object], str]


def succeeding(pod: Object) -> str:
    return "Succeeded"


class Jobs(Cluster):
    """Remembers how each pod ended, and the most that ran at a time."""

    def __init__(self, outcome: Outcome = succeeding) -> None:
        super().__init__([JobController], [JOBS])
        self.api.graceful = True
        self.ends: dict[str, str] = {}
        self.most_active = 0
        self._outcome = outcome

    def outcome(self, pod: Object) -> str:
        return self._outcome(pod)

    def look(self) -> None:
        for pod in self.api.find(PODS):
            if is_terminal(pod) or is_terminating(pod):
                self.ends.setdefault(uid_of(pod), phase_of(pod) if is_terminal(pod) else "Failed")
        active = [pod for pod in self.api.find(PODS) if not (is_terminal(pod) or is_terminating(pod))]
        self.most_active = max(self.most_active, len(active))

    @property
    def job(self) -> Object:
        return self.api.find(JOBS)[0]

    def count(self, field: str) -> int:
        return int(get_path(self.job, f"status.{field}", 0))

    def ended(self, phase: str) -> int:
        return sum(end == phase for end in self.ends.values())

    def is_finished(self) -> bool:
        return any(is_condition_true(self.job, type) for type in ("Complete", "Failed"))

    async def until_finished(self, seconds: float = 100) -> None:
        await self.until(self.is_finished, seconds)
        self.look()

    def reason(self, type: str) -> str:
        return str((condition_of(self.job, type) or {}).get("reason"))


@asynccontextmanager
async def cluster(job: Object | None = None, outcome: Outcome = succeeding) -> AsyncIterator[Jobs]:
    async with running(Jobs(outcome)) as it:
        if job is not None:
            await it.api.create(JOBS, job)
        yield it


async def test_a_job_runs_its_completions_and_tells_the_end() -> None:
    counting, prefix = Counting(), "job_controller_job"
    async with cluster(make_job(5, 2)) as it:
        await it.until_finished()
        assert (it.count("succeeded"), it.most_active, len(it.ends)) == (5, 2, 5)
        assert [each["type"] for each in it.job["status"]["conditions"]] == ["SuccessCriteriaMet", "Complete"]
        assert it.reason("Complete") == "CompletionsReached"
        assert it.job["status"]["uncountedTerminatedPods"] == {}
        assert not any(is_tracked(pod) for pod in it.api.find(PODS))
        await it.until(lambda: it.events("Completed") == ["Job completed"])
    labels = {"completion_mode": "NonIndexed", "result": "succeeded"}
    assert counting.more(f"{prefix}s_finished_total", reason="CompletionsReached", **labels) == 1
    assert counting.more(f"{prefix}_pods_finished_total", **labels) == 5
    syncs = {"completion_mode": "NonIndexed", "result": "success"}
    created = counting.more(f"{prefix}_syncs_total", action="pods_created", **syncs)
    assert created >= 3, "two pods at a time"
    assert counting.more(f"{prefix}_sync_duration_seconds_count", action="pods_created", **syncs) == created


async def test_failures_are_retried_with_longer_and_longer_waits_until_the_limit() -> None:
    async with cluster(make_job(1, 1, backoffLimit=2), lambda pod: "Failed") as it:
        await it.until_finished(200)
        assert (it.reason("FailureTarget"), it.reason("Failed")) == ("BackoffLimitExceeded",) * 2
        assert (it.count("failed"), it.ended("Failed")) == (3, 3)
        assert it.events("BackoffLimitExceeded") == ["Job has reached the specified backoff limit"]
        begun = sorted(pod["metadata"]["creationTimestamp"][14:19] for pod in it.api.find(PODS))
        assert begun == ["00:00", "00:12", "00:34"], "two seconds of life, then 10 and 20 of waiting"


async def test_each_index_succeeds_once() -> None:
    async with cluster(make_job(6, 3, completionMode="Indexed")) as it:
        await it.until_finished()
        assert it.job["status"]["completedIndexes"] == "0-5"
        assert sorted(map(index_of, it.api.find(PODS))) == list(range(6))


async def test_an_index_that_fails_too_often_fails_alone() -> None:
    counting = Counting()
    job = make_job(3, 3, completionMode="Indexed", backoffLimitPerIndex=1, backoffLimit=2**31 - 1)
    async with cluster(job, lambda pod: "Failed" if index_of(pod) == 1 else "Succeeded") as it:
        await it.until_finished()
        status = it.job["status"]
        assert (status["completedIndexes"], status["failedIndexes"]) == ("0,2", "1")
        assert (it.reason("Failed"), it.count("failed"), it.count("succeeded")) == ("FailedIndexes", 2, 2)
    series = "job_controller_job_finished_indexes_total"
    assert counting.more(series, status="succeeded", backoffLimit="perIndex") == 2
    assert counting.more(series, status="failed", backoffLimit="perIndex") == 1


async def test_the_success_policy_ends_what_still_runs() -> None:
    rules = [{"succeededIndexes": "0"}]
    job = make_job(3, 3, completionMode="Indexed", successPolicy={"rules": rules})
    async with cluster(job, lambda pod: "Succeeded" if index_of(pod) == 0 else "") as it:
        await it.until_finished()
        assert it.reason("Complete") == "SuccessPolicy"
        await it.until(lambda: len(it.api.find(PODS)) == 1)
        assert (it.count("succeeded"), it.count("failed"), it.count("active")) == (1, 0, 0)


async def test_a_deadline_ends_everything() -> None:
    async with cluster(make_job(2, 2, activeDeadlineSeconds=30), lambda pod: "") as it:
        await it.until_finished(35)
        assert (it.reason("Failed"), it.count("failed")) == ("DeadlineExceeded", 2)
        await it.until(lambda: not it.api.find(PODS))


async def test_a_job_that_waits_for_its_pods_to_end_sleeps() -> None:
    adds = metrics.WORKQUEUE_ADDS.labels("job-controller")._value
    job = make_job(1, 1, activeDeadlineSeconds=5, podReplacementPolicy="Failed")
    async with cluster(job, lambda pod: "") as it:
        it.api.refusals.append(_without_kubelet)
        await it.until(lambda: it.reason("FailureTarget") == "DeadlineExceeded")
        before = adds.get()
        await asyncio.sleep(60)
        assert adds.get() - before < 10
        it.api.refusals.clear()
        await it.until_finished()


def _without_kubelet(verb: str, resource: Resource, obj: Object) -> StatusError | None:
    """Nobody tells how pods are."""
    is_told = verb == "patch" and resource is PODS and "status" in obj
    return ServiceUnavailableError("the kubelet is away") if is_told else None


async def test_a_suspended_job_has_no_pods_and_starts_anew_when_it_goes_on() -> None:
    async with cluster(make_job(2, 2), lambda pod: "") as it:
        await it.until(lambda: it.count("ready") == 2)
        before = it.job["status"]["startTime"]
        await it.api.patch(JOBS, "job", {"spec": {"suspend": True}}, "ns")
        await it.until(lambda: not it.api.find(PODS))
        assert (it.reason("Suspended"), it.count("failed")) == ("JobSuspended", 0)
        it._outcome = succeeding
        await it.api.patch(JOBS, "job", {"spec": {"suspend": False}}, "ns")
        await it.until_finished()
        assert it.job["status"]["startTime"] > before
        assert (it.events("Suspended"), it.events("Resumed")) == (["Job suspended"], ["Job resumed"])


async def test_less_parallelism_deletes_pods_and_calls_none_of_them_failed() -> None:
    async with cluster(make_job(9, 6), lambda pod: "") as it:
        await it.until(lambda: it.count("ready") == 6)
        await it.api.patch(JOBS, "job", {"spec": {"parallelism": 2}}, "ns")
        await it.until(lambda: len(it.api.find(PODS)) == 2)
        assert (it.count("active"), it.count("failed")) == (2, 0)


@pytest.mark.parametrize(("policy", "failed"), [("TerminatingOrFailed", 1), ("Failed", 0)])
async def test_a_deleted_pod_is_replaced_at_once_or_when_it_has_ended(policy: str, failed: int) -> None:
    async with cluster(make_job(2, 1, podReplacementPolicy=policy), lambda pod: "") as it:
        await it.until(lambda: it.count("ready") == 1)
        await it.api.delete(PODS, name_of(it.api.find(PODS)[0]), "ns")
        await asyncio.sleep(0.1)
        assert (it.count("failed"), it.count("terminating")) == (failed, 1)
        await it.until(lambda: it.count("ready") == 1 and not it.count("terminating"))
        assert it.count("failed") == 1
        it._outcome = succeeding
        await it.until_finished()


class LateAboutPods:
    """The API, whose watches of pods are a second behind all others."""

    def __init__(self, api: FakeApi) -> None:
        self._api = api

    def __getattr__(self, verb: str) -> Any:
        return getattr(self._api, verb)

    async def watch(self, resource: Resource, *rest: Any, **options: Any) -> AsyncGenerator[Any, None]:
        async with aclosing(self._api.watch(resource, *rest, **options)) as events:
            async for event in events:
                await asyncio.sleep(float(resource is PODS))
                yield event


@pytest.mark.parametrize("action", ["Ignore", "Count"])
async def test_a_deleted_pod_counts_once_however_late_its_end_is_told(action: str) -> None:
    rules = [{"action": action, "onPodConditions": [{"type": "Ready", "status": "False"}]}]
    job = make_job(1, 1, podFailurePolicy={"rules": rules}, podReplacementPolicy="Failed")
    async with cluster(job, lambda pod: "") as it:
        it.connection = cast(Slow, LateAboutPods(it.api))
        it.kill_manager()
        await it.until(lambda: it.count("ready") == 1)
        pod = it.api.find(PODS)[0]
        began = it.api.now()
        await it.api.delete(PODS, name_of(pod), "ns")
        await it.until(lambda: [uid_of(each) for each in it.api.find(PODS)] not in ([], [uid_of(pod)]))
        assert (it.api.now() - began).total_seconds() < 20, "one failure costs ten seconds, two twenty"
        assert it.count("failed") == int(action == "Count")


@pytest.mark.parametrize("policy", ["Background", "Foreground", "Orphan"])
async def test_no_pod_of_a_deleted_job_keeps_the_finalizer(policy: str) -> None:
    async with cluster(make_job(3, 3), lambda pod: "") as it:
        await it.until(lambda: it.count("ready") == 3)
        if policy == "Foreground":
            marked = {
                "metadata": {
                    "finalizers": ["foregroundDeletion"],
                    "deletionTimestamp": "2026-01-01T00:00:00Z",
                }
            }
            await it.api.patch(JOBS, "job", marked, "ns")
        else:
            await it.api.delete(JOBS, "job", "ns")
        if policy == "Orphan":
            for pod in it.api.find(PODS):
                await it.api.patch(PODS, name_of(pod), {"metadata": {"ownerReferences": []}}, "ns")
        await it.until(lambda: not any(map(is_tracked, it.api.find(PODS))))
        assert len(it.api.find(PODS)) == 3


async def test_what_an_owner_manages_elsewhere_is_left_alone() -> None:
    async with cluster(make_job(managedBy="example.com/other")) as it:
        await asyncio.sleep(30)
        assert (it.api.find(PODS), it.job["status"]) == ([], {})


async def test_an_adopted_pod_is_tracked() -> None:
    async with cluster() as it:
        stray: Object = {"metadata": {"name": "stray", "namespace": "ns", "labels": {"app": "job"}}}
        await it.api.create(PODS, stray | {"spec": make_job()["spec"]["template"]["spec"]})
        await it.api.create(JOBS, make_job(1, 1))
        await it.until(lambda: it.api.find(PODS)[0]["metadata"].get("finalizers") == [FINALIZER])
        await it.until_finished()
        assert (it.count("succeeded"), len(it.api.find(PODS))) == (1, 1)


def mixed(rng: random.Random) -> Outcome:
    """Most pods succeed, some fail, all sooner or later."""

    def outcome(pod: Object) -> str:
        return rng.choice(["", "", "Succeeded", "Succeeded", "Succeeded", "Failed"])

    return outcome


@pytest.mark.parametrize("policy", ["TerminatingOrFailed", "Failed"])
@pytest.mark.parametrize("mode", ["NonIndexed", "Indexed"])
@pytest.mark.parametrize("seed", range(3))
async def test_every_pod_is_counted_exactly_once_whoever_dies(seed: int, mode: str, policy: str) -> None:
    rng = random.Random(seed)
    job = make_job(50, 10, completionMode=mode, podReplacementPolicy=policy, backoffLimit=10**6)
    async with cluster(job, mixed(rng)) as it:
        it.connection = Slow(it.api, rng)
        it.kill_manager()
        refusal = unreliable(rng)
        it.api.refusals.append(refusal)
        for _ in range(40):
            await asyncio.sleep(rng.random() * 3)
            with suppress(StatusError, ConnectionFailed):
                if rng.random() < 0.4:
                    it.kill_manager()
                else:
                    await disturb(it, rng)
            assert it.count("succeeded") <= it.ended("Succeeded") + 10, "no more than have ended by now"
        it.api.refusals.remove(refusal)
        await it.until_finished(200_000)
        assert it.most_active <= 10
        assert it.count("failed") == it.ended("Failed")
        if mode == "Indexed":
            assert (it.count("succeeded"), it.job["status"]["completedIndexes"]) == (50, "0-49")
        else:
            assert it.count("succeeded") == it.ended("Succeeded") == 50


@pytest.mark.parametrize("seed", range(3))
async def test_changes_of_parallelism_never_run_too_many(seed: int) -> None:
    rng = random.Random(seed)
    async with cluster(make_job(80, 10, backoffLimit=10**6), mixed(rng)) as it:
        it.connection = Slow(it.api, rng)
        it.kill_manager()
        limit = 10
        for _ in range(20):
            await asyncio.sleep(rng.random() * 2)
            parallelism = rng.randrange(1, 12)
            limit = max(limit, parallelism)
            await it.api.patch(JOBS, "job", {"spec": {"parallelism": parallelism}}, "ns")
            it.api.break_watches()
        await it.until_finished(100_000)
        assert it.most_active <= limit
        assert it.count("succeeded") == 80
