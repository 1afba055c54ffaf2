"""The verbs over the store in memory, as a client sees them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.fakes.api import Api, serving

MAPS = "/api/v1/namespaces/default/configmaps"
PODS = "/api/v1/namespaces/default/pods"
EMPTY = "/api/v1/namespaces/default/secrets"
MERGE = {"content-type": "application/merge-patch+json"}
MODIFIED = "the object has been modified; please apply your changes to the latest version and try again"


def config_map(name: str = "a", **metadata: Any) -> dict[str, Any]:
    return {"metadata": {"name": name, **metadata}, "data": {"k": "v"}}


def pod(name: str = "p", **spec: Any) -> dict[str, Any]:
    return {"metadata": {"name": name}, "spec": {"containers": [{"name": "c", "image": "i"}], **spec}}


@pytest.fixture
async def api() -> AsyncIterator[Api]:
    async with serving() as api:
        yield api


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


async def test_answers_end_with_a_newline_as_those_of_go_do(api: Api) -> None:
    await api.request("POST", MAPS, config_map())
    answers = [await api.request("GET", path) for path in (MAPS, f"{MAPS}/a", f"{MAPS}/b", EMPTY)]
    assert [each.body[-2:] for each in answers] == [b"}\n"] * 4
    assert [each.headers["content-length"] for each in answers] == [str(len(each.body)) for each in answers]


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


@pytest.mark.parametrize(
    ("body", "headers", "status", "message"),
    [
        pytest.param(
            b"{",
            {},
            400,
            "the object provided is unrecognized (must be of type ConfigMap): couldn't get version/kind; "
            "json parse error: unexpected end of JSON input ({)",
            id="cut off",
        ),
        pytest.param(
            b"",
            {},
            400,
            "the object provided is unrecognized (must be of type ConfigMap): couldn't get version/kind; "
            "json parse error: unexpected end of JSON input (<empty>)",
            id="empty",
        ),
        pytest.param(
            {"kind": "Gizmo", "apiVersion": "v1", "metadata": {"name": "a"}},
            {},
            400,
            'Gizmo in version "v1" cannot be handled as a ConfigMap: no kind "Gizmo" is registered for '
            'version "v1" in scheme "pkg/api/legacyscheme/scheme.go:30"',
            id="unknown kind",
        ),
        pytest.param(
            {"kind": "Secret", "apiVersion": "v1", "metadata": {"name": "a"}},
            {},
            400,
            'Secret in version "v1" cannot be handled as a ConfigMap: converting (v1.Secret) to '
            "(core.ConfigMap): unknown conversion",
            id="another kind",
        ),
        pytest.param(
            {"metadata": {"name": "a", "namespace": "elsewhere"}},
            {},
            400,
            "the namespace of the provided object does not match the namespace sent on the request",
            id="another namespace",
        ),
        pytest.param(
            b"x",
            {"content-type": "text/plain"},
            415,
            "the body of the request was in an unknown format - accepted media types include: "
            "application/json, application/yaml, application/vnd.kubernetes.protobuf",
            id="another format",
        ),
        pytest.param(
            b'"' + b"x" * (3 << 20) + b'"',
            {},
            413,
            "Request entity too large: limit is 3145728",
            id="too long",
        ),
        pytest.param(
            {"metadata": {"name": "a"}, "data": {"k": "x" * (1536 << 10)}},
            {},
            422,
            'ConfigMap "a" is invalid: []: Too long: may not be more than 1048576 bytes',
            id="more than a ConfigMap holds",
        ),
    ],
)
async def test_bodies_that_are_refused(
    api: Api, body: Any, headers: dict[str, str], status: int, message: str
) -> None:
    answer = await api.request("POST", MAPS, body, headers)
    assert (answer.status, answer.json["message"]) == (status, message)


async def test_thousands_of_levels_are_a_bad_request(api: Api) -> None:
    assert (await api.request("POST", MAPS, b'{"a":' * 3000 + b"1" + b"}" * 3000)).status == 400


async def test_what_is_no_utf_8_is_replaced_as_go_does(api: Api) -> None:
    answer = await api.request("POST", MAPS, b'{"metadata":{"name":"a"},"data":{"k":"\xff"}}')
    assert (answer.status, answer.json["data"]) == (201, {"k": "\ufffd"})


@pytest.mark.parametrize(
    "operations",
    [
        pytest.param([1, 2], id="no operations"),
        pytest.param([{"op": 5, "path": 7}], id="no operation"),
        pytest.param(
            [{"op": "add", "path": "/data", "value": {"a": "x"}}]
            + [{"op": "copy", "from": "/data", "path": f"/data/k{index}"} for index in range(60)],
            id="copies of copies",
        ),
        pytest.param(
            [{"op": "add", "path": "/data", "value": {"a": "x"}}]
            + [
                {"op": "move", "from": "/data", "path": "/deeper"},
                {"op": "add", "path": "/data", "value": {}},
                {"op": "move", "from": "/deeper", "path": "/data/a"},
            ]
            * 400,
            id="ever deeper",
        ),
    ],
)
async def test_json_patches_that_are_refused(api: Api, operations: Any) -> None:
    await api.request("POST", MAPS, config_map())
    headers = {"content-type": "application/json-patch+json"}
    answer = await api.request("PATCH", f"{MAPS}/a", operations, headers)
    assert answer.status in (400, 422)


async def test_a_flood_of_unknown_fields_is_answered_with_few_words(api: Api) -> None:
    body = {"metadata": {"name": "a"}} | {f"unknown{index}": 1 for index in range(20_000)}
    answer = await api.request("POST", MAPS, body)
    assert answer.status == 201
    strict = await api.request("POST", f"{MAPS}?fieldValidation=Strict", body)
    assert (strict.status, len(strict.body) < 5000) == (400, True)


YAML = {"content-type": "application/yaml"}


async def test_yaml_is_understood(api: Api) -> None:
    text = b"metadata:\n  name: a\ndata:\n  k: v\n"
    answer = await api.request("POST", MAPS, text, YAML)
    assert (answer.status, answer.json["data"]) == (201, {"k": "v"})


async def test_of_repeated_keys_in_yaml_the_line_is_told(api: Api) -> None:
    text = b"metadata:\n  name: a\ndada: {}\ndata:\n  k: v\n  k: w\n"
    refused = await api.request("POST", f"{MAPS}?fieldValidation=Strict", text, YAML)
    assert refused.json["message"].endswith(
        "strict decoding error: yaml: unmarshal errors:\n"
        '  line 6: key "k" already set in map, unknown field "dada"'
    )
    warned = await api.request("POST", MAPS, text.replace(b"dada: {}", b""), YAML)
    assert 'line 6: key \\"k\\" already set in map' in warned.headers["warning"]


UNKNOWN = b'{"metadata":{"name":"a"},"dada":{},"data":{"k":"1","k":"2"}}'


async def test_unknown_and_repeated_fields_are_warned_about(api: Api) -> None:
    answer = await api.request("POST", MAPS, UNKNOWN)
    assert answer.status == 201
    assert "dada" not in answer.json
    assert answer.headers["warning"] == '299 - "duplicate field \\"data.k\\""'  # the last of two headers


async def test_unknown_and_repeated_fields_can_be_refused(api: Api) -> None:
    answer = await api.request("POST", f"{MAPS}?fieldValidation=Strict", UNKNOWN)
    assert (answer.status, answer.json["message"]) == (
        400,
        'ConfigMap in version "v1" cannot be handled as a ConfigMap: strict decoding error: '
        'unknown field "dada", duplicate field "data.k"',
    )


async def test_unknown_and_repeated_fields_can_be_ignored(api: Api) -> None:
    answer = await api.request("POST", f"{MAPS}?fieldValidation=Ignore", UNKNOWN)
    assert answer.status == 201
    assert "warning" not in answer.headers


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
    ("kind", "patch", "data"),
    [
        pytest.param("merge-patch", {"data": {"k": None, "l": "w"}}, {"l": "w"}, id="merge"),
        pytest.param("strategic-merge-patch", {"data": {"l": "w"}}, {"k": "v", "l": "w"}, id="strategic"),
        pytest.param(
            "json-patch", [{"op": "replace", "path": "/data/k", "value": "w"}], {"k": "w"}, id="json"
        ),
    ],
)
async def test_patches(api: Api, kind: str, patch: Any, data: dict[str, str]) -> None:
    await api.request("POST", MAPS, config_map())
    answer = await api.request("PATCH", f"{MAPS}/a", patch, {"content-type": f"application/{kind}+json"})
    assert (answer.status, answer.json["data"]) == (200, data)


DECODING = "error decoding patch:"


@pytest.mark.parametrize(
    ("kind", "patch", "message"),
    [
        ("strategic-merge-patch", b'{"data":', "unexpected end of JSON input"),
        (
            "strategic-merge-patch",
            b"[]",
            "json: cannot unmarshal array into Go value of type map[string]interface {}",
        ),
        ("merge-patch", b'{"data":', "error decoding patch: unexpected end of JSON input"),
        (
            "merge-patch",
            b"1",
            f"{DECODING} json: cannot unmarshal number into Go value of type map[string]interface {{}}",
        ),
        (
            "json-patch",
            b"{}",
            f"{DECODING} json: cannot unmarshal object into Go value of type []handlers.jsonPatchOp",
        ),
        (
            "json-patch",
            b'["x"]',
            f"{DECODING} json: cannot unmarshal string into Go value of type handlers.jsonPatchOp",
        ),
    ],
)
async def test_patches_that_are_none(api: Api, kind: str, patch: bytes, message: str) -> None:
    await api.request("POST", MAPS, config_map())
    answer = await api.request("PATCH", f"{MAPS}/a", patch, {"content-type": f"application/{kind}+json"})
    assert (answer.status, answer.json["message"]) == (400, message)


async def test_patches_at_once_all_count(api: Api) -> None:
    await api.request("POST", MAPS, config_map())
    patches = [{"data": {f"n{index}": "1"}} for index in range(20)]
    answers = await asyncio.gather(*(api.request("PATCH", f"{MAPS}/a", each, MERGE) for each in patches))
    assert {answer.status for answer in answers} == {200}
    assert len((await api.request("GET", f"{MAPS}/a")).json["data"]) == 21


async def test_a_patch_that_names_an_old_version_is_a_conflict(api: Api) -> None:
    await api.request("POST", MAPS, config_map())
    patch = {"metadata": {"resourceVersion": "1"}, "data": {"k": "2"}}
    assert (await api.request("PATCH", f"{MAPS}/a", patch, MERGE)).status == 409


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


async def test_what_is_deleted_is_gone(api: Api) -> None:
    created = (await api.request("POST", MAPS, config_map())).json
    answer = await api.request("DELETE", f"{MAPS}/a")
    assert (answer.status, answer.json["status"]) == (200, "Success")
    assert answer.json["details"] == {"name": "a", "kind": "configmaps", "uid": created["metadata"]["uid"]}
    assert (await api.request("GET", f"{MAPS}/a")).status == 404


async def test_a_finalizer_holds_an_object_until_it_is_removed(api: Api) -> None:
    await api.request("POST", MAPS, config_map(finalizers=["example.com/x"]))
    answer = await api.request("DELETE", f"{MAPS}/a")
    assert answer.json["metadata"]["deletionTimestamp"] == "2026-01-02T03:04:05Z"
    assert (await api.request("GET", f"{MAPS}/a")).status == 200
    await api.request("PATCH", f"{MAPS}/a", {"metadata": {"finalizers": None}}, MERGE)
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


# Subresources of pods


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


# Paths and forms


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


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/api/v1/namespaces/default/gizmos", 404),
        ("GET", "/apis/nope.example.com/v1/things", 404),
        ("GET", f"{MAPS}/a/gizmo", 404),
        ("GET", "/api/v1/configmaps/a", 404),
        ("GET", "/api/v1/namespaces/default/nodes", 404),
        ("POST", "/api/v1/configmaps", 405),
        ("POST", f"{MAPS}/a", 405),
        ("PUT", MAPS, 405),
        ("DELETE", "/api/v1/namespaces", 405),
        ("HEAD", f"{MAPS}/a", 405),
        ("OPTIONS", f"{MAPS}/a", 405),
    ],
)
async def test_paths_that_lead_nowhere(api: Api, method: str, path: str, status: int) -> None:
    assert (await api.request(method, path)).status == status


DEPRECATED = '299 - "v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice"'


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", ""), ("GET", "/a"), ("POST", ""), ("PUT", "/a"), ("DELETE", "/a"), ("DELETE", ""),
    ],
)  # fmt: skip
async def test_endpoints_are_deprecated_whatever_is_done_with_them(api: Api, method: str, path: str) -> None:
    endpoints = "/api/v1/namespaces/default/endpoints"
    await api.request("POST", endpoints, {"metadata": {"name": "a"}})
    body = {"metadata": {"name": "b" if method == "POST" else "a"}} if method.startswith("P") else None
    answer = await api.request(method, endpoints + path, body)
    assert answer.headers["warning"] == DEPRECATED
    async with api.watch(f"{endpoints}?watch=1") as watching:
        assert watching.warning == DEPRECATED


@pytest.mark.parametrize(
    ("accept", "status", "kind"),
    [
        ("*/*", 200, "ConfigMapList"),
        ("application/vnd.kubernetes.protobuf;q=0.9, application/json", 200, "ConfigMapList"),
        ("application/json;as=Table;v=v1;g=meta.k8s.io,application/json", 200, "Table"),
        (
            "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io",
            200,
            "PartialObjectMetadataList",
        ),
        ("application/json;as=Poster;v=v1;g=meta.k8s.io,application/json", 200, "ConfigMapList"),
        ("application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io", 406, "Status"),
        ("text/html", 406, "Status"),
        ("text/html,application/xhtml+xml,*/*;q=0.8", 200, "ConfigMapList"),
    ],
)
async def test_forms_of_a_list(api: Api, accept: str, status: int, kind: str) -> None:
    await api.request("POST", MAPS, config_map())
    answer = await api.request("GET", MAPS, headers={"accept": accept})
    assert (answer.status, answer.json["kind"]) == (status, kind)
    assert int(answer.headers["content-length"]) == len(answer.body)


def _as(kind: str) -> dict[str, str]:
    return {"accept": f"application/json;as={kind};v=v1;g=meta.k8s.io,application/json"}


NOT_A_LIST = "you requested PartialObjectMetadataList, but the requested object is not a list"
A_LIST = "you requested PartialObjectMetadata, but the requested object is a list"


@pytest.mark.parametrize(
    ("method", "path", "kind", "message"),
    [
        ("GET", MAPS, "PartialObjectMetadata", f"{A_LIST} (*core.ConfigMapList)"),
        ("DELETE", MAPS, "PartialObjectMetadata", f"{A_LIST} (*core.ConfigMapList)"),
        ("GET", f"{MAPS}/a", "PartialObjectMetadataList", f"{NOT_A_LIST} (*core.ConfigMap)"),
        (
            "GET",
            "/apis/events.k8s.io/v1/events",
            "PartialObjectMetadata",
            f"{A_LIST} (*core.EventList)",
        ),
        (
            "GET",
            "/apis/rbac.authorization.k8s.io/v1/roles",
            "PartialObjectMetadata",
            f"{A_LIST} (*rbac.RoleList)",
        ),
    ],
)
async def test_metadata_in_the_wrong_number_is_not_acceptable(
    api: Api, method: str, path: str, kind: str, message: str
) -> None:
    """Even where something else would be acceptable, too."""
    await api.request("POST", MAPS, config_map())
    answer = await api.request(method, path, headers=_as(kind))
    assert (answer.status, answer.json["reason"], answer.json["message"]) == (406, "NotAcceptable", message)


async def test_a_deleted_collection_is_told_in_the_form_of_a_list(api: Api) -> None:
    await api.request("POST", MAPS, config_map())
    answer = await api.request("DELETE", MAPS, headers=_as("Table"))
    assert [row["cells"][0] for row in answer.json["rows"]] == ["a"]


async def test_the_status_of_a_deletion_has_no_other_form(api: Api) -> None:
    await api.request("POST", MAPS, config_map())
    answer = await api.request("DELETE", f"{MAPS}/a", headers=_as("PartialObjectMetadataList"))
    assert (answer.status, answer.json["kind"]) == (200, "Status")


async def test_a_scale_has_columns_of_its_own(api: Api) -> None:
    path = "/apis/apps/v1/namespaces/default/deployments"
    labels = {"app": "a"}
    pod = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "c", "image": "i"}]}}
    spec = {"replicas": 3, "selector": {"matchLabels": labels}, "template": pod}
    await api.request("POST", path, {"metadata": {"name": "d"}, "spec": spec})
    table = (await api.request("GET", f"{path}/d/scale", headers=_as("Table"))).json
    assert [each["name"] for each in table["columnDefinitions"]] == ["Name", "Desired", "Available", "Age"]
    assert table["rows"][0]["cells"][:3] == ["d", 3, 0]
    partial = (await api.request("GET", f"{path}/d/scale", headers=_as("PartialObjectMetadata"))).json
    assert (partial["kind"], partial["metadata"]["name"], "spec" in partial) == (
        "PartialObjectMetadata",
        "d",
        False,
    )


async def test_an_event_is_the_same_in_both_groups(api: Api) -> None:
    event = {
        "metadata": {"name": "e"},
        "involvedObject": {"kind": "Pod", "name": "p", "namespace": "default"},
        "reason": "R",
        "message": "hello",
        "type": "Normal",
    }
    created = await api.request("POST", "/api/v1/namespaces/default/events", event)
    assert created.status == 201
    other = (await api.request("GET", "/apis/events.k8s.io/v1/namespaces/default/events/e")).json
    assert (other["apiVersion"], other["note"], other["regarding"]["name"]) == (
        "events.k8s.io/v1",
        "hello",
        "p",
    )
    listed = (await api.request("GET", "/apis/events.k8s.io/v1/namespaces/default/events")).json
    assert [item["note"] for item in listed["items"]] == ["hello"]


@pytest.mark.parametrize(
    ("group", "selector", "expected"),
    [
        ("api/v1", "involvedObject.name=p,reportingComponent=c", ["e"]),
        ("api/v1", "regarding.name=p", "field label not supported: regarding.name"),
        ("apis/events.k8s.io/v1", "regarding.name=p,reportingController=c,metadata.name=e", ["e"]),
        ("apis/events.k8s.io/v1", "regarding.name!=p", []),
        ("apis/events.k8s.io/v1", "reportingComponent=c", "field label not supported: reportingComponent"),
    ],
)
async def test_events_are_selected_by_the_names_of_their_group(
    api: Api, group: str, selector: str, expected: object
) -> None:
    involved = {"kind": "Pod", "name": "p", "namespace": "default"}
    event = {"metadata": {"name": "e"}, "involvedObject": involved, "reportingComponent": "c"}
    assert (await api.request("POST", "/api/v1/namespaces/default/events", event)).status == 201
    answer = (await api.request("GET", f"/{group}/namespaces/default/events?fieldSelector={selector}")).json
    seen = [each["metadata"]["name"] for each in answer["items"]] if "items" in answer else answer["message"]
    assert seen == expected
