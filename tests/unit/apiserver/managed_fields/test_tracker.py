"""Who owns what after updates and applies, told as short stories over real kinds."""

from __future__ import annotations

from functools import partial
from typing import Any

import orjson
import pytest

from apimachinery import scheme
from apimachinery.errors import StatusError
from apimachinery.objects import Object, deep_copy
from apimachinery.scheme import Resource
from apiserver.managed_fields.tracker import Tracker
from apiserver.registry.tracking import Tracking, built_in_versions
from tests.fakes.strategies import strategy_for

T1, T2, T3 = (f"2026-01-01T00:00:0{n}Z" for n in (1, 2, 3))
LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"


def tracker(resource: Resource = scheme.CONFIG_MAPS, subresource: str = "") -> Tracker:
    stored = scheme.HORIZONTAL_POD_AUTOSCALERS if resource.plural.startswith("horizontal") else resource
    versions = partial(built_in_versions, stored)
    return Tracking(resource.api_version, strategy_for(resource), versions).through(subresource)


def config_map(**data: str) -> Object:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x"}, "data": data}


def deployment(**spec: Any) -> Object:
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "d"}, "spec": spec}


def owned(obj: Object) -> dict[str, Any]:
    """manager/operation -> fields"""
    entries = obj["metadata"].get("managedFields") or ()
    return {f"{each['manager']}/{each['operation']}": each["fieldsV1"] for each in entries}


def data(*names: str, own: bool = False) -> Object:
    return {"f:data": ({".": {}} if own else {}) | {f"f:{name}": {} for name in names}}


def created(obj: Object, manager: str = "creator") -> Object:
    obj = deep_copy(obj)
    tracker().track(None, obj, manager, T1)
    return obj


def applied(
    live: Object | None, config: Object, manager: str, now: str = T2, *, force: bool = False
) -> Object:
    return tracker().apply(live, config, manager, now, force=force)


def test_a_creator_owns_everything_but_identity() -> None:
    obj = created(config_map(a="1"))
    assert owned(obj) == {"creator/Update": data("a", own=True)}
    assert obj["metadata"]["managedFields"][0]["time"] == T1


def test_a_change_takes_the_field_and_only_that() -> None:
    old = created(config_map(a="1", b="1"))
    new = old | {"data": {"a": "2", "b": "1"}}
    new = deep_copy(new)
    tracker().track(old, new, "changer", T2)
    assert owned(new) == {"creator/Update": data("b", own=True), "changer/Update": data("a")}


def test_who_changes_again_has_one_entry_with_the_new_time() -> None:
    old = created(config_map(a="1"), "me")
    new = deep_copy(old) | {"data": {"a": "2", "b": "1"}}
    tracker().track(old, new, "me", T2)
    assert owned(new) == {"me/Update": data("a", "b", own=True)}
    assert new["metadata"]["managedFields"][0]["time"] == T2


def test_a_write_that_changes_nothing_leaves_the_times() -> None:
    old = created(config_map(a="1"))
    new = deep_copy(old)
    tracker().track(old, new, "other", T2)
    assert new == old


def test_what_is_removed_is_nobodys() -> None:
    old = created(config_map(a="1", b="1"))
    new = deep_copy(old) | {"data": {"a": "1"}}
    tracker().track(old, new, "remover", T2)
    assert owned(new) == {"creator/Update": data("a", own=True)}


@pytest.mark.parametrize("said", [[], [{}]])
def test_managers_are_forgotten_on_demand_and_not_tracked_again(said: list[Any]) -> None:
    old = created(config_map(a="1"))
    new = deep_copy(old) | {"data": {"a": "2"}}
    new["metadata"]["managedFields"] = said
    tracker().track(old, new, "me", T2)
    assert owned(new) == {}


@pytest.mark.parametrize("said", [None, [{"manager": "x"}]])
def test_nonsense_about_managers_is_not_heard(said: Any) -> None:
    old = created(config_map(a="1"))
    new = deep_copy(old)
    new["metadata"]["managedFields"] = said
    tracker().track(old, new, "me", T2)
    assert owned(new) == owned(old)


def test_status_is_not_owned_through_the_main_door_nor_spec_through_the_other() -> None:
    obj = deployment(replicas=1) | {"status": {"replicas": 3}}
    main, status = deep_copy(obj), deep_copy(obj)
    tracker(scheme.DEPLOYMENTS).track(None, main, "me", T1)
    assert owned(main) == {"me/Update": {"f:spec": {"f:replicas": {}}}}
    tracker(scheme.DEPLOYMENTS, "status").track(None, status, "me", T1)
    assert owned(status) == {"me/Update": {"f:status": {"f:replicas": {}}}}
    assert status["metadata"]["managedFields"][0]["subresource"] == "status"


def test_a_resize_owns_resources_only() -> None:
    def pod(image: str, cpu: str) -> Object:
        resources = {"requests": {"cpu": cpu}}
        spec = {"containers": [{"name": "c", "image": image, "resources": resources}]}
        return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": spec}

    old, new = pod("a", "1"), pod("b", "2")
    tracker(scheme.PODS).track(None, old, "creator", T1)
    tracker(scheme.PODS, "resize").track(old, new, "resizer", T2)
    resources = {"f:resources": {"f:requests": {"f:cpu": {}}}}
    assert owned(new)["resizer/Update"] == {"f:spec": {"f:containers": {'k:{"name":"c"}': resources}}}


def test_an_applier_owns_what_it_applied() -> None:
    obj = applied(None, config_map(a="1"), "me")
    assert obj["data"] == {"a": "1"}
    assert owned(obj) == {"me/Apply": data("a")}


def test_what_is_not_applied_again_goes() -> None:
    obj = applied(applied(None, config_map(a="1", b="1"), "me"), config_map(a="1"), "me")
    assert (obj["data"], owned(obj)) == ({"a": "1"}, {"me/Apply": data("a")})


def test_what_another_applied_too_stays() -> None:
    obj = applied(None, config_map(a="1", b="1"), "me")
    obj = applied(obj, config_map(b="1"), "other")
    obj = applied(obj, config_map(a="1"), "me", T3)
    assert obj["data"] == {"a": "1", "b": "1"}
    assert owned(obj) == {"me/Apply": data("a"), "other/Apply": data("b")}


def test_what_others_own_is_a_conflict_unless_it_is_the_same() -> None:
    live = created(config_map(a="1", b="1"), "creator")
    assert applied(live, config_map(a="1"), "me")["data"] == {"a": "1", "b": "1"}
    with pytest.raises(StatusError) as refused:
        applied(live, config_map(a="2", b="2"), "me")
    status = refused.value.to_status()
    assert (status["code"], status["reason"]) == (409, "Conflict")
    assert status["message"] == (
        'Apply failed with 2 conflicts: conflicts with "creator" using v1:\n- .data.a\n- .data.b'
    )
    causes = [(each["reason"], each["message"], each["field"]) for each in status["details"]["causes"]]
    assert causes[0] == ("FieldManagerConflict", 'conflict with "creator" using v1', ".data.a")


def test_force_takes_what_others_own() -> None:
    obj = applied(created(config_map(a="1")), config_map(a="2"), "me", force=True)
    assert obj["data"] == {"a": "2"}
    assert owned(obj) == {"me/Apply": data("a"), "creator/Update": {"f:data": {}}}


def test_what_was_there_before_the_first_apply_has_an_owner_of_its_own() -> None:
    obj = applied(config_map(a="1", b="1"), config_map(a="1"), "me")
    assert owned(obj) == {"me/Apply": data("a"), "before-first-apply/Update": data("a", "b", own=True)}


def test_an_apply_that_changes_nothing_keeps_its_time_and_has_none_at_first() -> None:
    live = created(config_map(a="1"))
    first = applied(live, config_map(a="1"), "me")
    assert "time" not in first["metadata"]["managedFields"][0]
    again = applied(applied(None, config_map(a="1"), "me", T1), config_map(a="1"), "me", T2)
    assert again["metadata"]["managedFields"][0]["time"] == T1


def test_kubectl_may_change_what_it_applied_from_the_client() -> None:
    config = config_map(a="1")
    noted = orjson.dumps(config).decode()
    live = deep_copy(config)
    live["metadata"]["annotations"] = {LAST_APPLIED: noted}
    live = created(live, "kubectl-client-side-apply")
    obj = applied(live, config_map(a="2"), "kubectl")
    assert obj["data"] == {"a": "2"}
    assert orjson.loads(obj["metadata"]["annotations"][LAST_APPLIED])["data"] == {"a": "2"}
    with pytest.raises(StatusError):
        applied(live, config_map(a="2"), "another")


def test_owners_are_the_same_whatever_version_is_spoken() -> None:
    v2, v1 = scheme.HORIZONTAL_POD_AUTOSCALERS, scheme.HORIZONTAL_POD_AUTOSCALERS_V1
    target = {"kind": "Deployment", "name": "d"}
    spec = {"scaleTargetRef": target, "maxReplicas": 3}
    old = {"apiVersion": v2.api_version, "kind": v2.kind, "metadata": {"name": "h"}, "spec": spec}
    tracker(v1).track(None, old, "one", T1)
    new = deep_copy(old)
    new["spec"]["maxReplicas"] = 4
    tracker(v2).track(old, new, "two", T2)
    found = {
        each["manager"]: (each["apiVersion"], each["fieldsV1"]) for each in new["metadata"]["managedFields"]
    }
    assert found == {
        "one": ("autoscaling/v1", {"f:spec": {"f:scaleTargetRef": {}}}),
        "two": ("autoscaling/v2", {"f:spec": {"f:maxReplicas": {}}}),
    }


@pytest.mark.parametrize(
    ("change", "code", "message"),
    [
        ({"metadata": {"name": "x", "managedFields": []}}, 400, "metadata.managedFields must be nil"),
        (
            {"data": {"a": 1}},
            500,
            "failed to create typed patch object (/x; /v1, Kind=ConfigMap): "
            ".data.a: expected string, got &value.valueUnstructured{Value:1}",
        ),
    ],
)
def test_an_apply_is_refused(change: Object, code: int, message: str) -> None:
    with pytest.raises(StatusError) as refused:
        applied(None, config_map() | change, "me")
    assert (refused.value.code, refused.value.message) == (code, message)
