"""Probes that fail: what is said of them, and when something else is to blame."""

from __future__ import annotations

import pytest

from apimachinery.objects import Object
from kubectl.why.diagnosis import Cause, Confidence
from kubectl.why.rules.pods import pod as why_pod
from tests.unit.kubectl.why.builders import (
    ended,
    listener,
    make_container,
    make_event,
    make_probe,
    make_status,
    record,
    with_container,
)

REFUSED = 'Get "http://10.0.0.1:80/": dial tcp 10.0.0.1:80: connect: connection refused'
HTTP = {"httpGet": {"port": 80, "path": "/ok"}}
RUNNING = {"state": {"running": {"startedAt": "2026-01-01T11:59:00Z"}}}


@pytest.mark.parametrize(
    ("container", "status", "probe", "listeners", "headline", "fix"),
    [
        pytest.param(
            make_container(readinessProbe=HTTP),
            RUNNING,
            "Readiness",
            [listener(8080)],
            'container "web" is not ready: readiness probe http :80/ok hears nobody: nothing listens on '
            "port 80, only on 8080",
            '"readinessProbe":{"httpGet":{"port":8080}}',
            id="another port",
        ),
        pytest.param(
            make_container(readinessProbe=HTTP),
            RUNNING,
            "Readiness",
            [listener(80, "127.0.0.1")],
            'container "web" is not ready: readiness probe http :80/ok hears nobody: port 80 is open on the '
            "loopback address only",
            "kubectl logs",
            id="loopback only",
        ),
        pytest.param(
            make_container(readinessProbe=HTTP),
            RUNNING,
            "Readiness",
            [listener(80)],
            f'container "web" is not ready: readiness probe http :80/ok hears "{REFUSED}"',
            "kubectl logs",
            id="it listens, and says no",
        ),
        pytest.param(
            make_container(livenessProbe=HTTP),
            {**RUNNING, "restartCount": 2},
            "Liveness",
            [listener(80)],
            f'container "web" is killed and started again: liveness probe http :80/ok hears "{REFUSED}"',
            '"startupProbe":{"httpGet":{"port":80,"path":"/ok"},"periodSeconds":5,"failureThreshold":60}',
            id="killed too early",
        ),
        pytest.param(
            make_container(livenessProbe={"exec": {"command": ["cat", "/ok"]}}),
            ended(137),
            "Liveness",
            [],
            f'container "web" is killed and started again: liveness probe exec cat /ok hears "{REFUSED}"',
            "kubectl logs",
            id="a command",
        ),
    ],
)
def test_a_probe_that_fails_says_what_it_heard(
    container: Object, status: Object, probe: str, listeners: list[Object], headline: str, fix: str
) -> None:
    told = record(probes=[make_probe(probe, REFUSED)], listeners=listeners)
    found = why_pod(with_container(container, make_status(**status), record=told))[0]
    assert (found.cause, found.headline, found.confidence) == (Cause.PROBE, headline, Confidence.CERTAIN)
    assert found.fix is not None
    assert fix in found.fix.command


def test_without_the_kubelets_record_the_events_tell_of_probes() -> None:
    event = make_event("Unhealthy", f"Readiness probe failed: {REFUSED}")
    found = why_pod(
        with_container(make_container(readinessProbe=HTTP), make_status(**RUNNING), events=[event])
    )[0]
    assert (found.cause, found.confidence) == (Cause.PROBE, Confidence.LIKELY)


def test_a_program_that_ends_by_itself_is_not_the_probes_fault() -> None:
    told = record(probes=[make_probe("Readiness", REFUSED)])
    facts = with_container(make_container(readinessProbe=HTTP), make_status(**ended(1)), record=told)
    assert why_pod(facts)[0].cause is Cause.APPLICATION
