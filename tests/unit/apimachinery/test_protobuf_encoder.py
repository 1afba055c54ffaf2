"""Answers in protobuf: what Go makes of the same objects, and the way there and back for every kind."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import orjson
import pytest

from apimachinery import scheme
from apimachinery.protobuf import decode
from apimachinery.protobuf_encoder import encode, encoder_of, message_of
from apimachinery.schema import definition_name
from tests.unit.apimachinery.protobuf_objects import Maker, without_empty

VECTORS = [
    orjson.loads(line)
    for line in (Path(__file__).parent / "protobuf_vectors.jsonl").read_bytes().splitlines()
]
"""Objects, and their protobuf as Kubernetes 0.34's own serializer in Go wrote it."""
TOLERATION, REFERENCE = "api.core.v1.Toleration", "api.core.v1.LocalObjectReference"
TIME, MICRO_TIME = "apimachinery.pkg.apis.meta.v1.Time", "apimachinery.pkg.apis.meta.v1.MicroTime"
QUANTITY = "apimachinery.pkg.api.resource.Quantity"
INT_OR_STRING = "apimachinery.pkg.util.intstr.IntOrString"
SECONDS = {"tolerationSeconds": 0}
OTHERS = [
    ("v1", "Status"), ("autoscaling/v1", "Scale"), ("policy/v1", "Eviction"),
    ("authentication.k8s.io/v1", "TokenRequest"), ("meta.k8s.io/v1", "PartialObjectMetadata"),
    ("v1", "APIGroupList"), ("apidiscovery.k8s.io/v2", "APIGroupDiscoveryList"),
    ("metrics.k8s.io/v1beta1", "PodMetricsList"), ("metrics.k8s.io/v1beta1", "NodeMetrics"),
]  # fmt: skip


@pytest.mark.parametrize(
    "vector", VECTORS, ids=lambda vector: f"{vector['object']['apiVersion']} {vector['object']['kind']}"
)
def test_bytes_are_those_that_go_writes(vector: Any) -> None:
    assert encode(vector["object"], definition_name) == base64.b64decode(vector["protobuf"])


@pytest.mark.parametrize(
    ("api_version", "kind"), [*((each.api_version, each.kind) for each in scheme.BUILTIN), *OTHERS]
)
def test_what_is_encoded_is_decoded_to_the_same(api_version: str, kind: str) -> None:
    message = message_of(api_version, kind, definition_name)
    assert message is not None
    for seed in range(3):
        made = Maker(f"{kind} {seed}").message(message)
        obj = {**made, "apiVersion": api_version, "kind": kind}
        data = encode(obj, definition_name)
        decoded = decode(data, lambda *_: message)
        assert without_empty(decoded) == without_empty(obj)
        assert encode(decoded, definition_name) == data


@pytest.mark.parametrize(
    ("message", "value", "expected"),
    [
        pytest.param(TOLERATION, {}, b"\x0a\0\x12\0\x1a\0\x22\0", id="zeros, but no pointers"),
        pytest.param(TOLERATION, None, b"\x0a\0\x12\0\x1a\0\x22\0", id="nothing"),
        pytest.param(
            TOLERATION, SECONDS | {"other": 1}, b"\x0a\0\x12\0\x1a\0\x22\0\x28\0", id="a pointer to 0"
        ),
        pytest.param(REFERENCE, {"name": "x" * 300}, b"\x0a\xac\x02" + b"x" * 300, id="a long text"),
        pytest.param(TIME, None, b"", id="no time"),
        pytest.param(TIME, "0001-01-01T00:00:00Z", b"", id="Go's zero time"),
        pytest.param(TIME, "1970-01-01T00:00:01.9Z", b"\x08\x01\x10\0", id="a time has no fractions"),
        pytest.param(MICRO_TIME, "1970-01-01T00:00:01.000001Z", b"\x08\x01\x10\xe8\x07", id="microseconds"),
        pytest.param(QUANTITY, None, b"\x0a\x010", id="no quantity"),
        pytest.param(INT_OR_STRING, None, b"\x08\0\x10\0\x1a\0", id="no number"),
    ],
)
def test_what_is_not_set_is_written_as_go_does(message: str, value: Any, expected: bytes) -> None:
    assert encoder_of(message)(value) == expected


@pytest.mark.parametrize(
    ("api_version", "kind"),
    [("example.com/v1", "Gizmo"), ("meta.k8s.io/v1", "Table"), ("example.com/v1", "Status"), ("v1", "Gizmo")],
)
def test_what_has_no_message_is_not_encoded(api_version: str, kind: str) -> None:
    with pytest.raises(KeyError):
        encode({"apiVersion": api_version, "kind": kind}, definition_name)
