"""Which pods `drain` removes, as a table."""

from datetime import UTC, datetime
from typing import Any

import pytest

from apimachinery.objects import Object
from kubectl.draining import Rules, plan
from kubectl.verbs.drain import patience


def pod(name: str, owner: str = "", phase: str = "Running", **spec: Any) -> Object:
    owners = [{"kind": owner, "name": "o", "controller": True}] if owner else []
    metadata = {"name": name, "namespace": "d", "ownerReferences": owners}
    return {"metadata": metadata, "spec": spec, "status": {"phase": phase}}


EMPTY_DIR = [{"name": "v", "emptyDir": {}}]
MIRROR = pod("mirror")
MIRROR["metadata"]["annotations"] = {"kubernetes.io/config.mirror": "x"}


@pytest.mark.parametrize(
    ("pods", "rules", "removed", "warning", "refusal"),
    [
        pytest.param([pod("a", "ReplicaSet")], Rules(), ["a"], "", "", id="one that comes back"),
        pytest.param([pod("a", phase="Succeeded")], Rules(), ["a"], "", "", id="one that has ended"),
        pytest.param([MIRROR], Rules(), [], "", "", id="the kubelet's own"),
        pytest.param(
            [pod("a"), pod("b")],
            Rules(),
            [],
            "",
            "cannot delete cannot delete Pods that declare no controller (use --force to override): d/a, d/b",
            id="nothing brings them back",
        ),
        pytest.param(
            [pod("a")],
            Rules(force=True),
            ["a"],
            "deleting Pods that declare no controller: d/a",
            "",
            id="nothing brings it back, and that is fine",
        ),
        pytest.param(
            [pod("a", "DaemonSet")],
            Rules(),
            [],
            "",
            "cannot delete DaemonSet-managed Pods (use --ignore-daemonsets to ignore): d/a",
            id="of a DaemonSet",
        ),
        pytest.param(
            [pod("a", "DaemonSet"), pod("b", volumes=EMPTY_DIR)],
            Rules(True, True, True),
            ["b"],
            "ignoring DaemonSet-managed Pods: d/a; deleting Pods with local storage: d/b; "
            "deleting Pods that declare no controller: d/b",
            "",
            id="all is fine",
        ),
        pytest.param(
            [pod("a", "DaemonSet"), pod("b", "ReplicaSet", volumes=EMPTY_DIR)],
            Rules(),
            [],
            "",
            "[cannot delete DaemonSet-managed Pods (use --ignore-daemonsets to ignore): d/a, "
            "cannot delete Pods with local storage (use --delete-emptydir-data to override): d/b]",
            id="nothing is fine",
        ),
    ],
)
def test_what_is_removed(
    pods: list[Object], rules: Rules, removed: list[str], warning: str, refusal: str
) -> None:
    planned = plan(pods, rules)
    names = [each["metadata"]["name"] for each in planned.remove]
    assert (names, planned.warning) == (removed, warning)
    assert (planned.refusal if planned.refusals else "") == refusal


@pytest.mark.parametrize(
    ("due", "seconds"),
    [
        pytest.param(None, None, id="not ending: as long as it takes"),
        pytest.param("2026-01-01T00:00:30Z", 32.0, id="until its time is over, and what it may be late"),
        pytest.param("2025-12-31T23:59:00Z", 0.0, id="late already"),
    ],
)
def test_a_pod_that_does_not_end_is_waited_for_no_longer_than_that(
    due: str | None, seconds: float | None
) -> None:
    pod = {"metadata": {"deletionTimestamp": due} if due else {}}
    assert patience(pod, 1, datetime(2026, 1, 1, tzinfo=UTC)) == seconds
