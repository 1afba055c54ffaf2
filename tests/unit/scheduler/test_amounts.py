"""What a pod counts for on its node, for filters and for scores."""

from __future__ import annotations

from typing import Any

import pytest

from apimachinery.objects import Object, deep_copy
from scheduler.framework.interface import SKIP
from scheduler.plugins.node_resources_balanced import NodeResourcesBalancedAllocation
from scheduler.pod_info import parse_pod, trim
from scheduler.resources import ASSUMED
from tests.unit.scheduler.builders import make_cache, make_node

MEBI = 1024 * 1024
REFUSED = {"type": "PodResizePending", "status": "True", "reason": "Infeasible"}


def container(name: str = "c", *, cpu: str = "", memory: str = "", **more: Any) -> Object:
    requests = {key: value for key, value in (("cpu", cpu), ("memory", memory)) if value}
    return {"name": name, "image": "i", "resources": {"requests": requests}, **more}


def status(name: str = "c", *, runs: str, allotted: str) -> Object:
    return {"name": name, "resources": {"requests": {"cpu": runs}}, "allocatedResources": {"cpu": allotted}}


def pod(*statuses: Object, conditions: Any = (), **spec: Any) -> Object:
    status = {"containerStatuses": list(statuses), "conditions": list(conditions)}
    return {"metadata": {"name": "p", "namespace": "ns", "uid": "u"}, "spec": spec, "status": status}


ONE, TWO = [container(cpu="1")], [container(cpu="1"), container("d")]
FIRST = container("i", cpu="2")
SIDECAR = container("s", cpu="1", restartPolicy="Always")


@pytest.mark.parametrize(
    ("obj", "cpu"),
    [
        pytest.param(pod(containers=ONE), 1000, id="it has not started"),
        pytest.param(pod(status(runs="1", allotted="1"), containers=ONE), 1000, id="nothing changes"),
        pytest.param(pod(status(runs="1000m", allotted="1"), containers=ONE), 1000, id="said otherwise"),
        pytest.param(pod(status(runs="500m", allotted="500m"), containers=ONE), 1000, id="it is to grow"),
        pytest.param(pod(status(runs="2", allotted="1"), containers=ONE), 2000, id="it is to shrink"),
        pytest.param(pod(status(runs="1", allotted="3"), containers=ONE), 3000, id="it was allotted more"),
        pytest.param(
            pod(status(runs="500m", allotted="500m"), conditions=[REFUSED], containers=ONE), 500,
            id="it will never grow so much",
        ),
        pytest.param(
            pod(status("s", runs="4", allotted="1"), containers=ONE, initContainers=[SIDECAR]), 5000,
            id="a sidecar shrinks",
        ),
        pytest.param(
            pod(status("i", runs="4", allotted="4"), containers=ONE, initContainers=[FIRST]), 2000,
            id="what runs before the others is not resized",
        ),
        pytest.param(
            pod(containers=ONE, resources={"requests": {"cpu": "3"}}, overhead={"cpu": "10m"}), 3010,
            id="the pod as a whole says",
        ),
    ],
)  # fmt: skip
def test_a_pod_takes_the_most_of_what_it_asks_has_been_given_and_has(obj: Object, cpu: int) -> None:
    assert parse_pod(obj).spec.requests["cpu"] == cpu
    trimmed = deep_copy(obj)
    trim(trimmed)
    assert parse_pod(trimmed).spec.requests["cpu"] == cpu


def test_pods_that_are_not_resized_share_what_was_parsed() -> None:
    steady = pod(status(runs="1", allotted="1"), containers=ONE)
    assert parse_pod(steady).spec is parse_pod(pod(containers=ONE)).spec
    trim(steady)
    assert "containerStatuses" not in steady["status"]


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        pytest.param({}, {"cpu": 100, "memory": 200 * MEBI}, id="nothing is asked for"),
        pytest.param({"containers": TWO}, {"cpu": 1100, "memory": 400 * MEBI}, id="each for itself"),
        pytest.param(
            {"containers": TWO, "resources": {"requests": {"memory": "1Mi"}}},
            {"cpu": 1000, "memory": MEBI}, id="the pod as a whole asks, and so does a container",
        ),
        pytest.param(
            {"resources": {"requests": {"memory": "1Mi"}}}, {"cpu": 100, "memory": MEBI},
            id="the pod as a whole asks, but not for this",
        ),
    ],
)  # fmt: skip
def test_what_scores_take_a_pod_to_use(spec: Object, expected: dict[str, int]) -> None:
    assert ASSUMED == {"cpu": 100, "memory": 200 * MEBI}
    assert parse_pod(pod(**{"containers": [container()], **spec})).spec.assumed_requests == expected


@pytest.mark.parametrize(
    ("requests", "resources", "matters"),
    [
        pytest.param({"cpu": "1"}, ("cpu", "memory"), True, id="one that is balanced"),
        pytest.param({"example.com/gpu": "1"}, ("cpu", "memory"), False, id="only one that isn't"),
        pytest.param({"cpu": "0"}, ("cpu", "memory"), False, id="none of it"),
        pytest.param({"example.com/gpu": "1"}, ("cpu", "example.com/gpu"), True, id="one that is chosen"),
    ],
)
def test_only_who_asks_for_what_is_balanced_can_unbalance(
    requests: Object, resources: tuple[str, ...], matters: bool
) -> None:
    asking = parse_pod(pod(containers=[{"name": "c", "resources": {"requests": requests}}]))
    plugin, cache = NodeResourcesBalancedAllocation(resources), make_cache([make_node("n")])
    assert (plugin.pre_score(asking, cache, cache.nodes) is not SKIP) == matters


def test_images_of_volumes_are_images_of_the_pod() -> None:
    volumes = [{"name": "v", "image": {"reference": "data:1"}}, {"name": "w", "emptyDir": {}}]
    known = pod(containers=ONE, volumes=volumes)
    assert parse_pod(known).spec.images == ("i", "data:1")
    trim(known)
    assert parse_pod(known).spec.images == ("i", "data:1")
