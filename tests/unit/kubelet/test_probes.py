"""Probes: thresholds as a table, attempts against real sockets."""

from __future__ import annotations

import asyncio
import socket
from typing import cast

import pytest

from component_base.grpc.status import Code, GrpcError
from kubelet.probes.grpc import complaint, decode_status, encode_request, probe_grpc
from kubelet.probes.grpc import judge as judge_grpc
from kubelet.probes.http import HttpGet, dial_error, probe_http
from kubelet.probes.outcome import Attempt, Outcome, ProbeKind
from kubelet.probes.prober import PortError, command_of, http_get, port_of, probe_exec
from kubelet.probes.tcp import probe_tcp
from kubelet.probes.threshold import first_state, is_final, spec_of, step
from kubelet.runtime.interface import Runtime
from tests.unit.kubelet.builders import make_container
from tests.unit.kubelet.probed import answering, server


@pytest.mark.parametrize(
    ("kind", "probe", "outcomes", "verdicts"),
    [
        pytest.param(ProbeKind.LIVENESS, {}, "ffff", "TTFF", id="liveness fails at the third"),
        pytest.param(ProbeKind.LIVENESS, {}, "ffsfff", "TTTTTF", id="a success begins anew"),
        pytest.param(ProbeKind.LIVENESS, {}, "ffuf", "TTTF", id="what was not tried does not count"),
        pytest.param(ProbeKind.READINESS, {}, "fsf", "FTT", id="readiness is won at once"),
        pytest.param(ProbeKind.READINESS, {"successThreshold": 2}, "sfss", "FFFT", id="or at the second"),
        pytest.param(ProbeKind.READINESS, {"failureThreshold": 1}, "sf", "TF", id="and lost at once"),
        pytest.param(ProbeKind.STARTUP, {}, "ffs", "??T", id="startup is not known until it is"),
        pytest.param(ProbeKind.STARTUP, {"failureThreshold": 2}, "ff", "?F", id="startup gives up"),
        pytest.param(ProbeKind.READINESS, {}, "w", "T", id="a warning is a success"),
    ],
)
def test_thresholds(kind: ProbeKind, probe: dict[str, int], outcomes: str, verdicts: str) -> None:
    letters = {"s": Outcome.SUCCESS, "f": Outcome.FAILURE, "u": Outcome.UNKNOWN, "w": Outcome.WARNING}
    state, seen = first_state(kind), ""
    for letter in outcomes:
        state = step(state, letters[letter], spec_of(probe))
        seen += {True: "T", False: "F", None: "?"}[state.verdict]
    assert seen == verdicts


def test_a_verdict_that_ends_the_container_is_final() -> None:
    failed = step(first_state(ProbeKind.LIVENESS), Outcome.FAILURE, spec_of({"failureThreshold": 1}))
    assert is_final(ProbeKind.LIVENESS, failed)
    assert not is_final(ProbeKind.READINESS, failed)


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ("200 OK", Attempt(Outcome.SUCCESS, "hi")),
        ("299 Odd", Attempt(Outcome.SUCCESS, "hi")),
        ("300 Many", Attempt(Outcome.WARNING, "Probe terminated redirects, Response body: hi")),
        ("399 Odd", Attempt(Outcome.WARNING, "Probe terminated redirects, Response body: hi")),
        ("400 Bad", Attempt(Outcome.FAILURE, "HTTP probe failed with statuscode: 400")),
        ("500 No", Attempt(Outcome.FAILURE, "HTTP probe failed with statuscode: 500")),
    ],
)
async def test_http_status(status: str, expected: Attempt) -> None:
    async with server(answering(status, body="hi")) as port:
        assert await probe_http(HttpGet("127.0.0.1", port), 5) == expected


async def test_http_headers_can_be_given_and_taken_away() -> None:
    seen: list[str] = []
    async with server(answering("200 OK", seen=seen)) as port:
        headers = (("Host", "example.org"), ("X-A", "1"), ("Accept", ""))
        await probe_http(HttpGet("127.0.0.1", port, "/x?y=1", headers=headers), 5)
    assert seen[0].startswith("GET /x?y=1 HTTP/1.1\r\n")
    assert "Host: example.org" in seen[0]
    assert "X-A: 1" in seen[0]
    assert "User-Agent: kube-probe/1.34" in seen[0]
    assert "Accept" not in seen[0]


async def test_a_redirect_to_another_host_is_not_followed() -> None:
    async with server(answering("302 Found", "Location: http://example.org/")) as port:
        attempt = await probe_http(HttpGet("127.0.0.1", port), 5)
    assert attempt.outcome is Outcome.WARNING


async def test_endless_redirects_fail() -> None:
    seen: list[str] = []
    async with server(answering("302 Found", "Location: /again", seen=seen)) as port:
        attempt = await probe_http(HttpGet("127.0.0.1", port), 5)
    assert "stopped after 10 redirects" in attempt.message
    assert len(seen) == 10


@pytest.mark.parametrize("location", ["http://127.0.0.1:99999/", "http://[/"])
async def test_a_redirect_to_nowhere_fails(location: str) -> None:
    async with server(answering("302 Found", f"Location: {location}")) as port:
        attempt = await probe_http(HttpGet("127.0.0.1", port), 5)
    assert attempt.outcome is Outcome.FAILURE
    assert location in attempt.message


@pytest.mark.parametrize("host", ["a..b", "a" * 64, "[a"])
async def test_a_host_that_is_none_fails(host: str) -> None:
    assert (await probe_http(HttpGet(host, 80), 5)).outcome is Outcome.FAILURE
    assert (await probe_tcp(host, 80, 5)).outcome is Outcome.FAILURE


async def test_nobody_listens() -> None:
    async with server(answering("200 OK")) as port:
        pass
    refused = f"dial tcp 127.0.0.1:{port}: connect: connection refused"
    http = await probe_http(HttpGet("127.0.0.1", port), 5)
    assert http.message == f'Get "http://127.0.0.1:{port}/": {refused}'
    assert await probe_tcp("127.0.0.1", port, 5) == Attempt(Outcome.FAILURE, refused)
    grpc = await probe_grpc("127.0.0.1", port, "", 0.05)
    failed = f'timeout: failed to connect service "127.0.0.1:{port}" within 50ms'
    assert grpc.message == f"{failed}: context deadline exceeded"


def test_a_host_without_an_address_is_told_of_as_go_does() -> None:
    error = socket.gaierror(socket.EAI_NONAME, "Name or service not known")
    assert dial_error("h.invalid", 80, error) == "dial tcp: lookup h.invalid: no such host"


async def test_an_answer_that_does_not_come_is_a_timeout() -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()

    async with server(silent) as port:
        attempt = await probe_http(HttpGet("127.0.0.1", port), 0.05)
        assert "Client.Timeout exceeded while awaiting headers" in attempt.message
        assert await probe_tcp("127.0.0.1", port, 5) == Attempt(Outcome.SUCCESS)


def test_ports_have_names_and_numbers() -> None:
    container = make_container(ports=[{"name": "web", "containerPort": 8080}])
    assert [port_of(each, container) for each in (80, "web", "81")] == [80, 8080, 81]
    with pytest.raises(PortError, match=r'^strconv.Atoi: parsing "none": invalid syntax$'):
        port_of("none", container)
    with pytest.raises(PortError, match=r"^invalid port number: 65536$"):
        port_of("65536", container)
    action = {"port": "web", "scheme": "HTTPS", "path": "x", "host": "h"}
    assert http_get(action, container, "ip").url == "https://h:8080/x"


def test_a_probes_command_knows_what_the_environment_says_outright() -> None:
    taken = {"name": "POD", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}
    container = make_container(env=[{"name": "PORT", "value": "80"}, taken])
    probe = {"exec": {"command": ["nc", "$(PORT)", "$$(PORT)", "$(POD)", "$(NONE)"]}}
    assert command_of(probe, container) == ["nc", "80", "$(PORT)", "", "$(NONE)"]


async def test_a_command_that_takes_too_long_is_told_of_in_gos_words() -> None:
    class Slow:
        async def exec_sync(self, container_id: str, command: list[str], limit: float) -> None:
            raise TimeoutError

    attempt = await probe_exec(cast(Runtime, Slow()), "id", ["sleep", "100"], 90)
    words = 'command timed out: "sleep 100" timed out after 1m30s'
    assert attempt == Attempt(Outcome.FAILURE, words)


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        pytest.param(Code.DEADLINE_EXCEEDED, "timeout: health rpc did not complete within 2s", id="late"),
        pytest.param(
            Code.UNAVAILABLE,
            "error: health rpc probe failed: rpc error: code = Unavailable desc = why",
            id="in gRPC's own words",
        ),
    ],
)
def test_a_health_check_that_failed(code: Code, expected: str) -> None:
    assert complaint(GrpcError(code, "why"), "2s") == expected


def test_grpc_messages_are_made_by_hand() -> None:
    assert encode_request("") == b""
    assert encode_request("a") == b"\x0a\x01a"
    assert decode_status(b"\x08\x01") == 1
    assert judge_grpc(1).outcome is Outcome.SUCCESS
    assert judge_grpc(2).message == 'service unhealthy (responded with "NOT_SERVING")'
    assert decode_status(b"") == 0
