"""Kubernetes' protobuf form: bytes as a Go client sends them, and bytes that are nothing of the kind."""

from __future__ import annotations

import struct

import pytest

from apimachinery import protobuf, scheme
from apimachinery.protobuf import ProtobufError, decode
from apimachinery.protobuf_wire import encode_varint
from apimachinery.schema import definition_name


def text(number: int, value: bytes | str) -> bytes:
    data = value.encode() if isinstance(value, str) else value
    return bytes([number << 3 | 2, len(data)]) + data


def number(field: int, value: int) -> bytes:
    return bytes([field << 3, value])


def envelope(api_version: str, kind: str, raw: bytes) -> bytes:
    return protobuf.MAGIC + text(1, text(1, api_version) + text(2, kind)) + text(2, raw)


def test_an_object_is_decoded_with_pointers_zeros_and_maps() -> None:
    labels = text(11, text(1, "a") + text(2, "b"))
    # name, an empty generateName, an empty creationTimestamp, a label
    metadata = text(1, text(1, "web") + text(2, "") + text(8, b"") + labels)
    # replicas 0 is a value (a pointer in Go); minReadySeconds 0 and paused false are not
    strategy = text(2, text(1, number(1, 0) + number(2, 1)) + text(2, number(1, 1) + text(3, "25%")))
    spec = text(2, number(1, 0) + text(4, text(1, "RollingUpdate") + strategy) + number(5, 0) + number(7, 0))
    assert decode(envelope("apps/v1", "Deployment", metadata + spec), definition_name) == {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web", "labels": {"a": "b"}},
        "spec": {
            "replicas": 0,
            "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 1, "maxSurge": "25%"}},
        },
    }


def test_embedded_messages_stand_in_their_holder_and_bytes_are_base64() -> None:
    volume = text(1, "v") + text(2, text(2, text(1, "Memory") + text(2, text(1, "1Gi"))))
    pod = decode(envelope("v1", "Pod", text(2, text(1, volume))), definition_name)
    assert pod["spec"]["volumes"] == [{"name": "v", "emptyDir": {"medium": "Memory", "sizeLimit": "1Gi"}}]
    secret = decode(envelope("v1", "Secret", text(2, text(1, "k") + text(2, b"\x00\xff"))), definition_name)
    assert secret["data"] == {"k": "AP8="}


def test_negative_numbers_travel_in_twos_complement() -> None:
    seconds = bytes([1 << 3]) + b"\xff" * 9 + b"\x01"
    event = decode(envelope("v1", "Event", text(6, seconds)), definition_name)
    assert event["firstTimestamp"] == "1969-12-31T23:59:59Z"


def test_a_time_that_is_not_set_is_null_in_a_map() -> None:
    budget = decode(
        envelope("policy/v1", "PodDisruptionBudget", text(3, text(2, text(1, "web-0")))), definition_name
    )
    assert budget["status"]["disruptedPods"] == {"web-0": None}


def double(field: int, value: float) -> bytes:
    return bytes([field << 3 | 1]) + struct.pack("<d", value)


def big(field: int, value: bytes | str) -> bytes:
    """A text whose field number takes two bytes."""
    data = value.encode() if isinstance(value, str) else value
    return encode_varint(field << 3 | 2) + bytes([len(data)]) + data


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        pytest.param(text(3, "#/x"), {"$ref": "#/x"}, id="a name that only JSON has"),
        pytest.param(double(9, 5) + double(11, 0.5), {"maximum": 5, "minimum": 0.5}, id="doubles"),
        pytest.param(text(8, text(1, "0")), {"default": 0}, id="any JSON"),
        pytest.param(
            big(20, text(1, '"a"')) + big(20, text(1, "null")), {"enum": ["a", None]}, id="a list of any JSON"
        ),
        pytest.param(
            big(24, text(1, text(5, "string"))), {"items": {"type": "string"}}, id="one schema of items"
        ),
        pytest.param(
            big(24, text(2, text(5, "string")) + text(2, b"")),
            {"items": [{"type": "string"}, {}]},
            id="a list of schemas",
        ),
        pytest.param(big(30, number(1, 0)), {"additionalProperties": False}, id="no other properties"),
        pytest.param(
            big(30, number(1, 1) + text(2, text(5, "integer"))),
            {"additionalProperties": {"type": "integer"}},
            id="other properties of a schema",
        ),
        pytest.param(
            big(32, text(1, "a") + text(2, text(2, "b") + text(2, "c"))),
            {"dependencies": {"a": ["b", "c"]}},
            id="names",
        ),
        pytest.param(
            encode_varint(38 << 3) + b"\x00",
            {"x-kubernetes-preserve-unknown-fields": False},
            id="an extension",
        ),
    ],
)
def test_the_schemas_of_definitions_are_decoded(schema: bytes, expected: object) -> None:
    version = text(7, text(1, "v1") + number(2, 1) + text(4, text(1, schema)))
    definition = decode(
        envelope("apiextensions.k8s.io/v1", "CustomResourceDefinition", text(2, version)), definition_name
    )
    assert definition["spec"]["versions"] == [
        {"name": "v1", "served": True, "schema": {"openAPIV3Schema": expected}}
    ]


@pytest.mark.parametrize(
    ("api_version", "kind"),
    [
        *((each.api_version, each.kind) for each in scheme.BUILTIN),
        ("v1", "Status"),
        ("v1", "Binding"),
        ("apps/v1", "DeleteOptions"),
        ("apps/v1", "DeploymentList"),
        ("autoscaling/v1", "Scale"),
        ("policy/v1", "Eviction"),
        ("authentication.k8s.io/v1", "TokenRequest"),
    ],
)
def test_every_kind_that_is_sent_is_known(api_version: str, kind: str) -> None:
    assert decode(envelope(api_version, kind, b""), definition_name)["kind"] == kind


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b'{"kind":"Pod"}', id="JSON"),
        pytest.param(protobuf.MAGIC, id="nothing but the magic"),
        pytest.param(envelope("v1", "None", b""), id="an unknown kind"),
        pytest.param(envelope("v1", "Pod", b"\x0a\x7f"), id="a length beyond the end"),
        pytest.param(envelope("v1", "Pod", b"\xff" * 11), id="an endless varint"),
        pytest.param(envelope("v1", "Pod", text(1, text(1, b"\xff"))), id="text that is no UTF-8"),
        pytest.param(envelope("v1", "ConfigMap", text(2, text(1, b"\xff"))), id="a key that is no UTF-8"),
        pytest.param(envelope("v1", "Pod", number(1, 1)), id="a number for a message"),
        pytest.param(envelope("v1", "Pod", b"\x0b"), id="a group"),
    ],
)
def test_what_is_no_object_is_refused(data: bytes) -> None:
    with pytest.raises(ProtobufError):
        decode(data, definition_name)


def test_every_message_of_the_table_refers_to_messages_that_are_there() -> None:
    table = protobuf.messages()
    used = {field.type for fields in table.values() for field in fields.values()}
    assert {each for each in used if len(each) > 1} <= table.keys()
