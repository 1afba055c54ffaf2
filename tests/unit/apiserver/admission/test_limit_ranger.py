"""Limit ranges fill in what is not said, and refuse what is too much."""

from __future__ import annotations

from typing import Any

import pytest

from apimachinery.objects import Object
from apiserver.admission.limit_ranger import LimitRanger
from tests.unit.apiserver.admission.writes import admit, make_pod, refusal, write


def limit_ranger(**limit: Any) -> LimitRanger:
    limit_range = {"spec": {"limits": [{"type": "Container", **limit}]}}
    return LimitRanger(lambda namespace: [limit_range])


async def test_containers_get_what_they_do_not_say() -> None:
    plugin = limit_ranger(default={"cpu": "2"}, defaultRequest={"cpu": "1", "memory": "1Gi"})
    spec = {"containers": [{"name": "c", "resources": {"requests": {"cpu": "3"}}}]}
    pod = await admit(plugin, write(make_pod(**spec)))
    assert pod["spec"]["containers"][0]["resources"] == {
        "requests": {"cpu": "3", "memory": "1Gi"}, "limits": {"cpu": "2"},
    }  # fmt: skip
    assert pod["metadata"]["annotations"] == {
        "kubernetes.io/limit-ranger": "LimitRanger plugin set: memory request for container c; "
        "cpu limit for container c"
    }


LIMIT_REFUSALS: dict[str, tuple[Object, Object, str]] = {
    "too much": (
        {"max": {"cpu": "500m"}},
        {"limits": {"cpu": "1"}},
        "maximum cpu usage per Container is 500m, but limit is 1",
    ),
    "too little": (
        {"min": {"memory": "64Mi"}},
        {"requests": {"memory": "1Mi"}},
        "minimum memory usage per Container is 64Mi, but request is 1Mi",
    ),
    "nothing said": (
        {"max": {"cpu": "1"}},
        {},
        "maximum cpu usage per Container is 1.  No limit is specified",
    ),
    "too wide apart": (
        {"maxLimitRequestRatio": {"cpu": "2"}},
        {"requests": {"cpu": "1"}, "limits": {"cpu": "3"}},
        "cpu max limit to request ratio per Container is 2, but provided ratio is 3.000000",
    ),
    "two things": (
        {"max": {"cpu": "1", "memory": "1Gi"}},
        {"limits": {"cpu": "2", "memory": "2Gi"}},
        "[maximum cpu usage per Container is 1, but limit is 2, "
        "maximum memory usage per Container is 1Gi, but limit is 2Gi]",
    ),
}


@pytest.mark.parametrize("row", LIMIT_REFUSALS.values(), ids=LIMIT_REFUSALS.keys())
async def test_a_limit_range_refuses(row: tuple[Object, Object, str]) -> None:
    limit, resources, expected = row
    pod = make_pod(containers=[{"name": "c", "resources": resources}])
    error = await refusal(limit_ranger(**limit), write(pod))
    assert error.message == f'pods "web" is forbidden: {expected}'


async def test_a_pod_is_not_resized_beyond_a_limit_range() -> None:
    plugin = limit_ranger(max={"cpu": "1"}, default={"memory": "1Gi"})
    pod = make_pod()
    pod["spec"]["containers"][0]["resources"] = {"limits": {"cpu": "2"}, "requests": {"cpu": "1"}}
    error = await refusal(plugin, write(pod, operation="UPDATE", subresource="resize", old=make_pod()))
    assert error.message.endswith("is forbidden: maximum cpu usage per Container is 1, but limit is 2")
    pod["spec"]["containers"][0]["resources"]["limits"]["cpu"] = "1"
    resized = await admit(plugin, write(pod, operation="UPDATE", subresource="resize", old=make_pod()))
    assert "memory" not in resized["spec"]["containers"][0]["resources"]["limits"]
