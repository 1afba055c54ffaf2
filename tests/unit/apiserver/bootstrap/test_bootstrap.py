"""What must exist, and how it is brought about."""

from __future__ import annotations

from apimachinery.objects import Object
from apiserver.bootstrap import objects
from apiserver.bootstrap.kubernetes_service import endpoint_slice, endpoints, service
from apiserver.bootstrap.policy import bind, cluster_role, rule, user
from apiserver.bootstrap.reconcile import AUTOUPDATE, Bootstrapper, binds_another_role, merged
from apiserver.bootstrap.service_cidr import service_cidr, with_ready
from tests.fakes.api import serving

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
    metadata = {**ROLE["metadata"], "annotations": {AUTOUPDATE: "false"}}
    assert merged({**ROLE, "metadata": metadata, "rules": []}, ROLE) is None


def test_a_binding_to_another_role_has_to_be_made_anew() -> None:
    elsewhere = {**BINDING, "roleRef": {**BINDING["roleRef"], "name": "writer"}}
    metadata = {**BINDING["metadata"], "annotations": {AUTOUPDATE: "false"}}
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
