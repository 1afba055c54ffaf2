"""Assume, confirm, forget, expire; and what the cache counts."""

from __future__ import annotations

from random import Random

from apimachinery.labels import selector_from_map
from scheduler.cache import ASSUMED_FOR, Cache
from scheduler.node_info import parse_node
from scheduler.pod_counts import PodKind
from scheduler.pod_info import parse_pod
from tests.unit.scheduler.builders import make_cache, make_node, make_pod


def used(cache: Cache, name: str = "a") -> tuple[int, int]:
    node = cache.node(name)
    assert node is not None
    return len(node.pods), node.requested.get("cpu", 0)


def test_an_assumed_pod_counts_until_it_is_forgotten() -> None:
    cache = make_cache([make_node("a")])
    pod = parse_pod(make_pod("p", cpu="1"))
    cache.assume(pod, "a")
    assert (used(cache), cache.is_assumed(pod.uid)) == ((1, 1000), True)
    cache.forget(pod.uid)
    assert (used(cache), cache.is_assumed(pod.uid)) == ((0, 0), False)


def test_a_confirmed_pod_counts_once_and_is_no_longer_assumed() -> None:
    cache = make_cache([make_node("a")])
    pod = make_pod("p", cpu="1")
    cache.assume(parse_pod(pod), "a")
    cache.set_pod(parse_pod({**pod, "spec": {**pod["spec"], "nodeName": "a"}}))
    cache.forget(pod["metadata"]["uid"])  # too late: it is bound
    assert used(cache) == (1, 1000)


def test_a_pod_bound_elsewhere_than_assumed_moves() -> None:
    cache = make_cache([make_node("a"), make_node("b")])
    pod = make_pod("p", cpu="1")
    cache.assume(parse_pod(pod), "a")
    cache.set_pod(parse_pod({**pod, "spec": {**pod["spec"], "nodeName": "b"}}))
    assert (used(cache, "a"), used(cache, "b")) == ((0, 0), (1, 1000))


def test_an_assumed_pod_that_is_never_seen_expires_after_its_binding() -> None:
    cache = make_cache([make_node("a")])
    pod = parse_pod(make_pod("p"))
    cache.assume(pod, "a")
    assert cache.expire(1e9) == []
    cache.finish_binding(pod.uid, now=100)
    assert cache.expire(100 + ASSUMED_FOR - 1) == []
    assert [each.uid for each in cache.expire(100 + ASSUMED_FOR)] == [pod.uid]
    assert used(cache) == (0, 0)


def test_pods_may_be_known_before_their_node_and_after_it() -> None:
    cache = make_cache(pods=[make_pod("p", node="a", cpu="1")])
    assert cache.node("a") is None
    cache.set_node(parse_node(make_node("a")))
    assert used(cache) == (1, 1000)
    cache.remove_node("a")
    assert cache.nodes == []
    cache.set_node(parse_node(make_node("a")))
    assert used(cache) == (1, 1000)


def test_counts_that_are_kept_equal_counts_made_anew() -> None:
    rng, cache = Random(1), make_cache([make_node(f"n{number}") for number in range(5)])
    kind = PodKind(frozenset({"default"}), selector_from_map({"app": "x"}))
    for number in range(200):
        if cache.pods and rng.random() < 0.4:
            cache.remove_pod(rng.choice(list(cache.pods)))
        elif rng.random() < 0.05:
            cache.set_node(parse_node(make_node(f"more{number}")))
        else:
            labels = {"app": rng.choice("xy")}
            namespace = rng.choice(("default", "other"))
            pod = make_pod(f"p{number}", labels=labels, namespace=namespace)
            cache.assume(parse_pod(pod), rng.choice(cache.nodes).name)
        counts = [sum(map(kind.includes, node.pods.values())) for node in cache.nodes]
        assert list(cache.counts(kind)) == counts
