"""What may change through pods/resize."""

from __future__ import annotations

from typing import Any

import pytest

from apimachinery.objects import Object
from apiserver.registry.strategies.podspec.resize import validate_resize
from tests.unit.apiserver.strategies.objects import container, pod, shown, through

ALWAYS = {"restartPolicy": "Always"}
NOT_REQUIRED = [{"resourceName": "cpu", "restartPolicy": "NotRequired"}]
DISORDER = "Forbidden: containers may not be renamed or reordered on resize"
ONLY_CPU_AND_MEMORY = "spec: Forbidden: only cpu and memory resources are mutable"


def asking(name: str = "c", limits: Object | None = None, **fields: Any) -> Object:
    """A container that asks for one cpu, or for other `requests`."""
    resources = {"requests": fields.pop("requests", {"cpu": "1"}), **({"limits": limits} if limits else {})}
    return container(name, resources=resources, **fields)


def test_resources_change_and_nothing_else() -> None:
    wanted = asking(image="other", requests={"cpu": "2"})
    changed, errors = through("resize", pod(containers=[asking()]), containers=[wanted])
    assert errors == []
    assert changed["spec"]["containers"][0]["resources"] == {"requests": {"cpu": "2"}}
    assert changed["spec"]["containers"][0]["image"] == "registry.example/app:1.0"


@pytest.mark.parametrize(
    ("old", "new", "wrong"),
    [
        pytest.param({}, {"containers": [asking(requests={"cpu": "2"})]}, [], id="more cpu"),
        pytest.param(
            {}, {"containers": [asking(requests={"cpu": "1", "memory": "1Mi"})]}, [], id="memory as well"
        ),
        pytest.param({}, {"containers": [asking(limits={"cpu": "2"})]}, [], id="a limit"),
        pytest.param(
            {"containers": [container()]},
            {"containers": [asking()]},
            ['spec: Invalid value: "BestEffort": Pod QOS Class may not change as a result of resizing'],
            id="into another class",
        ),
        pytest.param(
            {"containers": [asking("a"), asking("b")]},
            {"containers": [asking("b"), asking("a")]},
            [f"spec.containers[0].name: {DISORDER}", f"spec.containers[1].name: {DISORDER}"],
            id="another order",
        ),
        pytest.param(
            {},
            {"containers": [asking(), asking("d")]},
            ["spec.containers: Forbidden: containers may not be added or removed on resize"],
            id="another container",
        ),
        pytest.param(
            {"initContainers": [asking("i", **ALWAYS)]},
            {"initContainers": []},
            ["spec.initContainers: Forbidden: initContainers may not be added or removed on resize"],
            id="a sidecar less",
        ),
        pytest.param(
            {"containers": [asking(limits={"cpu": "1"})]},
            {"containers": [asking()]},
            ["spec.containers[0].resources.limits: Forbidden: resource limits cannot be removed"],
            id="a limit goes",
        ),
        pytest.param(
            {"containers": [asking(), asking("d")]},
            {"containers": [asking(), container("d")]},
            ["spec.containers[1].resources.requests: Forbidden: resource requests cannot be removed"],
            id="nothing is asked for any more",
        ),
        pytest.param(
            {},
            {"containers": [asking(requests={"cpu": "1", "ephemeral-storage": "1Mi"})]},
            [ONLY_CPU_AND_MEMORY],
            id="another resource",
        ),
        pytest.param(
            {}, {"containers": [asking(resizePolicy=NOT_REQUIRED)]}, [ONLY_CPU_AND_MEMORY], id="a policy"
        ),
        pytest.param(
            {"initContainers": [asking("i")]},
            {"initContainers": [asking("i", requests={"cpu": "2"})]},
            ["spec: Forbidden: resources for non-sidecar init containers are immutable"],
            id="an init container",
        ),
        pytest.param(
            {"initContainers": [asking("i", **ALWAYS)]},
            {"initContainers": [asking("i", requests={"cpu": "2"}, **ALWAYS)]},
            [],
            id="a sidecar",
        ),
        pytest.param(
            {"initContainers": [asking("i", **ALWAYS)]},
            {"initContainers": [asking("i", requests={"cpu": "1", "ephemeral-storage": "1"}, **ALWAYS)]},
            ["spec: Forbidden: only cpu and memory resources for sidecar containers are mutable"],
            id="another resource of a sidecar",
        ),
        pytest.param(
            {"os": {"name": "windows"}},
            {"containers": []},
            ["[]: Forbidden: windows pods cannot be resized"],
            id="a pod that is never resized",
        ),
    ],
)
def test_what_is_refused(old: Object, new: Object, wrong: list[str]) -> None:
    assert through("resize", pod(**({"containers": [asking()]} | old)), **new)[1] == wrong


@pytest.mark.parametrize(
    ("status", "refused"),
    [
        ({"name": "c", "state": {"running": {}}}, True),
        ({"name": "c", "state": {"running": {}}, "resources": {}}, False),
        ({"name": "c", "state": {"waiting": {}}}, False),
    ],
    ids=["none", "some", "nothing-runs"],
)
def test_a_node_that_tells_no_resources_resizes_nothing(status: Object, refused: bool) -> None:
    told = pod(containers=[asking()]) | {"status": {"containerStatuses": [status]}}
    wrong = shown(list(validate_resize(told, told)))
    assert wrong == ["spec: Forbidden: Pod running on node without support for resize"] * refused
