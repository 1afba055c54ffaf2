"""The verbs over the store in memory, as a client sees them."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from tests.fakes.api import Api
from tests.unit.apiserver.handlers.requests import MAPS, MERGE, PODS, config_map

EMPTY = "/api/v1/namespaces/default/secrets"
MODIFIED = "the object has been modified; please apply your changes to the latest version and try again"


def pod(name: str = "p", **spec: Any) -> dict[str, Any]:
    return {"metadata": {"name": name}, "spec": {"containers": [{"name": "c", "image": "i"}], **spec}}


# Create


async def test_what_is_created_is_read_back(api: Api) -> None:
    created = await api.request("POST", MAPS, config_map())
    assert created.status == 201
    assert created.json["kind"] == "ConfigMap"
    read = await api.request("GET", f"{MAPS}/a")
    assert (read.status, read.json) == (200, created.json)
    metadata = read.json["metadata"]
    assert metadata["namespace"] == "default"
    assert metadata["creationTimestamp"] == "2026-01-02T03:04:05Z"
    assert metadata["resourceVersion"] == "2"


async def test_a_field_behind_a_closed_gate_is_dropped_on_every_write(api: Api) -> None:
    created = await api.request("POST", PODS, pod(hostnameOverride="h"))
    assert (created.status, "hostnameOverride" in created.json["spec"]) == (201, False)
    patch = {"spec": {"hostnameOverride": "h", "activeDeadlineSeconds": 9}}
    patched = await api.request("PATCH", f"{PODS}/p", patch, MERGE)
    assert patched.status == 200
    assert patched.json["spec"] == created.json["spec"] | {"activeDeadlineSeconds": 9}


async def test_an_endpoint_slice_tells_of_lists_that_it_does_not_have(api: Api) -> None:
    slices = "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices"
    created = await api.request("POST", slices, {"metadata": {"name": "a"}, "addressType": "IPv4"})
    assert (created.status, created.json["endpoints"], created.json["ports"]) == (201, None, None)
    empty = await api.request("PUT", f"{slices}/a", created.json | {"endpoints": [], "ports": []})
    assert (empty.status, empty.json["endpoints"], empty.json["ports"]) == (200, [], [])


async def test_answers_end_with_a_newline_as_those_of_go_do(api: Api) -> None:
    await api.request("POST", MAPS, config_map())
    answers = [await api.request("GET", path) for path in (MAPS, f"{MAPS}/a", f"{MAPS}/b", EMPTY)]
    assert [each.body[-2:] for each in answers] == [b"}\n"] * 4
    assert [each.headers["content-length"] for each in answers] == [str(len(each.body)) for each in answers]


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("..", "Name parameter invalid: \"..\": may not be '..'"),
        ("a%b", "Name parameter invalid: \"a%b\": may not contain '%'"),
        ("a?export=1", "the export parameter, deprecated since v1.14, is no longer supported"),
    ],
)
async def test_what_cannot_be_asked_for_is_told(api: Api, path: str, message: str) -> None:
    answer = await api.request("GET", f"{MAPS}/{path}")
    assert (answer.status, answer.json["message"]) == (400, message)


async def test_a_name_is_generated_and_another_when_it_is_taken(api: Api) -> None:
    names = set()
    for _ in range(30):
        created = await api.request("POST", MAPS, {"metadata": {"generateName": "g-"}})
        names.add(created.json["metadata"]["name"])
    assert len(names) == 30
    assert all(len(name) == 7 and set(name[2:]) <= set("bcdfghjklmnpqrstvwxz2456789") for name in names)


async def test_what_exists_is_not_created_again(api: Api) -> None:
    await api.request("POST", MAPS, config_map())
    again = await api.request("POST", MAPS, config_map())
    assert (again.status, again.json["message"]) == (409, 'configmaps "a" already exists')


async def test_a_new_object_has_no_resource_version(api: Api) -> None:
    """It is the store that minds, after everything else, and only one that it can read."""
    answer = await api.request("POST", MAPS, config_map(resourceVersion="5"))
    expected = "resourceVersion should not be set on objects to be created"
    assert (answer.status, answer.json["message"]) == (500, expected)
    invalid = config_map(resourceVersion="5") | {"data": {"/": ""}}
    assert (await api.request("POST", MAPS, invalid)).status == 422
    assert (await api.request("POST", f"{MAPS}?dryRun=All", config_map(resourceVersion="5"))).status == 201
    for number, version in enumerate(("0", "abc", "1" * 30)):
        body = config_map(resourceVersion=version, name=f"a{number}")
        made = await api.request("POST", MAPS, body)
        assert (made.status, made.json["metadata"]["resourceVersion"] == version) == (201, False)


@pytest.mark.parametrize(
    ("version", "why"),
    [("abc", "invalid syntax"), ("1" * 30, "value out of range"), ("-1", "invalid syntax")],
)
async def test_a_version_that_is_none_cannot_be_compared(api: Api, version: str, why: str) -> None:
    await api.request("POST", MAPS, config_map())
    answer = await api.request("PUT", f"{MAPS}/a", config_map(resourceVersion=version))
    expected = f'strconv.ParseUint: parsing "{version}": {why}'
    assert (answer.status, answer.json["message"]) == (500, expected)


async def test_a_service_of_an_api_that_says_nothing_is_refused(api: Api) -> None:
    answer = await api.request("POST", "/apis/apiregistration.k8s.io/v1/apiservices", {})
    assert (answer.status, answer.json["reason"]) == (422, "Invalid")


async def test_a_dry_run_creates_nothing_but_finds_what_is_wrong(api: Api) -> None:
    tried = await api.request("POST", f"{MAPS}?dryRun=All", config_map())
    assert (tried.status, tried.json["metadata"].get("resourceVersion")) == (201, None)
    assert (await api.request("GET", f"{MAPS}/a")).status == 404
    await api.request("POST", MAPS, config_map())
    assert (await api.request("POST", f"{MAPS}?dryRun=All", config_map())).status == 409


# Update and patch


async def test_an_update_of_an_old_version_is_a_conflict(api: Api) -> None:
    old = (await api.request("POST", MAPS, config_map())).json
    assert (await api.request("PUT", f"{MAPS}/a", old | {"data": {"k": "2"}})).status == 200
    answer = await api.request("PUT", f"{MAPS}/a", old | {"data": {"k": "3"}})
    expected = f'Operation cannot be fulfilled on configmaps "a": {MODIFIED}'
    assert (answer.status, answer.json["message"]) == (409, expected)


async def test_an_update_without_a_version_overwrites(api: Api) -> None:
    await api.request("POST", MAPS, config_map())
    answer = await api.request("PUT", f"{MAPS}/a", config_map(labels={"x": "y"}))
    assert (answer.status, answer.json["metadata"]["labels"]) == (200, {"x": "y"})


async def test_an_update_that_changes_nothing_writes_nothing(api: Api) -> None:
    created = (await api.request("POST", MAPS, config_map())).json
    assert (await api.request("PUT", f"{MAPS}/a", created)).json == created


async def test_another_object_of_the_same_name_is_not_updated(api: Api) -> None:
    await api.request("POST", MAPS, config_map())
    answer = await api.request("PUT", f"{MAPS}/a", config_map(uid="another"))
    assert answer.status == 409
    assert "Precondition failed: UID in precondition: another" in answer.json["message"]


async def test_some_kinds_are_created_by_an_update(api: Api) -> None:
    path = "/apis/coordination.k8s.io/v1/namespaces/default/leases/l"
    lease = {"metadata": {"name": "l"}, "spec": {"holderIdentity": "me"}}
    first = await api.request("PUT", path, lease)
    second = await api.request("PUT", path, first.json)
    assert (first.status, second.status) == (201, 200)
    assert (await api.request("PUT", f"{MAPS}/a", config_map())).status == 404


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/api/v1/namespaces/default/limitranges/a", {"spec": {"limits": []}}),
        ("/api/v1/namespaces/default/services/a", {"spec": {"ports": [{"port": 80}]}}),
        ("/apis/node.k8s.io/v1/runtimeclasses/a", {"handler": "h"}),
    ],
)
async def test_some_kinds_are_made_by_a_put(api: Api, path: str, body: dict[str, Any]) -> None:
    body["metadata"] = {"name": "a"}
    first = await api.request("PUT", path, body)
    assert (first.status, (await api.request("PUT", path, first.json)).status) == (201, 200)


async def test_status_and_the_rest_have_separate_doors(api: Api) -> None:
    created = (await api.request("POST", PODS, pod())).json
    wanted = created | {
        "status": {"phase": "Running"},
        "metadata": created["metadata"] | {"labels": {"a": "b"}},
    }
    plain = (await api.request("PUT", f"{PODS}/p", wanted)).json
    assert (plain["status"]["phase"], plain["metadata"]["labels"]) == ("Pending", {"a": "b"})
    through = await api.request(
        "PATCH", f"{PODS}/p/status", {"spec": {"nodeName": "n"}, "status": {"phase": "Running"}}, MERGE
    )
    assert through.json["status"]["phase"] == "Running"
    assert "nodeName" not in through.json["spec"]


async def test_generation_counts_changes_of_the_spec_only(api: Api) -> None:
    path = "/apis/apps/v1/namespaces/default/deployments"
    template = {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [{"name": "c", "image": "i"}]}}
    spec = {"replicas": 1, "selector": {"matchLabels": {"a": "b"}}, "template": template}
    created = await api.request("POST", path, {"metadata": {"name": "d"}, "spec": spec})
    assert created.json["metadata"]["generation"] == 1
    labelled = await api.request("PATCH", f"{path}/d", {"metadata": {"labels": {"x": "y"}}}, MERGE)
    assert labelled.json["metadata"]["generation"] == 1
    scaled = await api.request("PATCH", f"{path}/d/scale", {"spec": {"replicas": 3}}, MERGE)
    assert (scaled.json["kind"], scaled.json["spec"]) == ("Scale", {"replicas": 3})
    assert (await api.request("GET", f"{path}/d")).json["metadata"]["generation"] == 2


# Delete


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (
            {"kind": "ConfigMap", "apiVersion": "v1"},
            'no kind "ConfigMap" is registered for version "v1" in scheme',
        ),
        (
            {"gracePeriodSeconds": "x"},
            "json: cannot unmarshal string into Go struct field DeleteOptions.gracePeriodSeconds",
        ),
        ([], "couldn't get version/kind; json parse error: json: cannot unmarshal array into Go value"),
    ],
)
@pytest.mark.parametrize("path", [f"{MAPS}/a", MAPS])
async def test_what_is_no_delete_options_deletes_nothing(
    api: Api, path: str, body: Any, message: str
) -> None:
    await api.request("POST", MAPS, config_map())
    answer = await api.request("DELETE", path, body)
    assert answer.status == 400
    assert answer.json["message"].startswith(message)
    assert (await api.request("GET", f"{MAPS}/a")).status == 200


async def test_what_is_deleted_is_gone(api: Api) -> None:
    created = (await api.request("POST", MAPS, config_map())).json
    answer = await api.request("DELETE", f"{MAPS}/a")
    assert (answer.status, answer.json["status"]) == (200, "Success")
    assert answer.json["details"] == {"name": "a", "kind": "configmaps", "uid": created["metadata"]["uid"]}
    assert (await api.request("GET", f"{MAPS}/a")).status == 404


async def test_a_finalizer_holds_an_object_until_it_is_removed(api: Api) -> None:
    await api.request("POST", MAPS, config_map(finalizers=["example.com/x"]))
    marked = (await api.request("DELETE", f"{MAPS}/a")).json["metadata"]
    assert marked["deletionTimestamp"] == "2026-01-02T03:04:05Z"
    assert (await api.request("GET", f"{MAPS}/a")).status == 200
    released = await api.request("PATCH", f"{MAPS}/a", {"metadata": {"finalizers": None}}, MERGE)
    assert "finalizers" not in released.json["metadata"]
    assert released.json["metadata"]["resourceVersion"] == marked["resourceVersion"]
    assert (await api.request("GET", f"{MAPS}/a")).status == 404


async def test_a_bound_pod_gets_its_grace_period(api: Api) -> None:
    await api.request("POST", PODS, pod(nodeName="n", terminationGracePeriodSeconds=7))
    marked = (await api.request("DELETE", f"{PODS}/p")).json["metadata"]
    assert (marked["deletionTimestamp"], marked["deletionGracePeriodSeconds"]) == ("2026-01-02T03:04:12Z", 7)
    gone = await api.request("DELETE", f"{PODS}/p", {"gracePeriodSeconds": 0})
    assert (gone.status, gone.json["kind"]) == (200, "Pod")
    assert (await api.request("GET", f"{PODS}/p")).status == 404


async def test_a_pod_that_runs_nowhere_goes_at_once(api: Api) -> None:
    await api.request("POST", PODS, pod())
    assert (await api.request("DELETE", f"{PODS}/p")).status == 200
    assert (await api.request("GET", f"{PODS}/p")).status == 404


async def test_a_collection_is_deleted_by_selector(api: Api) -> None:
    for name, label in (("a", "x"), ("b", "y"), ("c", "x")):
        await api.request("POST", MAPS, config_map(name, labels={"l": label}))
    deleted = await api.request("DELETE", f"{MAPS}?labelSelector=l%3Dx")
    assert [item["metadata"]["name"] for item in deleted.json["items"]] == ["a", "c"]
    left = await api.request("GET", MAPS)
    assert [item["metadata"]["name"] for item in left.json["items"]] == ["b"]


@pytest.mark.parametrize(
    ("query", "expected"),
    [("", ["orphan"]), ("?propagationPolicy=Background", []), ("?orphanDependents=false", [])],
)
async def test_replication_controllers_leave_their_pods_unless_told_otherwise(
    api: Api, query: str, expected: list[str]
) -> None:
    path = "/api/v1/namespaces/default/replicationcontrollers"
    template = {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [{"name": "c", "image": "i"}]}}
    made = await api.request("POST", path, {"metadata": {"name": "r"}, "spec": {"template": template}})
    assert made.status == 201
    await api.request("DELETE", f"{path}/r{query}")
    left = (await api.request("GET", path)).json["items"]
    assert [name for each in left for name in each["metadata"]["finalizers"]] == expected


# Subresources of pods


async def test_a_binding_names_its_pod(api: Api) -> None:
    binding = {"metadata": {}, "target": {"kind": "Node", "name": "n"}}
    answer = await api.request("POST", "/api/v1/namespaces/default/bindings", binding)
    assert (answer.status, answer.json["message"]) == (400, "Name parameter required.")


async def test_a_pod_is_bound_once(api: Api) -> None:
    await api.request("POST", PODS, pod())
    binding = {"metadata": {"name": "p"}, "target": {"kind": "Node", "name": "n"}}
    assert (await api.request("POST", f"{PODS}/p/binding", binding)).status == 201
    bound = (await api.request("GET", f"{PODS}/p")).json
    assert bound["spec"]["nodeName"] == "n"
    assert bound["status"]["conditions"][0]["type"] == "PodScheduled"
    again = await api.request("POST", f"{PODS}/p/binding", binding)
    assert (again.status, again.json["message"]) == (
        409,
        'Operation cannot be fulfilled on pods/binding "p": pod p is already assigned to node "n"',
    )


@pytest.mark.parametrize("body", [None, {}, {"metadata": {"name": "another"}}])
async def test_what_is_scaled_or_evicted_is_named_in_the_body(api: Api, body: object) -> None:
    await api.request("POST", PODS, pod())
    template = {"metadata": {"labels": {"a": "b"}}, "spec": pod()["spec"]}
    spec = {"replicas": 3, "selector": {"matchLabels": {"a": "b"}}, "template": template}
    sets = "/apis/apps/v1/namespaces/default/replicasets"
    await api.request("POST", sets, {"metadata": {"name": "s"}, "spec": spec})
    raw = orjson.dumps(body)
    assert (await api.request("PUT", f"{sets}/s/scale", raw)).status == 400
    assert (await api.request("GET", f"{sets}/s")).json["spec"]["replicas"] == 3
    assert (await api.request("POST", f"{PODS}/p/eviction", raw)).status == 400
    assert (await api.request("GET", f"{PODS}/p")).status == 200


async def test_an_eviction_deletes_unless_a_budget_forbids_it(api: Api) -> None:
    budget = {"metadata": {"name": "b"}, "spec": {"minAvailable": 1, "selector": {"matchLabels": {"a": "b"}}}}
    await api.request("POST", "/apis/policy/v1/namespaces/default/poddisruptionbudgets", budget)
    status = {"observedGeneration": 1, "disruptionsAllowed": 0, "desiredHealthy": 1, "currentHealthy": 1}
    path = "/apis/policy/v1/namespaces/default/poddisruptionbudgets/b/status"
    await api.request("PATCH", path, {"status": status}, MERGE)
    guarded = pod(nodeName="n") | {"metadata": {"name": "p", "labels": {"a": "b"}}}
    await api.request("POST", PODS, guarded)
    ready = {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}
    await api.request("PATCH", f"{PODS}/p/status", {"status": ready}, MERGE)
    eviction = {"metadata": {"name": "p"}}
    refused = await api.request("POST", f"{PODS}/p/eviction", eviction)
    assert (refused.status, refused.json["details"]["causes"]) == (
        429,
        [
            {
                "reason": "DisruptionBudget",
                "message": "The disruption budget b needs 1 healthy pods and has 1 currently",
            }
        ],
    )
    await api.request("PATCH", path, {"status": {"disruptionsAllowed": 1}}, MERGE)
    assert (await api.request("POST", f"{PODS}/p/eviction", eviction)).status == 201
    evicted = (await api.request("GET", f"{PODS}/p")).json
    assert "deletionTimestamp" in evicted["metadata"]
    target = next(each for each in evicted["status"]["conditions"] if each["type"] == "DisruptionTarget")
    assert (target["status"], target["reason"]) == ("True", "EvictionByEvictionAPI")


async def test_a_deletes_body_is_all_that_counts(api: Api) -> None:
    await api.request("POST", MAPS, config_map())
    await api.request("DELETE", f"{MAPS}/a?dryRun=All")
    assert (await api.request("GET", f"{MAPS}/a")).status == 200
    await api.request("DELETE", f"{MAPS}/a?dryRun=All", {"kind": "DeleteOptions", "apiVersion": "v1"})
    assert (await api.request("GET", f"{MAPS}/a")).status == 404


@pytest.mark.parametrize("sort", ["json-patch", "merge-patch"])
async def test_what_is_wrong_with_a_patch_matters_only_where_there_is_something_to_patch(
    api: Api, sort: str
) -> None:
    headers = {"content-type": f"application/{sort}+json"}
    await api.request("POST", MAPS, config_map())
    answers = [await api.request("PATCH", f"{MAPS}/{name}", b"nonsense", headers) for name in ("a", "b")]
    assert [answer.status for answer in answers] == [400, 404]
