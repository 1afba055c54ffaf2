"""Bodies that are refused, warned about or understood."""

from __future__ import annotations

from time import thread_time
from typing import Any

import pytest

from tests.fakes.api import Api
from tests.unit.apiserver.handlers.requests import DEPLOYMENTS, MAPS, config_map


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
            {"metadata": {"name": "a"}, "data": {"a": 1}},
            {},
            400,
            'ConfigMap in version "v1" cannot be handled as a ConfigMap: json: cannot unmarshal number into '
            "Go struct field ConfigMap.data of type string",
            id="a number for a string",
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
        *(
            pytest.param(
                {"metadata": {"name": "a"}},
                {"content-type": f"application/json{parameters}"},
                415,
                "the body of the request was in an unknown format - accepted media types include: "
                "application/json, application/yaml, application/vnd.kubernetes.protobuf",
                id=f"parameters {parameters}",
            )
            for parameters in (";x", ";x=", ";=x", ";a=b;a=c", ';a="b', ";a=b c")
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


@pytest.mark.parametrize(
    "parameters", [";a=b" + " " * 500_000 + "c", ";a=b" * 100_000 + ";", ";a=" + '"' * 500_000]
)
async def test_parameters_are_read_in_one_pass(api: Api, parameters: str) -> None:
    began = thread_time()
    await api.request("POST", MAPS, {}, {"content-type": f"application/json{parameters}"})
    assert thread_time() - began < 1


async def test_thousands_of_levels_are_a_bad_request(api: Api) -> None:
    assert (await api.request("POST", MAPS, b'{"a":' * 3000 + b"1" + b"}" * 3000)).status == 400


async def test_what_is_no_utf_8_is_replaced_as_go_does(api: Api) -> None:
    answer = await api.request("POST", MAPS, b'{"metadata":{"name":"a"},"data":{"k":"\xff"}}')
    assert (answer.status, answer.json["data"]) == (201, {"k": "\ufffd"})


@pytest.mark.parametrize(
    ("path", "body", "quoted"),
    [
        pytest.param(
            DEPLOYMENTS,
            b'{"metadata":{"labels":{"a":"\xff"}},"spec":{"replicas":99999999999999999999}}',
            "cannot unmarshal number 99999999999999999999 into",
            id="beside what is no UTF-8",
        ),
        pytest.param(
            MAPS,
            b'{"metadata":{"creationTimestamp":"json: cannot unmarshal number one into two"}}',
            "cannot unmarshal number one into two",
            id="in a text that reads like a complaint",
        ),
    ],
)
async def test_a_number_is_told_as_it_is_written(api: Api, path: str, body: bytes, quoted: str) -> None:
    answer = await api.request("POST", path, body)
    assert (answer.status, quoted in answer.json["message"]) == (400, True)


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


@pytest.mark.parametrize(
    ("number", "in_yaml"),
    [
        ("9223372036854775808", "9223372036854775808"),
        ("18446744073709551616", "18446744073709552000"),
        ("1e2", None),
        ("1.50", "1.5"),
    ],
)
async def test_a_number_that_does_not_fit_is_told_as_it_is_written(
    api: Api, number: str, in_yaml: str | None
) -> None:
    pods, text = (
        "/api/v1/namespaces/default/pods",
        '{"metadata":{"name":"a"},"spec":{"priority":' + number + "}}",
    )
    message = "cannot unmarshal number {} into Go struct field PodSpec.spec.priority of type int32"
    refused = await api.request("POST", pods, text.encode())
    assert refused.json["message"].endswith(message.format(number))
    refused = await api.request("POST", pods, text.encode(), YAML)
    assert message.format(in_yaml) in refused.json["message"] if in_yaml else refused.status == 422
