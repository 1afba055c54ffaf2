"""What the server counts of requests, told without a running one."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from prometheus_client.samples import Sample

from apimachinery.errors import TimeoutStatusError
from apiserver.asgi import Message, Receive, Scope, Send
from apiserver.filters.observe import Observe
from apiserver.filters.request_info import KEY
from apiserver.handlers import bodies
from apiserver.journal import Journal
from apiserver.metrics import RequestMetrics
from apiserver.request import DEPRECATED
from tests.fakes.asgi import Sent, nothing, scope_of

PODS = "/api/v1/namespaces/n/pods"


async def two_pieces(scope: Scope, receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"a" * 900, "more_body": True})
    await send({"type": "http.response.body", "body": b"b" * 200})


async def observed(metrics: RequestMetrics, target: str, annotation: str = "") -> None:
    scope = scope_of(target)
    if annotation:
        scope[KEY].annotations[annotation] = "true"
    await Observe(two_pieces, metrics, Journal(lambda: datetime(2026, 1, 1, tzinfo=UTC)))(
        scope, nothing, Sent()
    )


def samples(metrics: RequestMetrics, name: str) -> list[Sample]:
    return [each for family in metrics.collect() for each in family.samples if each.name == name]


@pytest.mark.parametrize(
    ("targets", "expected"),
    [
        pytest.param([f"GET {PODS}"], {"LIST": 1100}, id="a list"),
        pytest.param([f"GET {PODS}/a"], {"GET": 1100}, id="an object"),
        pytest.param([f"GET {PODS}/a", f"GET {PODS}/a?dryRun=All"], {"GET": 2200}, id="dry runs among them"),
        pytest.param([f"POST {PODS}", f"GET {PODS}?watch=1"], {}, id="neither writes nor watches"),
    ],
)
async def test_answers_to_reads_are_measured(targets: list[str], expected: dict[str, float]) -> None:
    metrics = RequestMetrics()
    for each in targets:
        await observed(metrics, each)
    sums = samples(metrics, "apiserver_response_sizes_sum")
    assert {each.labels["verb"]: each.value for each in sums} == expected
    small = [
        each for each in samples(metrics, "apiserver_response_sizes_bucket") if each.labels["le"] == "1000.0"
    ]
    assert [each.value for each in small] == [0] * len(expected)


async def test_who_asks_for_what_is_deprecated_is_noted() -> None:
    metrics = RequestMetrics()
    await observed(metrics, f"GET {PODS}")
    assert samples(metrics, "apiserver_requested_deprecated_apis") == []
    for verb in ("GET", "DELETE"):
        await observed(metrics, f"{verb} /api/v1/namespaces/n/endpoints/e", DEPRECATED)
    (found,) = samples(metrics, "apiserver_requested_deprecated_apis")
    assert (found.value, found.labels) == (
        1,
        {"group": "", "version": "v1", "resource": "endpoints", "subresource": "", "removed_release": ""},
    )


@pytest.mark.parametrize(
    ("target", "labels"),
    [
        (f"POST {PODS}", ("", "pods", "create")),
        ("PUT /apis/apps/v1/namespaces/n/deployments/d/scale?dryRun=All", ("apps", "deployments", "update")),
        (f"PATCH {PODS}/a/status", ("", "pods", "patch")),
        (f"DELETE {PODS}/a", ("", "pods", "delete")),
        (f"DELETE {PODS}", ("", "pods", "delete_collection")),
    ],
)
async def test_bodies_are_measured(target: str, labels: tuple[str, ...]) -> None:
    async def reading(scope: Scope, receive: Receive, send: Send) -> None:
        await bodies.read(scope[KEY], receive)

    async def body() -> Message:
        return {"type": "http.request", "body": b"a" * 60_000}

    metrics, scope = RequestMetrics(), scope_of(target)
    await Observe(reading, metrics, Journal(lambda: datetime(2026, 1, 1, tzinfo=UTC)))(scope, body, Sent())
    (total,) = samples(metrics, "apiserver_request_body_size_bytes_sum")
    assert (total.value, tuple(total.labels.values())) == (60_000, labels)
    buckets = samples(metrics, "apiserver_request_body_size_bytes_bucket")
    assert [each.value for each in buckets][:3] == [0, 1, 1]
    assert buckets[-2].labels["le"] == "3050000.0"


async def test_an_answer_that_breaks_off_is_an_abort() -> None:
    async def breaking(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        raise TimeoutStatusError("request did not complete within the allotted timeout")

    metrics, journal = RequestMetrics(), Journal(lambda: datetime(2026, 1, 1, tzinfo=UTC))
    with pytest.raises(TimeoutStatusError):
        await Observe(breaking, metrics, journal)(scope_of(f"GET {PODS}"), nothing, Sent())
    (found,) = samples(metrics, "apiserver_request_aborts_total")
    assert (found.value, found.labels["verb"], "component" in found.labels) == (1, "LIST", False)
