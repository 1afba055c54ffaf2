"""What nobody should send: each gets upstream's code, reason and words, and the server stays as it was."""

# ruff: noqa: E501 (a case is a line)

from __future__ import annotations

import asyncio
import contextlib
import json
import random
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from apimachinery.errors import ConflictError, StatusError
from apimachinery.scheme import CONFIG_MAPS, SERVICE_ACCOUNTS
from client.errors import ConnectionFailed
from client.rest import JSON, Client
from tests.integration.connections import connected
from tests.integration.plane import LIMIT, Plane, config_map, deployment

MAPS = "/api/v1/namespaces/default/configmaps"
PODS_PATH = "/api/v1/namespaces/default/pods"
DEPLOYMENTS_PATH = "/apis/apps/v1/namespaces/default/deployments"
PROTOBUF = "application/vnd.kubernetes.protobuf"
MERGE_PATCH = "application/merge-patch+json"
MAX_MEMORY = 180.0
"""MiB that the server may hold after all of this; it begins with some eighty."""


@pytest.fixture(scope="module", autouse=True)
def _serving(bare_plane: Plane) -> None:
    asyncio.run(_keep(bare_plane.client()))


async def _keep(client: Client) -> None:
    """What the cases aim at."""
    for obj in (config_map("kept"), {**config_map("frozen", {"a": "1"}), "immutable": True}):
        await client.create(CONFIG_MAPS, obj)
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default"}}
    await client.create(SERVICE_ACCOUNTS, account, "default")
    await client.aclose()


@pytest.fixture(autouse=True)
async def _still_healthy(bare_plane: Plane, client: Client) -> AsyncIterator[None]:
    before = bare_plane.log("kube-apiserver").count("panic")
    yield
    assert await client.request("GET", "/readyz") == b"ok"
    assert bare_plane.log("kube-apiserver").count("panic") == before, "the server panicked"


@dataclass(frozen=True)
class Case:
    id: str
    method: str
    path: str
    code: int
    reason: str
    message: str
    """How the answer's message begins."""
    body: bytes = b""
    content_type: str = "application/json"
    params: dict[str, str] = field(default_factory=dict)


def pod(**spec: Any) -> bytes:
    container = {"name": "c", "image": "busybox", **spec.pop("container", {})}
    full = {"containers": [container], "automountServiceAccountToken": False, **spec}
    return encode({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": full})


def encode(obj: object) -> bytes:
    return json.dumps(obj).encode()


def named(name: str, **metadata: object) -> bytes:
    return encode(config_map(name, {}, **metadata))


def huge_deployment(size: int) -> bytes:
    big = deployment("huge", 0)
    big["spec"]["template"]["spec"]["containers"][0]["args"] = ["x" * size]
    return encode(big)


BILLION_LAUGHS = b"a: &a [x,x,x,x,x,x,x,x,x]\n" + b"".join(
    b"%c: &%c [%s]\n" % (c, c, b",".join([b"*%c" % (c - 1)] * 9)) for c in range(ord("b"), ord("j"))
)
UNRECOGNIZED = "the object provided is unrecognized (must be of type ConfigMap): "
NO_JSON = UNRECOGNIZED + "couldn't get version/kind; json parse error: "
STALE = (
    'Operation cannot be fulfilled on configmaps "kept": the object has been modified; '
    "please apply your changes to the latest version and try again"
)
DNS_NAME = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.'"

BAD_BODIES = [
    Case("json that ends early", "POST", MAPS, 400, "BadRequest", NO_JSON + "unexpected end of JSON input", b'{"a":'),
    Case("no json at all", "POST", MAPS, 400, "BadRequest", NO_JSON + "invalid character 'h'", b"hello"),
    Case("an empty body", "POST", MAPS, 400, "BadRequest", NO_JSON + "unexpected end of JSON input (<empty>)"),
    Case("a list", "POST", MAPS, 400, "BadRequest", NO_JSON + "json: cannot unmarshal array", b"[]"),
    Case("a number", "POST", MAPS, 400, "BadRequest", NO_JSON + "json: cannot unmarshal number", b"12"),
    Case("broken yaml", "POST", MAPS, 400, "BadRequest", UNRECOGNIZED + "yaml: ", b"a: b: c: {", "application/yaml"),
    Case("yaml of no utf-8", "POST", MAPS, 400, "BadRequest", UNRECOGNIZED + "yaml: ", b"a: \xff\xfe", "application/yaml"),
    Case("a yaml bomb", "POST", MAPS, 400, "BadRequest", UNRECOGNIZED, BILLION_LAUGHS, "application/yaml"),
    Case("thousands of levels", "POST", MAPS, 400, "BadRequest", NO_JSON + "exceeded max depth", b'{"a":' * 20_000 + b"1" + b"}" * 20_000),
    Case("thousands of lists", "POST", MAPS, 400, "BadRequest", "", b'{"x":' + b"[" * 20_000 + b"]" * 20_000 + b"}"),
    Case("thousands of levels of yaml", "POST", MAPS, 400, "BadRequest", "", b"a: " + b"[" * 12_000 + b"]" * 12_000, "application/yaml"),
    Case("thousands of levels in a patch", "PATCH", f"{MAPS}/kept", 400, "BadRequest", "", b'{"data":' * 20_000 + b"1" + b"}" * 20_000, MERGE_PATCH),
    Case("thousands of open brackets", "POST", MAPS, 400, "BadRequest", "", b"[" * 1_000_000),
    Case("protobuf garbage", "POST", MAPS, 400, "BadRequest", UNRECOGNIZED + "provided data does not appear to be a protobuf message, expected prefix", b"garbage", PROTOBUF),
    Case("protobuf cut off", "POST", MAPS, 400, "BadRequest", "", b"k8s\0\x0a\xff\xff\xff\xff\x0f", PROTOBUF),
    Case("an unknown media type", "POST", MAPS, 415, "UnsupportedMediaType", "the body of the request was in an unknown format - accepted media types include:", b"{}", "text/plain"),
    Case("an unknown kind of patch", "PATCH", f"{MAPS}/kept", 415, "UnsupportedMediaType", "415: Unsupported Media Type", b"{}", "text/plain"),
    Case("another kind", "POST", MAPS, 400, "BadRequest", "Secret in version", b'{"apiVersion":"v1","kind":"Secret","metadata":{"name":"s"}}'),
    Case("a kind there is not", "POST", MAPS, 400, "BadRequest", 'Nonsense in version "v1" cannot be handled as a ConfigMap: no kind "Nonsense" is registered for version "v1"', b'{"apiVersion":"v1","kind":"Nonsense","metadata":{"name":"s"}}'),
    Case("another version", "POST", DEPLOYMENTS_PATH, 400, "BadRequest", "", b'{"apiVersion":"apps/v7","kind":"Deployment","metadata":{"name":"s"}}'),
    Case("an unknown field", "POST", MAPS, 400, "BadRequest", 'ConfigMap in version "v1" cannot be handled as a ConfigMap: strict decoding error: unknown field "nonsense"', b'{"nonsense":1,"metadata":{"name":"s"}}', params={"fieldValidation": "Strict"}),
    Case("a field of another type", "POST", MAPS, 400, "BadRequest", 'ConfigMap in version "v1" cannot be handled as a ConfigMap: json: cannot unmarshal number into Go struct field ConfigMap.data of type string', b'{"metadata":{"name":"s"},"data":{"a":1}}'),
    Case("metadata of another type", "POST", MAPS, 400, "BadRequest", "", b'{"metadata":"s"}'),
    Case("labels of another type", "POST", MAPS, 400, "BadRequest", "", b'{"metadata":{"name":"s","labels":["a"]}}'),
    Case("owners of another type", "POST", MAPS, 400, "BadRequest", "", b'{"metadata":{"name":"s","ownerReferences":{"a":1}}}'),
    Case("a number out of range", "POST", DEPLOYMENTS_PATH, 400, "BadRequest", 'Deployment in version "v1" cannot be handled as a Deployment: json: cannot unmarshal number 99999999999999999999 into Go struct field DeploymentSpec.spec.replicas of type int32', b'{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"s"},"spec":{"replicas":99999999999999999999}}'),
    Case("a fraction of a replica", "POST", DEPLOYMENTS_PATH, 400, "BadRequest", 'Deployment in version "v1" cannot be handled as a Deployment: json: cannot unmarshal number 1.5 into Go struct field DeploymentSpec.spec.replicas of type int32', b'{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"s"},"spec":{"replicas":1.5}}'),
    Case("a number beyond all bounds", "POST", DEPLOYMENTS_PATH, 400, "BadRequest", "", b'{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"s"},"spec":{"replicas":1e999}}'),
    Case("an object too large for etcd", "POST", DEPLOYMENTS_PATH, 500, "", "etcdserver: request is too large", huge_deployment(1_700_000)),
    Case("an object too large for grpc", "POST", DEPLOYMENTS_PATH, 500, "", "rpc error: code = ResourceExhausted desc = trying to send message larger than max (", huge_deployment(2_200_000)),
    Case("a body over 3 MiB", "POST", DEPLOYMENTS_PATH, 413, "RequestEntityTooLarge", "Request entity too large: limit is 3145728", huge_deployment(3_200_000)),
    Case("a ConfigMap over 1 MiB", "POST", MAPS, 422, "Invalid", 'ConfigMap "big" is invalid: []: Too long: may not be more than 1048576 bytes', encode(config_map("big", {"a": "x" * 1_100_000}))),
    Case("a patch that copies itself up", "PATCH", f"{MAPS}/kept", 422, "Invalid", "the server rejected our request due to an error in our request", encode([{"op": "add", "path": "/data/x", "value": {"v": "x" * 1000}}, *[{"op": "copy", "from": "/data", "path": f"/data/c{n}"} for n in range(40)]]), JSON),
    Case("ten thousand operations", "PATCH", f"{MAPS}/kept", 413, "RequestEntityTooLarge", "Request entity too large: The allowed maximum operations in a JSON patch is 10000, got 10001", encode([{"op": "test", "path": "/data/x", "value": ""}] * 10_001), JSON),
    Case("a patch that is no list", "PATCH", f"{MAPS}/kept", 400, "BadRequest", "", b'{"a":1}', JSON),
    Case("a patch of numbers", "PATCH", f"{MAPS}/kept", 400, "BadRequest", "error decoding patch: json: cannot unmarshal", b"[1]", JSON),
    Case("a merge patch that is a list", "PATCH", f"{MAPS}/kept", 400, "BadRequest", "", b"[1]", MERGE_PATCH),
]  # fmt: skip

BAD_VALUES = [
    Case("a bad name", "POST", MAPS, 422, "Invalid", f'ConfigMap "Bad_Name" is invalid: metadata.name: Invalid value: "Bad_Name": {DNS_NAME}', named("Bad_Name")),
    Case("a name of a path", "POST", MAPS, 422, "Invalid", 'ConfigMap "../../etc" is invalid: metadata.name: Invalid value: "../../etc"', named("../../etc")),
    Case("a long name", "POST", MAPS, 422, "Invalid", "ConfigMap ", named("a" * 254)),
    Case("a name with a NUL", "POST", MAPS, 422, "Invalid", "ConfigMap ", named("a\0b")),
    Case("no name", "POST", MAPS, 422, "Invalid", 'ConfigMap "" is invalid: metadata.name: Required value: name or generateName is required', named("")),
    Case("a bad label", "POST", MAPS, 422, "Invalid", 'ConfigMap "s" is invalid: metadata.labels: Invalid value: "a b": ', named("s", labels={"a": "a b"})),
    Case("a bad label key", "POST", MAPS, 422, "Invalid", 'ConfigMap "s" is invalid: metadata.labels: Invalid value: "a/b/c": ', named("s", labels={"a/b/c": "a"})),
    Case("a bad annotation key", "POST", MAPS, 422, "Invalid", 'ConfigMap "s" is invalid: metadata.annotations: Invalid value: "a b": ', named("s", annotations={"a b": "a"})),
    Case("large annotations", "POST", MAPS, 422, "Invalid", 'ConfigMap "s" is invalid: metadata.annotations: Too long: may not be more than 262144 bytes', named("s", annotations={"a": "a" * 262_145})),
    Case("a bad finalizer", "POST", MAPS, 422, "Invalid", 'ConfigMap "s" is invalid: [metadata.finalizers: Invalid value: "a b": name part must consist of', named("s", finalizers=["a b"])),
    Case("a bad owner", "POST", MAPS, 422, "Invalid", 'ConfigMap "s" is invalid: [metadata.ownerReferences.apiVersion: Invalid value: "": version must not be empty', named("s", ownerReferences=[{"apiVersion": "", "kind": "", "name": "", "uid": ""}])),
    Case("a bad port", "POST", PODS_PATH, 422, "Invalid", 'Pod "p" is invalid: spec.containers[0].ports[0].containerPort: Invalid value: 70000: must be between 1 and 65535, inclusive', pod(container={"ports": [{"containerPort": 70000}]})),
    Case("a bad quantity", "POST", PODS_PATH, 400, "BadRequest", "Pod in version \"v1\" cannot be handled as a Pod: quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'", pod(container={"resources": {"limits": {"cpu": "lots"}}})),
    Case("a negative quantity", "POST", PODS_PATH, 422, "Invalid", 'Pod "p" is invalid: spec.containers[0].resources.requests[cpu]: Invalid value: "-1": must be greater than or equal to 0', pod(container={"resources": {"requests": {"cpu": "-1"}}})),
    Case("a pod without an account", "POST", "/api/v1/namespaces/kube-public/pods", 403, "Forbidden", 'pods "p" is forbidden: error looking up service account kube-public/default: serviceaccount "default" not found', pod()),
    Case("a pod without containers", "POST", PODS_PATH, 422, "Invalid", 'Pod "p" is invalid: spec.containers: Required value', pod(containers=[])),
    Case("another namespace", "POST", MAPS, 400, "BadRequest", "the namespace of the provided object does not match the namespace sent on the request", named("s", namespace="other")),
    Case("a namespace there is not", "POST", "/api/v1/namespaces/nowhere/configmaps", 404, "NotFound", 'namespaces "nowhere" not found', encode({"metadata": {"name": "s"}})),
    Case("another name in the URL", "PUT", f"{MAPS}/kept", 400, "BadRequest", "the name of the object (s) does not match the name on the URL (kept)", named("s")),
    Case("a stale resourceVersion", "PUT", f"{MAPS}/kept", 409, "Conflict", STALE, named("kept", resourceVersion="1")),
    Case("a resourceVersion that is no number", "PUT", f"{MAPS}/kept", 500, "", 'strconv.ParseUint: parsing "abc": invalid syntax', named("kept", resourceVersion="abc")),
    Case("a resourceVersion on create", "POST", MAPS, 500, "", "resourceVersion should not be set on objects to be created", named("s", resourceVersion="1")),
    Case("another uid", "PUT", f"{MAPS}/kept", 409, "Conflict", 'Operation cannot be fulfilled on configmaps "kept": StorageError: invalid object, Code: 4, Key: /registry/configmaps/default/kept, ResourceVersion: 0, AdditionalErrorMsg: Precondition failed: UID in precondition: 7, UID in object meta: ', named("kept", uid="7")),
    Case("a change of what is immutable", "PATCH", f"{MAPS}/frozen", 422, "Invalid", 'ConfigMap "frozen" is invalid: data: Forbidden: field is immutable when `immutable` is set', b'{"data":{"a":"2"}}', MERGE_PATCH),
    Case("a namesake", "POST", MAPS, 409, "AlreadyExists", 'configmaps "kept" already exists', named("kept")),
    Case("deletion of another", "DELETE", f"{MAPS}/kept", 409, "Conflict", 'Operation cannot be fulfilled on ConfigMap "kept": the UID in the precondition (7) does not match the UID in record (', b'{"preconditions":{"uid":"7"}}'),
    Case("deletion in a way there is not", "DELETE", f"{MAPS}/kept", 422, "Invalid", "DeleteOptions.meta.k8s.io", b'{"propagationPolicy":"Sideways"}'),
    Case("deletion of nothing", "DELETE", f"{MAPS}/nothing", 404, "NotFound", 'configmaps "nothing" not found'),
    Case("binding a pod there is not", "POST", f"{PODS_PATH}/nobody/binding", 404, "NotFound", 'pods "nobody" not found', b'{"metadata":{"name":"nobody"},"target":{"kind":"Node","name":"n"}}'),
    Case("an unknown resource", "GET", "/api/v1/namespaces/default/nonsense", 404, "NotFound", "the server could not find the requested resource"),
    Case("an unknown subresource", "GET", f"{MAPS}/kept/nonsense", 404, "NotFound", "the server could not find the requested resource"),
    Case("a verb that is not allowed", "POST", f"{MAPS}/kept", 405, "MethodNotAllowed", "the server does not allow this method on the requested resource", b"{}"),
    Case("a bad label selector", "GET", MAPS, 400, "BadRequest", "unable to parse requirement: ", params={"labelSelector": "a in ((b"}),
    Case("a bad field selector", "GET", MAPS, 400, "BadRequest", "", params={"fieldSelector": "a~b"}),
    Case("an unknown field selector", "GET", MAPS, 400, "BadRequest", '"spec.nonsense" is not a known field selector: only "metadata.name", "metadata.namespace"', params={"fieldSelector": "spec.nonsense=b"}),
    Case("a bad resourceVersion", "GET", MAPS, 400, "BadRequest", 'invalid resource version: resourceVersion: Invalid value: "abc"', params={"resourceVersion": "abc"}),
    Case("a resourceVersion of the future", "GET", MAPS, 504, "Timeout", "Timeout: Too large resource version: 999999999", params={"resourceVersion": "999999999"}),
    Case("a bad continue token", "GET", MAPS, 400, "BadRequest", "invalid continue token: continue key is not valid", params={"limit": "1", "continue": "nonsense"}),
    Case("a bad limit", "GET", MAPS, 400, "BadRequest", "", params={"limit": "abc"}),
    Case("a bad watch", "GET", MAPS, 500, "", 'resourceVersion: Invalid value: "abc"', params={"watch": "1", "resourceVersion": "abc"}),
    Case("a bad dryRun", "POST", MAPS, 422, "Invalid", "", named("s"), params={"dryRun": "Some"}),
    Case("a bad fieldValidation", "POST", MAPS, 422, "Invalid", "", named("s"), params={"fieldValidation": "Some"}),
]  # fmt: skip


@pytest.fixture
async def http(client: Client) -> AsyncIterator[httpx.AsyncClient]:
    """What goes over the wire: no retries, and the answer as it is."""
    async with await client.http() as http:
        yield http


@pytest.mark.parametrize("case", BAD_BODIES + BAD_VALUES, ids=lambda case: case.id)
async def test_it_is_refused_in_upstream_s_words(http: httpx.AsyncClient, case: Case) -> None:
    async with asyncio.timeout(LIMIT):
        answer = await http.request(
            case.method,
            case.path,
            content=case.body,
            headers={"content-type": case.content_type},
            params=case.params,
        )
    status = answer.json()
    assert (answer.status_code, status.get("reason", "")) == (case.code, case.reason), answer.text[:500]
    assert status["message"].startswith(case.message)


async def test_non_utf_8_in_json_is_replaced_as_upstream_s_decoder_does(http: httpx.AsyncClient) -> None:
    body = b'{"metadata":{"name":"latin"},"data":{"a":"caf\xe9"}}'
    answer = await http.post(MAPS, content=body, headers={"content-type": "application/json"})
    assert (answer.status_code, answer.json().get("data")) == (201, {"a": "caf\N{REPLACEMENT CHARACTER}"}), (
        answer.text
    )


def request(target: str, *headers: str, method: str = "GET") -> bytes:
    return "\r\n".join(
        [f"{method} {target} HTTP/1.1", "Host: x", *headers, "Connection: close", "", ""]
    ).encode()


CHUNKED = "Transfer-Encoding: chunked"
GARBAGE = {
    "no HTTP": (b"\x16\x03\x01\x00\xff garbage\r\n\r\n", {400}),
    "bytes of no name in the path": (request("/api/v1/namespaces/%ff%fe/pods"), {200, 400, 404}),
    "a NUL in the path": (request("/api/v1/namespaces/a%00b/pods/c"), {404}),
    "a broken escape": (request("/api/v1/namespaces/%zz/pods"), {200, 400, 404}),
    "dots that climb": (request("/api/v1/namespaces/../../../etc/passwd"), {301, 400, 404}),
    "escaped slashes": (request("/api/v1/namespaces/default/configmaps/..%2f..%2fsecrets"), {400, 404}),
    "many slashes": (request("//api//v1////pods"), {301, 404}),
    "a long path": (request("/" + "a" * 60_000), {400, 404, 414, 431}),
    "long headers": (request("/version", "X: " + "a" * 200_000), {200, 400, 431}),
    "a query of nonsense": (request("/api/v1/pods?&&==&limit=1&limit=2&%ff=%fe"), {200, 400}),
    "an unknown method": (request(MAPS, method="NONSENSE"), {400, 405}),
    "CONNECT": (request("x:1", method="CONNECT"), {400, 404, 405}),
    "a negative length": (request(MAPS, "Content-Length: -5", method="POST"), {400}),
    "two lengths": (request(MAPS, "Content-Length: 5", "Content-Length: 6", method="POST") + b"hello!", {400}),
    "a length and chunks": (request(MAPS, "Content-Length: 5", CHUNKED, method="POST") + b"0\r\n\r\n", {400}),
    "a bad chunk": (request(MAPS, CHUNKED, method="POST") + b"zz\r\nhello\r\n", {400}),
    "a bad Accept": (request("/api/v1/pods", "Accept: nonsense;;;=,,"), {200, 406}),
    "an Accept of what there is not": (request("/api/v1/pods", "Accept: image/png"), {406}),
    "a bad token": (request("/api/v1/pods", "Authorization: Bearer a.b.c"), {200, 401}),
    "a bad header line": (request("/version", "no colon here"), {400}),
    "a folded header": (request("/version", "X: a", "\tb"), {200, 400}),
    "a bad traceparent": (request("/api/v1/pods", "traceparent: 00-zz-\xff-1"), {200, 400}),
    "an upgrade to nothing": (request("/api/v1/pods", "Connection: Upgrade", "Upgrade: nonsense"), {200, 400}),
    "exec without an upgrade": (request("/api/v1/namespaces/default/pods/none/exec?command=a"), {400, 404}),
}  # fmt: skip


async def raw_status(plane: Plane, data: bytes) -> int:
    async with connected("127.0.0.1", plane.config.api_port, plane.tls()) as (reader, writer):
        writer.write(data)
        async with asyncio.timeout(LIMIT):
            line = await reader.readline()
        return int(line.split()[1]) if line else 0


@pytest.mark.parametrize(("data", "codes"), GARBAGE.values(), ids=GARBAGE.keys())
async def test_garbage_on_the_line_is_answered_in_kind(
    bare_plane: Plane, data: bytes, codes: set[int]
) -> None:
    assert await raw_status(bare_plane, data) in codes


async def test_connections_that_say_nothing_keep_nobody_out(bare_plane: Plane, client: Client) -> None:
    port, tls = bare_plane.config.api_port, bare_plane.tls()
    async with contextlib.AsyncExitStack() as stack:
        for each in (None,) * 100 + (tls,) * 20:
            _, writer = await stack.enter_async_context(connected("127.0.0.1", port, each))
            if each is not None:
                writer.write(b"POST %b HTTP/1.1\r\nContent-Length: 1000\r\nHost: x\r\n\r\n{" % MAPS.encode())
        async with asyncio.timeout(LIMIT):
            assert (await client.list(CONFIG_MAPS, "default"))["items"]


async def test_a_selector_of_thousands_of_values_selects(client: Client) -> None:
    await client.create(CONFIG_MAPS, config_map("chosen", labels={"number": "n1999"}))
    values = ",".join(f"n{number}" for number in range(2000))
    found = await client.list(CONFIG_MAPS, "default", label_selector=f"number in ({values}),!other")
    assert [item["metadata"]["name"] for item in found["items"]] == ["chosen"]


async def test_deep_and_wide_patches_leave_the_object_whole(http: httpx.AsyncClient) -> None:
    """Each level is made by one operation, so that no text is nested deeply."""
    operations = [{"op": "add", "path": "/metadata" + "/a" * level, "value": {}} for level in range(1, 700)]
    answer = await http.patch(f"{MAPS}/kept", content=encode(operations), headers={"content-type": JSON})
    assert answer.status_code in (200, 400, 422), answer.text
    assert (await http.get(f"{MAPS}/kept")).json()["metadata"]["name"] == "kept"


async def test_of_many_creates_of_one_name_exactly_one_succeeds(client: Client) -> None:
    async def create(number: int) -> str:
        try:
            await client.create(CONFIG_MAPS, config_map("one", {"by": str(number)}))
        except StatusError as error:
            return f"{error.code} {error.reason}"
        return "created"

    outcomes = Counter(await asyncio.gather(*(create(number) for number in range(100))))
    assert outcomes == {"created": 1, "409 AlreadyExists": 99}


async def test_concurrent_updates_of_one_object_are_serialised(client: Client) -> None:
    """Optimistic: each adds one to what it read, and repeats when it was too late. Patches need no repeat."""
    await client.create(CONFIG_MAPS, config_map("counter", {"count": "0"}))

    async def add_one(number: int) -> None:
        while True:
            counter = await client.get(CONFIG_MAPS, "counter", "default")
            counter["data"]["count"] = str(int(counter["data"]["count"]) + 1)
            try:
                await client.update(CONFIG_MAPS, counter)
            except ConflictError:
                await asyncio.sleep(random.random() * 0.2)
            else:
                break

    async def patch(number: int) -> None:
        await client.patch(CONFIG_MAPS, "counter", {"data": {f"p{number}": "x"}}, "default")

    await asyncio.gather(
        *(add_one(number) for number in range(40)), *(patch(number) for number in range(200))
    )
    data = (await client.get(CONFIG_MAPS, "counter", "default"))["data"]
    assert (data.pop("count"), len(data)) == ("40", 200)


async def test_after_all_this_the_server_has_not_grown_much(bare_plane: Plane, client: Client) -> None:
    for _ in range(3):
        with contextlib.suppress(StatusError, ConnectionFailed):
            await client.request("POST", DEPLOYMENTS_PATH, body=huge_deployment(3_000_000))
    assert bare_plane.memory() < MAX_MEMORY
