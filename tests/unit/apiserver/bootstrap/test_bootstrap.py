"""What must exist, and how it is brought about."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from apimachinery.objects import Object
from apimachinery.scheme import ENDPOINTS, LEASES
from apimachinery.well_known import RBAC_AUTOUPDATE
from apiserver.bootstrap import objects
from apiserver.bootstrap.apiserver_addresses import (
    Addresses,
    Counted,
    Leased,
    Unknown,
    known_addresses,
    with_own,
)
from apiserver.bootstrap.identity_lease import IdentityLease, has_run_out, identity_lease
from apiserver.bootstrap.kubernetes_service import KubernetesService, endpoint_slice, endpoints, service
from apiserver.bootstrap.policy import bind, cluster_role, rule, user
from apiserver.bootstrap.reconcile import Bootstrapper, binds_another_role, merged
from apiserver.bootstrap.service_cidr import service_cidr, with_ready
from apiserver.identity import identity_of
from apiserver.registry.stores import store_of
from tests.fakes.api import Api, serving

ROLE = cluster_role("reader", rule("get list", "pods")).obj
BINDING = bind("reader", user("jane")).obj


def test_nothing_is_changed_that_has_everything() -> None:
    more: Object = {**ROLE, "rules": [rule("*", "*", "*")]}
    assert (merged(ROLE, ROLE), merged(more, ROLE)) == (None, None)


def test_missing_rules_are_added_and_others_kept() -> None:
    own = rule("get", "secrets")
    changed = merged({**ROLE, "rules": [own]}, ROLE)
    assert changed is not None
    assert changed["rules"] == [own, rule("get list", "pods")]


def test_missing_subjects_are_added() -> None:
    changed = merged({**BINDING, "subjects": [user("bob")]}, BINDING)
    assert changed is not None
    assert [each["name"] for each in changed["subjects"]] == ["bob", "jane"]


def test_who_wants_to_be_left_alone_is() -> None:
    metadata = {**ROLE["metadata"], "annotations": {RBAC_AUTOUPDATE: "false"}}
    assert merged({**ROLE, "metadata": metadata, "rules": []}, ROLE) is None


def test_a_binding_to_another_role_has_to_be_made_anew() -> None:
    elsewhere = {**BINDING, "roleRef": {**BINDING["roleRef"], "name": "writer"}}
    metadata = {**BINDING["metadata"], "annotations": {RBAC_AUTOUPDATE: "false"}}
    assert binds_another_role(elsewhere, BINDING)
    assert not binds_another_role(BINDING, BINDING)
    assert not binds_another_role({**elsewhere, "metadata": metadata}, BINDING)
    assert not binds_another_role(ROLE, ROLE)


BINDINGS = "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings"


async def test_a_binding_that_somebody_has_turned_is_turned_back() -> None:
    wanted = bind("reader", user("jane"))
    async with serving() as api:
        bootstrapper = Bootstrapper(api.stores)
        await api.request("POST", BINDINGS, bind("reader", user("eve"), to="cluster-admin").obj)
        await api.cache.fresh()
        await bootstrapper.ensure(wanted)
        await api.cache.fresh()
        found = (await api.request("GET", f"{BINDINGS}/reader")).json
        assert (found["roleRef"]["name"], found["subjects"]) == ("reader", [user("jane")])
        await bootstrapper.ensure(wanted)
        again = (await api.request("GET", f"{BINDINGS}/reader")).json
        assert again["metadata"] == found["metadata"], "what is right is left alone"


def rules_of(name: str) -> list[Object]:
    return next(each.obj["rules"] for each in objects.rbac() if each.obj["metadata"]["name"] == name)


def test_admin_gathers_edit_and_view() -> None:
    admin = rules_of("admin")
    assert all(each in admin for each in (*rules_of("edit"), *rules_of("view")))
    assert rule(
        "get list watch", "pods/attach pods/exec pods/portforward pods/proxy secrets services/proxy"
    ) in (rules_of("edit"))


def test_rules_are_sorted_as_upstream_sorts_them() -> None:
    rules = [each for wanted in objects.rbac() for each in wanted.obj.get("rules", [])]
    assert [rule for rule in rules if rule != {name: sorted(words) for name, words in rule.items()}] == []


def test_every_role_that_is_bound_exists() -> None:
    wanted = objects.rbac()
    roles = {(each.obj["kind"], each.obj["metadata"]["name"]) for each in wanted if "rules" in each.obj}
    bound = {
        (each.obj["roleRef"]["kind"], each.obj["roleRef"]["name"]) for each in wanted if "roleRef" in each.obj
    }
    assert bound <= roles


def test_the_controller_manager_holds_every_controllers_role() -> None:
    manager = user("system:kube-controller-manager")
    bindings = [
        each.obj for each in objects.rbac() if each.obj["metadata"]["name"].startswith("system:controller:")
    ]
    assert all(manager in each["subjects"] for each in bindings if "subjects" in each)


def test_no_apiserver_means_no_subsets() -> None:
    assert endpoints([], 6443)["subsets"] == []


def test_the_kubernetes_service_leads_to_every_apiserver() -> None:
    addresses = ["10.0.0.1", "10.0.0.2"]
    subset = endpoints(addresses, 6443)["subsets"][0]
    assert [each["ip"] for each in subset["addresses"]] == addresses
    assert [each["addresses"] for each in endpoint_slice(addresses, 6443)["endpoints"]] == [
        [a] for a in addresses
    ]
    assert service("10.96.0.1", 6443)["spec"]["ports"][0]["targetPort"] == 6443


def test_the_kubernetes_service_may_have_a_node_port() -> None:
    spec = service("10.96.0.1", 6443, 30443)["spec"]
    assert (spec["type"], spec["ports"][0]["nodePort"]) == ("NodePort", 30443)
    assert "nodePort" not in service("10.96.0.1", 6443)["spec"]["ports"][0]


@pytest.mark.parametrize(
    ("known", "count", "expected"),
    [
        pytest.param([], 1, ["b"], id="the first"),
        pytest.param(["a", "b"], 2, ["a", "b"], id="as they should be"),
        pytest.param(["a"], 2, ["a", "b"], id="one more"),
        pytest.param(["a", "c"], 2, ["a", "b"], id="the one after us goes"),
        pytest.param(["0", "a"], 2, ["a", "b"], id="the first is after the last"),
        pytest.param(["a", "b", "c"], 1, ["b"], id="too many"),
    ],
)
def test_apiservers_are_counted(known: list[str], count: int, expected: list[str]) -> None:
    assert with_own(known, "b", count) == expected


def test_only_endpoints_as_apiservers_write_them_are_known() -> None:
    written = endpoints(["10.0.0.1", "10.0.0.2"], 6443)
    assert known_addresses(written) == ["10.0.0.1", "10.0.0.2"]
    assert known_addresses({"subsets": written["subsets"] * 2}) == known_addresses({}) == []


async def kept(*syncs: Callable[[Api], Addresses], leaving: bool = False) -> list[str] | None:
    """The endpoints of default/kubernetes after apiservers have kept them, one after the other.

    `leaving`: the first one ends then, and its passes come too late.
    """
    async with serving() as api:
        where = {"service_ip": "10.96.0.1", "port": 6443, "node_port": 0}
        services = [KubernetesService(Bootstrapper(api.stores), each(api), **where) for each in syncs]
        for each in services:
            await each.sync()
            await api.cache.fresh()
        if leaving:
            await services[0].leave()
            await services[0].sync()
            await api.cache.fresh()
        found = await api.request("GET", "/api/v1/namespaces/default/endpoints/kubernetes")
    return known_addresses(found.json) if found.status == 200 else None


def leased(own: str) -> Callable[[Api], Addresses]:
    return lambda api: Leased(api.storage, own)


def counted(own: str) -> Callable[[Api], Addresses]:
    return lambda api: Counted(store_of(api.stores, ENDPOINTS), own, 2)


def unknown(api: Api) -> Addresses:
    return Unknown()


async def test_who_keeps_the_endpoints_of_the_apiservers() -> None:
    first, second, third = "192.0.2.1", "192.0.2.2", "192.0.2.3"
    assert await kept(leased(second), leased(first)) == [first, second]
    assert await kept(counted(second), counted(first), counted(third)) == [second, third]
    assert await kept(counted(second), unknown) == [second]
    assert await kept(unknown) is None


@pytest.mark.parametrize("how", [leased, counted])
async def test_an_apiserver_that_ends_is_not_led_to_any_more(
    how: Callable[[str], Callable[[Api], Addresses]],
) -> None:
    first, second = "192.0.2.1", "192.0.2.2"
    assert await kept(how(first), how(second), leaving=True) == [second]
    assert await kept(how(first), leaving=True) == []
    assert await kept(how(first), unknown, leaving=True) == []


CIDR = service_cidr("10.96.0.0/12")


def test_the_range_of_the_flag_is_ready_at_once() -> None:
    ready = with_ready(CIDR, CIDR["spec"], "now")
    assert ready is not None
    assert [(each["type"], each["status"]) for each in ready["status"]["conditions"]] == [("Ready", "True")]


def test_a_range_that_somebody_has_judged_or_made_stays_as_it_is() -> None:
    judged = {**CIDR, "status": {"conditions": [{"type": "Ready", "status": "False"}]}}
    going = {**CIDR, "metadata": {"name": "kubernetes", "deletionTimestamp": "now"}}
    others = service_cidr("10.112.0.0/12")
    assert [with_ready(each, CIDR["spec"], "now") for each in (judged, going, others)] == [None] * 3


NOW = datetime(2026, 1, 1, tzinfo=UTC)
KUBE_SYSTEM = "/apis/coordination.k8s.io/v1/namespaces/kube-system/leases"


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ({"renewTime": "2025-12-31T23:00:00.000000Z", "leaseDurationSeconds": 3600}, False),
        ({"renewTime": "2025-12-31T22:59:59.999999Z", "leaseDurationSeconds": 3600}, True),
        ({"renewTime": "2025-12-31T23:59:59.000000Z"}, True),
        ({"leaseDurationSeconds": 3600}, True),
    ],
)
def test_a_lease_runs_out_when_it_is_not_renewed(spec: Object, expected: bool) -> None:
    assert has_run_out({"spec": spec}, NOW) is expected


async def test_an_apiserver_keeps_its_lease_and_removes_those_that_have_run_out() -> None:
    now = [NOW]
    async with serving() as api:
        leases = store_of(api.stores, LEASES)
        here, gone = (IdentityLease(Bootstrapper(api.stores), leases, host, lambda: now[0]) for host in "ab")
        await gone.renew()
        await api.request("POST", KUBE_SYSTEM, {**identity_lease("c", "c", NOW), "metadata": {"name": "c"}})
        now[0] += timedelta(hours=2)
        for _ in range(2):
            await here.renew()
            await api.cache.fresh()
            now[0] += timedelta(seconds=10)
        await here.collect()
        await api.cache.fresh()
        found = (await api.request("GET", KUBE_SYSTEM)).json["items"]
    own = next(each for each in found if each["metadata"]["name"] == identity_of("a"))
    assert sorted(each["metadata"]["name"] for each in found) == sorted([identity_of("a"), "c"])
    assert own["spec"]["renewTime"] == "2026-01-01T02:00:10.000000Z"
    assert own["spec"]["holderIdentity"].startswith(f"{identity_of('a')}_")
