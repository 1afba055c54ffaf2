"""CronJobs: which time is due, what becomes of their Jobs, and how they live, in virtual time."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest

from apimachinery.conditions import is_condition_true
from apimachinery.cron import ScheduleError, parse_schedule
from apimachinery.objects import Object, annotations_of, get_path, name_of
from apimachinery.scheme import CRON_JOBS, JOBS
from apimachinery.times import format_time
from controller_manager.cron_job.controller import CronJobController
from controller_manager.cron_job.plan import SCHEDULED_ANNOTATION, job_name, new_job, review, to_clean_up
from controller_manager.cron_job.times import due, next_look
from controller_manager.job.controller import JobController
from controller_manager.ttl_after_finished import TTLAfterFinishedController, expiry_of
from tests.unit.controller_manager.builders import NOW, ago, make_cron_job, make_job
from tests.unit.controller_manager.cluster import Cluster, Slow, running
from tests.unit.counting import Counting

LAST = {"status": {"lastScheduleTime": ago(600)}}


@pytest.mark.parametrize(
    ("cron_job", "at", "missed", "wait"),
    [
        # NOW is midnight
        (LAST, 0, 0, 600),
        ({"status": {"lastScheduleTime": ago(0)}}, None, 0, 600),
        ({}, 0, 6, 600),
        ({"schedule": "5 * * * *"}, 3300, 0, 300),
        ({"schedule": "5 * * * *", "startingDeadlineSeconds": 60}, None, 0, 300),
        ({"startingDeadlineSeconds": 700}, 0, 2, 600),
        ({"schedule": "* * * * *", "status": {"lastScheduleTime": ago(7200)}}, 0, 120, 60),
        ({"schedule": "@every 7m"}, 240, 8, 180),
        ({"schedule": "0 9 * * *", "timeZone": "Asia/Tokyo"}, 0, 0, 86400),
        ({"schedule": "0 9 * * *", "timeZone": "America/New_York"}, None, 0, 14 * 3600),
    ],
)
def test_what_is_due_and_when_to_look_again(
    cron_job: dict[str, Any], at: int | None, missed: int, wait: float
) -> None:
    it = make_cron_job(**cron_job)
    schedule = parse_schedule(it["spec"]["schedule"])
    found = due(it, schedule, NOW)
    assert found.at == (None if at is None else NOW - timedelta(seconds=at))
    assert found.missed == missed
    assert next_look(it, schedule, NOW) == pytest.approx(wait + 0.1)


def test_a_schedule_that_never_comes_is_an_error() -> None:
    with pytest.raises(ScheduleError):
        due(make_cron_job("0 0 30 2 *"), parse_schedule("0 0 30 2 *"), NOW)


def test_a_job_is_named_after_its_time() -> None:
    it = make_cron_job(timeZone="Asia/Tokyo")
    job = new_job(it, NOW)
    assert name_of(job) == job_name(it, NOW) == f"cron-{int(NOW.timestamp()) // 60}"
    assert annotations_of(job) == {SCHEDULED_ANNOTATION: "2026-01-02T09:00:00+09:00"}
    assert job["metadata"]["labels"] == {"of": "cron"}
    assert annotations_of(new_job(make_cron_job(), NOW))[SCHEDULED_ANNOTATION] == "2026-01-02T00:00:00Z"


def job(name: str, end: str = "", started: float = 100) -> Object:
    it = make_job()
    it["metadata"] |= {"name": name, "uid": name}
    it["status"] = {"startTime": ago(started)}
    if end:
        it["status"]["conditions"] = [{"type": end, "status": "True", "lastTransitionTime": ago(50)}]
        it["status"] |= {"completionTime": ago(50)} if end == "Complete" else {}
    return it


def test_jobs_are_reviewed() -> None:
    active = [{"name": name, "namespace": "ns", "uid": name} for name in ("runs", "done", "lost")]
    it = make_cron_job(status={"active": active})
    found = review(it, [job("runs"), job("done", "Complete"), job("stray"), job("old", "Failed")])
    assert [each["name"] for each in found.status["active"]] == ["runs", "lost"]
    assert found.status["lastSuccessfulTime"] == ago(50)
    assert list(map(name_of, found.completed)) == ["done"]
    assert list(map(name_of, found.unexpected)) == ["stray"]
    assert [each["name"] for each in found.missing] == ["lost"]


def test_the_oldest_jobs_beyond_the_limits_go() -> None:
    good = [job(f"s{age}", "Complete", age) for age in range(5)]
    jobs = [*good, job("f0", "Failed", 0), job("f1", "Failed", 1), job("runs")]
    assert list(map(name_of, to_clean_up(make_cron_job(), jobs))) == ["s4", "s3", "f1"]
    unlimited = make_cron_job(successfulJobsHistoryLimit=None, failedJobsHistoryLimit=None)
    assert to_clean_up(unlimited, jobs) == []


def test_a_finished_job_may_go_when_its_time_has_passed() -> None:
    finished = job("a", "Failed")
    assert expiry_of(finished) is None
    finished["spec"]["ttlSecondsAfterFinished"] = 60
    assert expiry_of(finished) == NOW + timedelta(seconds=10)
    finished["status"]["conditions"][0]["lastTransitionTime"] = None
    assert expiry_of(finished) is None, "it does not tell when it has finished"
    running_job = job("b")
    running_job["spec"]["ttlSecondsAfterFinished"] = 60
    assert expiry_of(running_job) is None


class Cron(Cluster):
    """CronJobs, their Jobs and the pods of these; each pod runs for `seconds`."""

    def __init__(self, seconds: float) -> None:
        super().__init__([CronJobController, JobController, TTLAfterFinishedController], [CRON_JOBS, JOBS])
        self.seconds = seconds
        self.most_active = 0

    def outcome(self, pod: Object) -> str:
        begun = pod["metadata"]["creationTimestamp"]
        end = format_time(self.api.now() - timedelta(seconds=self.seconds))
        return "Succeeded" if begun <= end else ""

    def look(self) -> None:
        self.most_active = max(self.most_active, sum(get_path(job, "status.active", 0) for job in self.jobs))

    @property
    def jobs(self) -> list[Object]:
        return self.api.find(JOBS)

    @property
    def cron_job(self) -> Object:
        return self.api.find(CRON_JOBS)[0]


@asynccontextmanager
async def cluster(cron_job: Object, seconds: float = 5) -> AsyncIterator[Cron]:
    async with running(Cron(seconds)) as it:
        await it.api.create(CRON_JOBS, cron_job)
        yield it


pytestmark = pytest.mark.looptime


async def test_a_job_every_minute_and_a_short_history() -> None:
    counting = Counting()
    async with cluster(make_cron_job("* * * * *", successfulJobsHistoryLimit=2)) as it:
        await asyncio.sleep(330)
        assert len(it.events("SuccessfulCreate")) > 0
        assert [is_condition_true(job, "Complete") for job in it.jobs] == [True, True]
        assert it.cron_job["status"]["lastScheduleTime"] == "2026-01-01T00:05:00Z"
        assert it.cron_job["status"]["lastSuccessfulTime"] > "2026-01-01T00:05:00Z"
        assert it.cron_job["status"].get("active") is None
        made = [call for call in it.api.calls if call.startswith("create jobs")]
        assert len(made) == len(set(made)) == 5
    series = "cronjob_controller_job_creation_skew_duration_seconds"
    assert counting.more(f"{series}_count") == 5
    assert counting.more(f"{series}_sum") < 5


@pytest.mark.parametrize(("policy", "most", "made"), [("Allow", 3, 5), ("Forbid", 1, 2), ("Replace", 1, 5)])
async def test_what_becomes_of_a_job_that_still_runs(policy: str, most: int, made: int) -> None:
    async with cluster(make_cron_job("* * * * *", concurrencyPolicy=policy), seconds=150) as it:
        await asyncio.sleep(305)
        assert it.most_active == most
        assert len([call for call in it.api.calls if call.startswith("create jobs")]) == made
        assert len(it.cron_job["status"]["active"]) == most


async def test_a_suspended_cron_job_starts_nothing_and_catches_up_with_one_job() -> None:
    async with cluster(make_cron_job("* * * * *", suspend=True)) as it:
        await asyncio.sleep(300)
        assert it.jobs == []
        await it.api.patch(CRON_JOBS, "cron", {"spec": {"suspend": False}}, "ns")
        await it.until(lambda: [name_of(job) for job in it.jobs] == [job_name(it.cron_job, it.api.now())], 1)


async def test_what_is_too_late_is_told_and_left_out() -> None:
    async with cluster(make_cron_job("* * * * *", suspend=True, startingDeadlineSeconds=10)) as it:
        await asyncio.sleep(90)
        await it.api.patch(CRON_JOBS, "cron", {"spec": {"suspend": False}}, "ns")
        await asyncio.sleep(1)
        assert it.jobs == []
        await it.until(lambda: len(it.jobs) == 1)
        assert it.cron_job["status"]["lastScheduleTime"] == "2026-01-01T00:02:00Z"


@pytest.mark.parametrize(
    ("spec", "reason"),
    [({"schedule": "nonsense"}, "UnparseableSchedule"), ({"timeZone": "Mars/Base"}, "UnknownTimeZone")],
)
async def test_what_cannot_be_read_is_told(spec: Object, reason: str) -> None:
    async with cluster(make_cron_job(**spec)) as it:
        await it.until(lambda: len(it.events(reason)) == 1)
        assert it.jobs == []


async def test_finished_jobs_go_after_their_ttl() -> None:
    it = make_cron_job("*/5 * * * *")
    it["spec"]["jobTemplate"]["spec"]["ttlSecondsAfterFinished"] = 30
    counting, series = Counting(), "ttl_after_finished_controller_job_deletion_duration_seconds"
    async with cluster(it) as world:
        await world.until(lambda: len(world.jobs) == 1, 400)
        await world.until(lambda: not world.jobs, 60)
    assert counting.more(f"{series}_count") == 1
    assert 0 <= counting.more(f"{series}_sum") < 5


@pytest.mark.parametrize("seed", range(3))
async def test_no_time_gets_two_jobs_though_the_controller_is_killed(seed: int) -> None:
    rng = random.Random(seed)
    async with cluster(make_cron_job("* * * * *", successfulJobsHistoryLimit=100)) as it:
        it.connection = Slow(it.api, rng)
        it.kill_manager()
        for _ in range(60):
            await asyncio.sleep(rng.random() * 20)
            it.kill_manager()
        await asyncio.sleep(30)
        names = [name_of(job) for job in it.jobs]
        minutes = (it.api.now() - timedelta(seconds=1)).minute
        assert len(names) == len(set(names)) == minutes
        assert not it.events("UnexpectedJob") or it.cron_job["status"].get("active") is None
