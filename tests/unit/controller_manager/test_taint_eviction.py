"""Pods that tolerate a taint for a while only, in virtual time."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from apimachinery.objects import Object, get_path
from apimachinery.scheme import NODES, PODS
from controller_manager.taint_eviction import TaintEvictionController
from tests.unit.controller_manager.builders import make_node
from tests.unit.controller_manager.cluster import Cluster, running
from tests.unit.counting import Counting

pytestmark = pytest.mark.looptime

TAINTS = [{"key": "k", "value": "v", "effect": "NoExecute"}]
"""As people write them: nobody says since when."""


def tolerating(seconds: int) -> Object:
    toleration = {"key": "k", "value": "v", "effect": "NoExecute", "tolerationSeconds": seconds}
    spec = {"nodeName": "n", "containers": [{"name": "c", "image": "i"}], "tolerations": [toleration]}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "namespace": "ns"}, "spec": spec}


@asynccontextmanager
async def tainted_node(seconds: int) -> AsyncIterator[Cluster]:
    async with running(Cluster([TaintEvictionController], [NODES])) as it:
        await it.api.create(NODES, make_node("n", *TAINTS))
        await it.api.create(PODS, tolerating(seconds))
        yield it


def lives(it: Cluster) -> bool:
    return bool(it.api.find(PODS))


async def passes(it: Cluster, seconds: float) -> None:
    """While somebody writes to the pod and to the node, again and again."""
    end = it.api.now().timestamp() + seconds
    while it.api.now().timestamp() < end:
        touched = {"metadata": {"annotations": {"at": str(it.api.now())}}}
        await it.api.patch(NODES, "n", touched)
        await it.api.patch(PODS, "p", touched, "ns")
        await asyncio.sleep(1)


async def test_a_pod_goes_when_its_time_is_up_whatever_changes_meanwhile() -> None:
    counting, series = Counting(), "taint_eviction_controller_pod_deletion"
    async with tainted_node(10) as it:
        await passes(it, 9)
        assert lives(it)
        await it.until(lambda: not lives(it), 2)
        await it.until(lambda: it.events("TaintManagerEviction") == ["Marking for deletion Pod ns/p"])
    assert counting.more(f"{series}s_total") == counting.more(f"{series}_duration_seconds_count") == 1
    assert 0 <= counting.more(f"{series}_duration_seconds_sum") < 2


async def test_a_taint_that_goes_cancels_the_eviction_and_one_that_comes_back_begins_anew() -> None:
    async with tainted_node(10) as it:
        await passes(it, 5)
        await it.api.patch(NODES, "n", {"spec": {"taints": None}})
        await it.until(lambda: it.events("TaintManagerEviction") == ["Cancelling deletion of Pod ns/p"])
        await it.api.patch(NODES, "n", {"spec": {"taints": TAINTS}})
        await passes(it, 9)
        assert lives(it)
        await it.until(lambda: not lives(it), 3)


async def test_an_eviction_leaves_what_others_say_of_the_pod() -> None:
    """Even what the controller does not know yet."""
    async with tainted_node(10) as it:
        shown: list[list[str]] = []
        it.api.graceful = True
        it.api.on_change = lambda: shown.extend(
            [each["type"] for each in get_path(pod, "status.conditions", [])] for pod in it.api.find(PODS)
        )
        with it.api.lose_events(PODS):
            await it.until(lambda: any("DisruptionTarget" in each for each in shown), 12)
        assert ["Ready", "DisruptionTarget"] in shown
        assert ["DisruptionTarget"] not in shown
