"""The structural walker over upstream's definitions."""

from typing import Any

import pytest

from apimachinery.schema import Checker, builtin, checker_for, raw_definitions


def checker(api_version: str, kind: str) -> Checker:
    found = checker_for(api_version, kind)
    assert found is not None
    return found


def pod(**container: Any) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "a"},
        "spec": {"containers": [{"name": "c", "image": "i", **container}]},
    }


def test_a_proper_pod_is_clean() -> None:
    body = pod(
        ports=[{"containerPort": 80}],
        resources={"limits": {"cpu": "1", "memory": "1Gi"}},
        livenessProbe={"httpGet": {"port": "http"}, "periodSeconds": 1},
    )
    assert checker("v1", "Pod").check(body).is_clean


NO_PODS = dict.fromkeys(("disruptionsAllowed", "currentHealthy", "desiredHealthy", "expectedPods"), 0)


@pytest.mark.parametrize(
    ("field", "path", "message"),
    [
        (
            {"ports": [{"containerPort": "x"}]},
            "spec.containers[0].ports[0].containerPort",
            "json: cannot unmarshal string into Go struct field "
            "ContainerPort.spec.containers.ports.containerPort of type int32",
        ),
        (
            {"ports": [{"containerPort": 2**31}]},
            "spec.containers[0].ports[0].containerPort",
            "json: cannot unmarshal number 2147483648 into Go struct field"
            " ContainerPort.spec.containers.ports.containerPort of type int32",
        ),
        (
            {"env": [{"name": 1}]},
            "spec.containers[0].env[0].name",
            "json: cannot unmarshal number into Go struct field "
            "EnvVar.spec.containers.env.name of type string",
        ),
        (
            {"command": "sleep"},
            "spec.containers[0].command",
            "json: cannot unmarshal string into Go struct field "
            "Container.spec.containers.command of type []string",
        ),
        (
            {"resources": []},
            "spec.containers[0].resources",
            "json: cannot unmarshal array into Go struct field Container.spec.containers.resources"
            " of type v1.ResourceRequirements",
        ),
        (
            {"resources": {"limits": {"cpu": "x"}}},
            "spec.containers[0].resources.limits.cpu",
            "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'",
        ),
        (
            {"stdin": "true"},
            "spec.containers[0].stdin",
            "json: cannot unmarshal string into Go struct field Container.spec.containers.stdin of type bool",
        ),
        (
            {"livenessProbe": {"tcpSocket": {"port": True}}},
            "spec.containers[0].livenessProbe.tcpSocket.port",
            "json: cannot unmarshal bool into Go value of type int32",
        ),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else None,
)
def test_wrong_types_are_told_with_their_path(field: dict[str, Any], path: str, message: str) -> None:
    errors = checker("v1", "Pod").check(pod(**field)).type_errors
    assert [(each.path, each.message) for each in errors] == [(path, message)]


def test_every_unknown_field_is_named_and_pruned_on_request() -> None:
    body = pod(imagee="x") | {"foo": 1}
    checked = checker("v1", "Pod").check(body)
    assert checked.unknown_messages == ['unknown field "spec.containers[0].imagee"', 'unknown field "foo"']
    assert "foo" in body
    checker("v1", "Pod").check(body, prune=True)
    assert body == pod(resources={})


def test_nulls_go_and_numbers_of_quantities_become_texts() -> None:
    body = pod(env=None, resources={"limits": {"cpu": 1}}) | {"status": None}
    assert checker("v1", "Pod").check(body).is_clean
    assert body == pod(resources={"limits": {"cpu": "1"}})


def object_of(api_version: str, kind: str, **fields: Any) -> dict[str, Any]:
    return {"apiVersion": api_version, "kind": kind, **fields}


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        pytest.param(
            object_of("v1", "Node", spec={"taints": []}, metadata={"labels": {}}),
            object_of("v1", "Node", spec={}, metadata={}),
            id="lists and maps",
        ),
        pytest.param(
            object_of("v1", "Pod", spec={"containers": [], "securityContext": {}}),
            object_of("v1", "Pod", spec={"containers": [], "securityContext": {}}),
            id="but not what must be there, nor an object",
        ),
        pytest.param(
            object_of("rbac.authorization.k8s.io/v1", "Role", rules=[]),
            object_of("rbac.authorization.k8s.io/v1", "Role", rules=[]),
            id="nor what upstream writes always",
        ),
        pytest.param(
            object_of(
                "autoscaling/v2", "HorizontalPodAutoscaler", status={"currentMetrics": [], "conditions": []}
            ),
            object_of(
                "autoscaling/v2",
                "HorizontalPodAutoscaler",
                status={"currentMetrics": [], "desiredReplicas": 0},
            ),
            id="of a status, too",
        ),
        pytest.param(
            object_of("apps/v1", "ControllerRevision", revision=1, data={}),
            object_of("apps/v1", "ControllerRevision", revision=1, data={}),
            id="nor what may be anything",
        ),
        pytest.param(
            object_of("networking.k8s.io/v1", "IPAddress", spec={"parentRef": {"group": "", "name": ""}}),
            object_of("networking.k8s.io/v1", "IPAddress", spec={"parentRef": {}}),
            id="zeros",
        ),
        pytest.param(
            object_of("v1", "Service", spec={"clusterIP": "", "allocateLoadBalancerNodePorts": False}),
            object_of("v1", "Service", spec={"allocateLoadBalancerNodePorts": False}),
            id="but not a pointer's",
        ),
        pytest.param(
            object_of("apps/v1", "ControllerRevision", revision=0),
            object_of("apps/v1", "ControllerRevision", revision=0),
            id="nor one that is written always",
        ),
        pytest.param(
            object_of("policy/v1", "PodDisruptionBudget", status={**NO_PODS, "disruptedPods": None}),
            object_of("policy/v1", "PodDisruptionBudget", status=NO_PODS),
            id="a map of times is no time",
        ),
    ],
)
def test_what_is_empty_goes(body: dict[str, Any], expected: dict[str, Any]) -> None:
    assert checker(body["apiVersion"], body["kind"]).check(body).is_clean
    assert body == expected


@pytest.mark.parametrize(
    ("part", "given", "expected"),
    [
        pytest.param(
            "conditions",
            [{"type": "Ready", "status": "True"}],
            [{"type": "Ready", "status": "True", "lastProbeTime": None, "lastTransitionTime": None}],
            id="times are null",
        ),
        pytest.param(
            "containerStatuses",
            [{"name": "c", "ready": True, "restartCount": 0, "image": "i"}],
            [
                {
                    "name": "c",
                    "ready": True,
                    "restartCount": 0,
                    "image": "i",
                    "imageID": "",
                    "state": {},
                    "lastState": {},
                }
            ],
            id="structs and texts are empty",
        ),
        pytest.param("conditions", [None], [{"type": "", "status": "", "lastProbeTime": None,
                                             "lastTransitionTime": None}], id="of what is null"),
        pytest.param("phase", None, None, id="but not what may be left out"),
    ],
)  # fmt: skip
def test_what_go_always_writes_is_there(part: str, given: Any, expected: Any) -> None:
    body = object_of("v1", "Pod", status={part: given})
    assert checker("v1", "Pod").check(body).is_clean
    assert body["status"].get(part) == expected


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        pytest.param(
            object_of("v1", "Pod", spec={"os": {"name": None}}),
            object_of("v1", "Pod", spec={"os": {"name": ""}}),
            id="what is always written",
        ),
        pytest.param(
            object_of("v1", "PersistentVolume", spec={"capacity": {"storage": None}}),
            object_of("v1", "PersistentVolume", spec={"capacity": {"storage": "0"}}),
            id="an amount",
        ),
        pytest.param(
            object_of("v1", "Secret", data={"a": None}), object_of("v1", "Secret", data={"a": ""}), id="bytes"
        ),
        pytest.param(
            object_of("v1", "Pod", spec={"securityContext": {"supplementalGroups": [None]}}),
            object_of("v1", "Pod", spec={"securityContext": {"supplementalGroups": [0]}}),
            id="an item",
        ),
    ],
)
def test_a_null_among_others_is_zero(body: dict[str, Any], expected: dict[str, Any]) -> None:
    assert checker(body["apiVersion"], body["kind"]).check(body).is_clean
    assert body == expected


def test_an_empty_map_is_no_list() -> None:
    node = object_of("v1", "Node", spec={"taints": {}})
    assert not checker("v1", "Node").check(node).is_clean


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"a": "aGk="}, None),
        ({"a": ""}, None),
        ({"a": "aGk"}, "illegal base64 data at input byte 0"),
        ({"a": "a$k="}, "illegal base64 data at input byte 1"),
        ({"a": "aG\nk$"}, "illegal base64 data at input byte 4"),
        ({"a": None}, None),
    ],
)
def test_bytes_are_base64(data: dict[str, Any], message: str | None) -> None:
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "a"}, "data": data}
    errors = checker("v1", "Secret").check(secret).type_errors
    assert [each.message for each in errors] == ([message] if message else [])


def test_bytes_in_several_lines_become_one() -> None:
    """As Python's `base64.encodebytes` and MIME write them."""
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "a"},
        "data": {"a": "aGVs\r\nbG8=\n"},
    }
    assert checker("v1", "Secret").check(secret).is_clean
    assert secret["data"] == {"a": "aGVsbG8="}


def test_recursive_definitions_and_free_form_parts_are_walked() -> None:
    inner = {"type": "object", "properties": {"a": {"type": 1, "default": {"any": ["thing"]}}}}
    version = {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": inner}}
    body = {"metadata": {"name": "x"}, "spec": {"versions": [version]}}
    checked = checker("apiextensions.k8s.io/v1", "CustomResourceDefinition").check(body)
    assert [each.path for each in checked.type_errors] == [
        "spec.versions[0].schema.openAPIV3Schema.properties.a.type"
    ]


def test_an_object_that_is_no_map_is_an_error_not_a_crash() -> None:
    assert checker("v1", "Pod").check([]).type_errors[0].message == (  # type: ignore[arg-type]
        "json: cannot unmarshal array into Go value of type v1.Pod"
    )


def test_nodes_know_how_lists_merge() -> None:
    spec = builtin().node("v1", "Pod").child("spec")
    assert spec is not None
    containers = spec.child("containers")
    assert containers is not None
    assert (containers.merge_key, containers.patch_strategies) == ("name", ("merge",))
    assert (containers.list_type, containers.list_map_keys) == ("map", ("name",))
    assert containers.items is not None
    assert containers.items.struct_name == "Container"


def test_definitions_are_upstreams_openapi() -> None:
    definitions = raw_definitions()
    replicas = definitions["io.k8s.api.apps.v1.DeploymentSpec"]["properties"]["replicas"]
    assert replicas["type"] == "integer"
    assert replicas["description"]
    assert "io.k8s.api.resource.v1alpha3.DeviceTaint" not in definitions


def definition(schema: dict[str, Any]) -> dict[str, Any]:
    spec = {"versions": [{"name": "v1", "schema": {"openAPIV3Schema": {"type": "object", **schema}}}]}
    return object_of("apiextensions.k8s.io/v1", "CustomResourceDefinition", spec=spec)


_WAY = "Go struct field JSONSchemaProps.spec.versions.schema.openAPIV3Schema"


@pytest.mark.parametrize(
    ("schema", "messages"),
    [
        ({"items": {"type": 5}}, [f"json: cannot unmarshal number into {_WAY}.items of type string"]),
        (
            {"items": {"properties": {"a": 5}}},
            [f"json: cannot unmarshal number into {_WAY}.items of type v1.JSONSchemaProps"],
        ),
        ({"additionalProperties": "x"}, ["boolean or JSON schema expected"]),
        ({"additionalProperties": True}, []),
        ({"items": [{"type": "string"}], "dependencies": {"a": ["b"]}}, []),
    ],
)
def test_a_schema_below_a_schema_is_checked(schema: dict[str, Any], messages: list[str]) -> None:
    found = checker("apiextensions.k8s.io/v1", "CustomResourceDefinition").check(definition(schema))
    assert [each.message for each in found.type_errors] == messages


def test_nothing_among_schemas_is_an_empty_one() -> None:
    obj = definition({"items": [{"type": "string"}, None]})
    check = checker("apiextensions.k8s.io/v1", "CustomResourceDefinition")
    assert check.check(obj).is_clean
    expected = definition({"items": [{"type": "string"}, {}]})
    check.check(expected)
    assert obj == expected


def test_what_a_schema_below_a_schema_has_too_much_goes_without_a_word() -> None:
    obj = definition({"items": {"type": "string", "colour": "red", "maxLength": None}})
    check = checker("apiextensions.k8s.io/v1", "CustomResourceDefinition")
    assert check.check(obj).unknown == []
    expected = definition({"items": {"type": "string"}})
    check.check(expected)
    assert obj == expected
