"""What is counted, timed and noted of each request."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import pytest

from apiserver.asgi import Receive, Scope, Send
from apiserver.filters.observe import Observe
from apiserver.filters.request_info import KEY, parse_request
from apiserver.journal import QUIET_RING, RING, Journal
from apiserver.metrics import RequestMetrics
from apiserver.waiting import waiting
from tests.fakes.asgi import Sent, answer, app_that, nothing, scope_of


async def test_a_write_is_counted_and_noted_with_its_trace() -> None:
    metrics, journal = RequestMetrics(), Journal(lambda: datetime(2026, 1, 1, tzinfo=UTC))
    trace = b"00-" + b"a" * 32 + b"-" + b"b" * 16 + b"-01"
    headers = [(b"traceparent", trace), (b"tracestate", b"sampan=job:7.9")]
    scope = scope_of("POST /api/v1/namespaces/n/pods", headers=headers)
    scope[KEY].revision = 12
    await Observe(app_that(answer), metrics, journal)(scope, nothing, Sent())
    (record,) = journal.records()
    assert (record["verb"], record["resource"], record["user"]) == ("create", "pods", "jane")
    assert (record["trace"], record["actor"], record["causes"]) == ("a" * 32, "job", ["7", "9"])
    assert metrics.series(scope[KEY]).codes == {201: 1}


@pytest.mark.parametrize(
    ("target", "revision"),
    [
        pytest.param("POST /apis/authorization.k8s.io/v1/subjectaccessreviews", 0, id="a review"),
        pytest.param("POST /api/v1/namespaces/n/pods?dryRun=All", 12, id="a dry run"),
        pytest.param("GET /api/v1/namespaces/n/pods/p", 12, id="a read"),
    ],
)
async def test_what_writes_nothing_is_not_in_the_journal(target: str, revision: int) -> None:
    journal, scope = Journal(lambda: datetime(2026, 1, 1, tzinfo=UTC)), scope_of(target)
    scope[KEY].revision = revision
    await Observe(app_that(answer), RequestMetrics(), journal)(scope, nothing, Sent())
    assert journal.records() == []


async def write_one(journal: Journal) -> None:
    task = asyncio.create_task(journal.run())
    await asyncio.sleep(0)
    journal.record(parse_request("PUT", "/api/v1/namespaces/n/configmaps/c", {}), 0.1)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def test_the_journals_file_is_put_aside_when_it_is_large(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    for _ in range(2):
        asyncio.run(write_one(Journal(lambda: datetime(2026, 1, 1, tzinfo=UTC), path, file_limit=100)))
    assert [each.name for each in tmp_path.iterdir()] == ["journal.jsonl.1"]
    assert len((tmp_path / "journal.jsonl.1").read_text().splitlines()) == 1


def test_what_is_written_all_the_time_does_not_drive_out_the_rest() -> None:
    journal = Journal(lambda: datetime(2026, 1, 1, tzinfo=UTC))
    journal.record(parse_request("PUT", "/api/v1/namespaces/n/configmaps/c", {}), 0.1)
    lease = parse_request("PUT", "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/n1", {})
    for _ in range(RING + 1):
        journal.record(lease, 0.1)
    kept = [record["resource"] for record in journal.records()]
    assert (kept[0], len(kept)) == ("configmaps", QUIET_RING + 1)


async def test_made_up_resources_make_no_series() -> None:
    metrics = RequestMetrics()
    for number in range(3):
        info = parse_request("GET", f"/apis/x.example/v1/thing{number}", {})
        metrics.series(info).observe(404, 0.001)
    samples = [each for family in metrics.collect() for each in family.samples]
    assert [each.value for each in samples if each.name == "apiserver_request_total"] == [3]


async def test_time_that_others_took_is_not_our_own() -> None:
    """Nor is a request that the server ends to protect itself like any other."""
    metrics, scope = RequestMetrics(), scope_of("POST /api/v1/namespaces/n/pods?dryRun=All")

    async def wait(scope: Scope, receive: Receive, send: Send) -> None:
        with waiting():
            await asyncio.sleep(0.06)
        scope[KEY].was_terminated = True
        await answer(send)

    await Observe(wait, metrics, Journal(lambda: datetime(2026, 1, 1, tzinfo=UTC)))(scope, nothing, Sent())
    samples = {
        (each.name, each.labels.get("le", "")): each
        for family in metrics.collect()
        for each in family.samples
    }
    assert samples["apiserver_request_duration_seconds_bucket", "0.05"].value == 0
    assert samples["apiserver_request_sli_duration_seconds_bucket", "0.05"].value == 1
    ended = samples["apiserver_request_terminations_total", ""]
    assert (ended.value, ended.labels["code"], "dry_run" in ended.labels) == (1, "201", False)


@pytest.mark.parametrize(
    ("content_type", "verb"),
    [("application/merge-patch+json", "PATCH"), ("application/apply-patch+yaml; charset=utf-8", "APPLY")],
)
def test_applies_are_counted_apart_from_other_patches(content_type: str, verb: str) -> None:
    headers = {"content-type": content_type}
    info = parse_request("PATCH", "/api/v1/namespaces/a/pods/b", {}, headers)
    assert RequestMetrics().series(info).labels[0] == verb
