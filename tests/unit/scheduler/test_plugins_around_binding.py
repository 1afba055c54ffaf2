"""Plugins of one's own from the choice of a node until the pod is bound."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.unit.counting import Counting
from tests.unit.scheduler.builders import make_node, make_pod
from tests.unit.scheduler.cluster import running
from tests.unit.scheduler.own_plugins import Careless, Quota, Refuser, Slow, Teller, warnings

pytestmark = pytest.mark.looptime


async def test_a_pod_waits_until_it_is_allowed() -> None:
    async with running(own=[Slow], own_args={"Slow": {"seconds": 60}}) as cluster:
        cluster.handlers.node(None, make_node("a"))
        cluster.put(pod := make_pod("p"))
        await asyncio.sleep(30)
        assert not cluster.bindings
        assert cluster.cache.is_assumed(pod["metadata"]["uid"])
        (waiting,) = cluster.waiting
        assert (waiting.pod.node_name, waiting.pending) == ("a", ["Slow"])
        waiting.allow("Slow")
        await asyncio.sleep(1)
        assert cluster.bindings == ["bind p a"]
        assert not list(cluster.waiting)


@pytest.mark.parametrize(
    ("args", "cpu", "point", "status"),
    [
        pytest.param({"seconds": 60}, "", "Permit", "Wait", id="one waits"),
        pytest.param({"refusal": "no"}, "", "Permit", "Unschedulable", id="one refuses"),
        pytest.param({"refusal": "no"}, "", "Unreserve", "Success", id="what was taken is given back"),
        pytest.param({}, "100", "PostFilter", "Unschedulable", id="nobody can be preempted"),
        pytest.param({}, "100", "Filter", "Success", id="that no node fits is no failure of filters"),
    ],
)
async def test_what_plugins_come_to_is_told_in_upstreams_codes(
    args: dict[str, Any], cpu: str, point: str, status: str
) -> None:
    counting = Counting()
    async with running(own=[Slow], own_args={"Slow": args}) as cluster:
        cluster.handlers.node(None, make_node("a", cpu="1"))
        cluster.put(make_pod("p", cpu=cpu))
        await asyncio.sleep(0.5)
    labels = {"extension_point": point, "status": status, "profile": "default-scheduler"}
    assert counting.more("scheduler_framework_extension_point_duration_seconds_count", **labels) == 1


async def test_a_pod_that_is_not_allowed_in_time_is_rejected_and_its_room_free() -> None:
    async with running(own=[Slow], own_args={"Slow": {"seconds": 90}}) as cluster:
        cluster.handlers.node(None, make_node("a"))
        cluster.put(make_pod("p"))
        await asyncio.sleep(90.5)
        reason = "rejected due to timeout after waiting 1m30s at plugin Slow"
        assert warnings(cluster) == [f"0/1 nodes are available: 1 {reason}."]
        assert not cluster.cache.pods
        cluster.handlers.node(None, make_node("b"))  # anything may help
        await asyncio.sleep(5)
        assert len(list(cluster.waiting)) == 1


@pytest.mark.parametrize("how", ["deleted", "preempted"])
async def test_a_pod_that_goes_while_it_waits_is_not_bound(how: str) -> None:
    async with running(own=[Slow], own_args={"Slow": {"seconds": 60}}) as cluster:
        cluster.handlers.node(None, make_node("a", cpu="1"))
        cluster.put(make_pod("p", cpu="1"))
        await asyncio.sleep(1)
        if how == "deleted":
            cluster.remove("p")
        else:
            cluster.put(make_pod("q", cpu="1", priority=5))
        await asyncio.sleep(2)
        assert [each.pod.key.name for each in cluster.waiting] == ([] if how == "deleted" else ["q"])
        assert "delete p" not in cluster.log
        await asyncio.sleep(70)
        assert not cluster.bindings


async def test_a_plugin_may_say_no_at_the_last_moment() -> None:
    async with running(own=[Slow], own_args={"Slow": {"refusal": "not today"}}) as cluster:
        cluster.handlers.node(None, make_node("a"))
        cluster.put(make_pod("p"))
        await asyncio.sleep(0.5)
        assert warnings(cluster) == ["0/1 nodes are available: 1 not today."]
        (condition,) = cluster.patches[0]["status"]["conditions"]
        assert condition["reason"] == "Unschedulable"
        assert not cluster.cache.pods


async def test_a_pod_that_is_refused_its_node_leaves_the_room_there_to_others() -> None:
    """That the room is free again is no reason to try those whom the plugin has refused before."""
    async with running(own=[Refuser]) as cluster:
        cluster.handlers.node(None, make_node("a", cpu="1"))
        cluster.put(make_pod("p", cpu="1", priority=5) | {"status": {"nominatedNodeName": "a"}})
        await asyncio.sleep(0.5)
        cluster.put(make_pod("q", cpu="1"))
        await asyncio.sleep(0.5)
        assert warnings(cluster) == ["0/1 nodes are available: 1 not today."] * 2


async def test_what_changes_of_a_pod_that_waits_counts_when_it_is_tried_again() -> None:
    async with running(own=[Slow], own_args={"Slow": {"seconds": 5}}) as cluster:
        cluster.handlers.node(None, make_node("a"))
        cluster.put(pod := make_pod("p"))
        await asyncio.sleep(1)
        cluster.put({**pod, "metadata": {**pod["metadata"], "labels": {"new": "yes"}}})
        await asyncio.sleep(5)
        cluster.handlers.node(None, make_node("b"))
        await asyncio.sleep(2)
        assert [each.pod.labels for each in cluster.waiting] == [{"new": "yes"}]


async def test_a_pod_that_ends_while_it_waits_is_not_tried_again() -> None:
    async with running(own=[Slow], own_args={"Slow": {"seconds": 60}}) as cluster:
        cluster.handlers.node(None, make_node("a"))
        cluster.put(pod := make_pod("p"))
        await asyncio.sleep(1)
        ending = {**pod["metadata"], "deletionTimestamp": "2026-01-01T00:00:00Z"}
        cluster.put({**pod, "metadata": ending})
        await asyncio.sleep(1)
        cluster.handlers.node(None, make_node("b"))
        await asyncio.sleep(5)
        assert not list(cluster.waiting)


async def test_what_was_set_aside_is_given_back_when_a_later_plugin_says_no() -> None:
    args = {"Quota": {"places": 1}, "Slow": {"refusal": "not today"}}
    async with running(own=[Quota, Slow], own_args=args) as cluster:
        cluster.handlers.node(None, make_node("a"))
        cluster.put(make_pod("p"))
        await asyncio.sleep(0.5)
        quota: Any = cluster.plugins["Quota"]
        assert (quota.taken, warnings(cluster)) == ([], ["0/1 nodes are available: 1 not today."])


async def test_a_plugin_that_cannot_give_back_keeps_nobody_else_from_it() -> None:
    args = {"Quota": {"places": 1}, "Careless": {"places": 1}, "Slow": {"seconds": 5}}
    async with running(own=[Quota, Careless, Slow], own_args=args) as cluster:
        cluster.handlers.node(None, make_node("a"))
        cluster.put(make_pod("p"))
        await asyncio.sleep(5.5)
        quota: Any = cluster.plugins["Quota"]
        assert (quota.taken, cluster.cache.pods, len(warnings(cluster))) == ([], {}, 1)


async def test_who_finds_nothing_to_set_aside_is_rejected() -> None:
    async with running(own=[Quota], own_args={"Quota": {"places": 1}}) as cluster:
        cluster.handlers.node(None, make_node("a"))
        cluster.put(make_pod("p"))
        cluster.put(make_pod("q"))
        await asyncio.sleep(0.5)
        assert cluster.bindings == ["bind p a"]
        assert warnings(cluster)[0] == "0/1 nodes are available: 1 no place left."


@pytest.mark.parametrize(
    ("labels", "told", "outcome"),
    [
        ({}, ["pre_bind p", "bind p", "post_bind p"], ["bind p a"]),
        ({"mine": ""}, ["pre_bind p", "bind p", "post_bind p"], []),
        ({"fail": "expected"}, ["pre_bind p"], ['running PreBind plugin "Teller": not ready']),
        ({"fail": "unexpected"}, ["pre_bind p"], ["broken"]),
    ],
    ids=["it leaves binding to others", "it binds", "it says that it failed", "it breaks"],
)
async def test_plugins_around_binding(labels: dict[str, str], told: list[str], outcome: list[str]) -> None:
    async with running(own=[Teller]) as cluster:
        cluster.handlers.node(None, make_node("a"))
        cluster.put(make_pod("p", labels=labels))
        await asyncio.sleep(0.5)
        teller: Any = cluster.plugins["Teller"]
        assert teller.told == told
        assert cluster.bindings + warnings(cluster) == outcome
        assert bool(cluster.cache.pods) == ("fail" not in labels)
