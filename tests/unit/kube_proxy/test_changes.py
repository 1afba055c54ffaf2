"""Only what differs is written, and it leads to the same rules."""

from __future__ import annotations

from random import Random

import pytest

from apimachinery.objects import Object
from kube_proxy.nftables.text import changes_text
from kube_proxy.ruleset import NO_CHANGES, Ruleset, compare
from tests.unit.kube_proxy.builders import make_endpoint, make_service, make_slice, make_state, ruleset_of

SERVICE = make_service("svc", "172.30.0.41")


def lines(old: Ruleset, new: Ruleset) -> list[str]:
    return changes_text(old, new, "ip").splitlines()


def test_nothing_differs_from_itself() -> None:
    ruleset = ruleset_of([SERVICE], [make_slice("svc", make_endpoint("10.180.0.1"))])
    assert compare(ruleset, ruleset) == NO_CHANGES
    assert changes_text(ruleset, ruleset, "ip") == ""


def test_a_new_endpoint_rewrites_one_chain_and_adds_one() -> None:
    one, two = make_endpoint("10.180.0.1"), make_endpoint("10.180.0.2")
    before = ruleset_of([SERVICE], [make_slice("svc", one)])
    after = ruleset_of([SERVICE], [make_slice("svc", one, two)])
    changes = compare(before, after)
    assert [name.split("-")[0] for name in changes.new_chains] == ["endpoint"]
    assert [name.split("-")[0] for name in changes.rewritten_chains] == ["service", "endpoint"]
    assert (changes.added, changes.removed) == ({}, {})


def test_a_changed_node_port_moves_one_element() -> None:
    slices = [make_slice("svc", make_endpoint("10.180.0.1"))]
    before, after = (
        ruleset_of([make_service("svc", "172.30.0.41", type="NodePort", node_port=port)], slices)
        for port in (30001, 30002)
    )
    removed, added = lines(before, after)
    assert removed == "delete element ip kube-proxy service-nodeports { tcp . 30001 }"
    assert added.startswith("add element ip kube-proxy service-nodeports { tcp . 30002 : goto external-")


def test_another_affinity_timeout_makes_the_set_anew_after_its_users_are_emptied() -> None:
    slices = [make_slice("svc", make_endpoint("10.180.0.1"))]
    before, after = (
        ruleset_of(
            [
                make_service(
                    "svc", "172.30.0.41", sessionAffinity="ClientIP",
                    sessionAffinityConfig={"clientIP": {"timeoutSeconds": seconds}},
                )
            ],
            slices,
        )
        for seconds in (10, 20)
    )  # fmt: skip
    words = [" ".join(line.split()[:2]) for line in lines(before, after)]
    assert words == [
        "flush chain", "flush chain", "delete set", "add set",
        "add rule", "add rule", "add rule", "add rule", "add rule", "add rule",
    ]  # fmt: skip


def random_objects(rng: Random) -> tuple[list[Object], list[Object]]:
    services, slices = [], []
    for number in range(4):
        if rng.random() < 0.2:
            continue
        local = {"externalTrafficPolicy": "Local"} if rng.random() < 0.3 else {}
        affinity = {"sessionAffinity": "ClientIP"} if rng.random() < 0.3 else {}
        services.append(
            make_service(
                f"s{number}", f"172.30.0.{number + 1}", node_port=rng.choice((0, 30000 + number)),
                protocol=rng.choice(("TCP", "UDP")), **local, **affinity,
            )
        )  # fmt: skip
        protocol = services[-1]["spec"]["ports"][0]["protocol"]
        addresses = [f"10.180.{rng.randrange(2)}.{n}" for n in range(1, 4) if rng.random() < 0.6]
        endpoints = [make_endpoint(ip, ready=rng.random() < 0.8) for ip in addresses]
        slices.append(make_slice(f"s{number}", *endpoints, protocol=protocol))
    return services, slices


@pytest.mark.parametrize("seed", range(20))
def test_state_that_is_told_of_changes_plans_as_one_that_is_told_all(seed: int) -> None:
    rng = Random(seed)
    services, slices = random_objects(rng)
    state = make_state(services, slices)
    for _ in range(5):
        state.plan()
        next_services, next_slices = random_objects(rng)
        for tell, before, after in (
            (state.service, services, next_services),
            (state.endpoint_slice, slices, next_slices),
        ):
            old = {each["metadata"]["name"]: each for each in before}
            new = {each["metadata"]["name"]: each for each in after}
            for name in sorted({*old, *new}):
                if old.get(name) != new.get(name):
                    tell(old.get(name), new.get(name))
        services, slices = next_services, next_slices
        assert state.plan() == ruleset_of(services, slices)
