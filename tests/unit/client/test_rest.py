"""The REST client: what it sends, and what it makes of answers."""

import sys
import time
from pathlib import Path

import orjson
import pytest

from apimachinery.errors import (
    ConflictError,
    ExpiredError,
    NotFoundError,
    TooManyRequestsError,
    UnauthorizedError,
)
from apimachinery.objects import Object
from apimachinery.scheme import DEPLOYMENTS, NODES, PODS
from client.discovery import discover
from client.errors import ConnectionFailed
from client.metrics import count_request
from client.requester import Request, encode_params
from client.rest import APPLY, Client
from component_base import tracing
from component_base.kubeconfig import ClientConfig
from tests.fakes.http_server import Exchange, ScriptedServer, scripted
from tests.unit.counting import Counting


def client(server: ScriptedServer) -> Client:
    config = ClientConfig(server=f"http://127.0.0.1:{server.port}/prefix", token="secret")
    return Client(config, user_agent="test/1")


async def echo(exchange: Exchange) -> None:
    await exchange.answer(orjson.dumps({"line": exchange.line, "body": exchange.body.decode()}))


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        pytest.param(None, "", id="none"),
        pytest.param({"a": None}, "", id="nothing said"),
        pytest.param({"watch": True, "limit": 5}, "?limit=5&watch=true", id="flags and numbers"),
        pytest.param({"labelSelector": "a=b,c"}, "?labelSelector=a%3Db%2Cc", id="escaped"),
        pytest.param({"command": ["sh", "-c"]}, "?command=sh&command=-c", id="repeated"),
    ],
)
def test_parameters_become_a_query(params: dict[str, object] | None, expected: str) -> None:
    assert encode_params(params) == expected


async def test_a_list_is_asked_for_in_pages_where_that_is_wanted() -> None:
    asked: list[str] = []

    async def pages(exchange: Exchange) -> None:
        asked.append(exchange.line)
        more = {} if "continue=" in exchange.line else {"continue": "c"}
        metadata = {"resourceVersion": "5", **more}
        await exchange.answer(orjson.dumps({"metadata": metadata, "items": [len(asked)]}))

    async with scripted(pages) as server:
        c = client(server)
        c.page_size = 1
        whole = await c.list(PODS)
        page = await c.list(PODS, limit=7)
        await c.aclose()
    assert whole == {"metadata": {"resourceVersion": "5"}, "items": [1, 2]}, "and there is no more"
    assert page["items"] == [3]
    assert [line.split("?")[1].split()[0] for line in asked] == ["limit=1", "continue=c&limit=1", "limit=7"]


async def test_verbs_become_methods_and_paths() -> None:
    pod = {"metadata": {"name": "a", "namespace": "ns"}}
    async with scripted(echo) as server:
        c = client(server)
        await c.get(PODS, "a", "ns", subresource="log")
        await c.list(DEPLOYMENTS, label_selector="x=y", limit=2)
        await c.create(PODS, pod)
        await c.create(PODS, {"kind": "Binding"}, "ns", name="a", subresource="binding")
        await c.update_status(PODS, pod)
        await c.patch(NODES, "n", {}, patch_type=APPLY, params={"force": True})
        await c.delete(PODS, "a", "ns", options={"gracePeriodSeconds": 0})
        await c.aclose()
    assert [each.line.removesuffix(" HTTP/1.1") for each in server.exchanges] == [
        "GET /prefix/api/v1/namespaces/ns/pods/a/log",
        "GET /prefix/apis/apps/v1/deployments?labelSelector=x%3Dy&limit=2",
        "POST /prefix/api/v1/namespaces/ns/pods",
        "POST /prefix/api/v1/namespaces/ns/pods/a/binding",
        "PUT /prefix/api/v1/namespaces/ns/pods/a/status",
        "PATCH /prefix/api/v1/nodes/n?force=true",
        "DELETE /prefix/api/v1/namespaces/ns/pods/a",
    ]
    assert server.exchanges[5].header("content-type") == APPLY
    assert server.exchanges[6].body == b'{"gracePeriodSeconds":0}'
    assert server.exchanges[0].header("authorization") == "Bearer secret"


async def test_requests_carry_their_causes() -> None:
    async with scripted(echo) as server:
        trace = tracing.new_span(["7", "9"])
        with tracing.span(trace):
            await client(server).get(PODS, "a", "ns")
    assert server.exchanges[0].header("traceparent") == trace.traceparent
    assert server.exchanges[0].header("tracestate") == "sampan=7.9"


def status(code: int, reason: str, **details: object) -> bytes:
    return orjson.dumps(
        {"kind": "Status", "code": code, "reason": reason, "message": "m", "details": details}
    )


@pytest.mark.parametrize(
    ("code", "body", "error"),
    [
        (404, status(404, "NotFound"), NotFoundError),
        (409, status(409, "Conflict"), ConflictError),
        (410, b"gone", ExpiredError),
    ],
)
async def test_refusals_are_raised(code: int, body: bytes, error: type[Exception]) -> None:
    async def refuse(exchange: Exchange) -> None:
        await exchange.answer(body, f"{code} X")

    async with scripted(refuse) as server:
        with pytest.raises(error):
            await client(server).get(PODS, "a", "ns")


async def test_a_busy_server_is_asked_again_when_it_says() -> None:
    async def busy_once(exchange: Exchange) -> None:
        if len(server.exchanges) == 1:
            await exchange.answer(status(429, "TooManyRequests"), "429 X", "Retry-After: 0")
        else:
            await exchange.answer()

    async with scripted(busy_once) as server:
        assert await client(server).get(PODS, "a", "ns") == {}


async def test_a_refusal_without_a_time_is_final() -> None:
    async def evict(exchange: Exchange) -> None:
        await exchange.answer(status(429, "TooManyRequests"), "429 X")

    async with scripted(evict) as server:
        with pytest.raises(TooManyRequestsError):
            await client(server).get(PODS, "a", "ns")


def signed_in_by(server: ScriptedServer, script: str) -> Client:
    """As whom a plugin says, which is a line of Python."""
    plugin = {"command": sys.executable, "args": ["-c", script]}
    return Client(ClientConfig(server=f"http://127.0.0.1:{server.port}", exec=plugin), user_agent="test/1")


async def test_a_watch_that_is_not_signed_in_asks_the_plugin_anew() -> None:
    async def unauthorized(exchange: Exchange) -> None:
        await exchange.answer(status(401, "Unauthorized"), "401 X")

    answer = '{"apiVersion": "client.authentication.k8s.io/v1", "status": {"token": "%s"}}'
    script = f"import os; print('{answer}' % os.getpid())"
    async with scripted(unauthorized) as server:
        c = signed_in_by(server, script)
        for _ in range(2):
            with pytest.raises(UnauthorizedError):
                await anext(c.watch(PODS, resource_version="5"))
        await c.aclose()
    first, second = (each.header("authorization") for each in server.exchanges)
    assert first != second


async def test_a_plugin_that_fails_is_a_failed_connection() -> None:
    async with scripted(echo) as server:
        c = signed_in_by(server, "raise SystemExit(3)")
        with pytest.raises(ConnectionFailed, match=r"getting credentials: exec: .* failed with exit code 3"):
            await c.get(PODS, "a", "ns")


async def test_a_token_that_is_not_there_yet_is_a_failed_connection(tmp_path: Path) -> None:
    c = Client(ClientConfig(server="http://127.0.0.1:1", token_file=str(tmp_path / "token")), user_agent="t")
    with pytest.raises(ConnectionFailed, match="token"):
        await c.get(PODS, "a", "ns")


async def test_an_answer_that_is_no_json_is_a_failed_connection() -> None:
    async def html(exchange: Exchange) -> None:
        await exchange.answer(b"<html>")

    async with scripted(html) as server:
        with pytest.raises(ConnectionFailed, match="no JSON"):
            await client(server).get(PODS, "a", "ns")
        with pytest.raises(ConnectionFailed, match="no JSON"):
            await discover(client(server))


def chunks(*lines: Object) -> bytes:
    data = b"".join(orjson.dumps(line) + b"\n" for line in lines)
    return b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n%x\r\n%b\r\n0\r\n\r\n" % (len(data), data)


async def test_a_watch_yields_events_and_raises_errors() -> None:
    async def events(exchange: Exchange) -> None:
        gone = {"kind": "Status", "code": 410, "reason": "Expired", "message": "too old"}
        added = {"type": "ADDED", "object": {"metadata": {"name": "a"}}}
        await exchange.send(chunks(added, {"type": "ERROR", "object": gone}))

    async with scripted(events) as server:
        watch = client(server).watch(PODS, resource_version="5")
        assert await anext(watch) == ("ADDED", {"metadata": {"name": "a"}})
        with pytest.raises(ExpiredError, match="too old"):
            await anext(watch)
    assert "allowWatchBookmarks=true&resourceVersion=5&watch=true" in server.exchanges[0].line


async def test_httpx_runs_on_the_same_connections() -> None:
    async with scripted(echo) as server:
        c = client(server)
        await c.get(PODS, "a", "ns")
        async with await c.http() as http:
            answer = await http.get("/version")
        await c.aclose()
    assert answer.json()["line"] == "GET /prefix/version HTTP/1.1"
    assert (server.connections, server.exchanges[1].header("authorization")) == (1, "Bearer secret")


@pytest.mark.parametrize(
    ("qps", "burst", "waits"), [(1, 0, True), (0.01, 3, False)], ids=["twice the rate", "as is said"]
)
async def test_a_burst_of_requests_is_let_through(qps: float, burst: int, waits: bool) -> None:
    async with scripted(echo) as server:
        limited = Client(
            ClientConfig(server=f"http://127.0.0.1:{server.port}"), user_agent="t", qps=qps, burst=burst
        )
        began = time.monotonic()
        for _ in range(3):
            await limited.get(PODS, "a", "ns")
        await limited.aclose()
    assert (time.monotonic() - began > 0.9 / qps) == waits


async def test_a_client_beside_waits_behind_nothing() -> None:
    waited: list[float | None] = []
    async with scripted(echo) as server:
        config = ClientConfig(server=f"http://127.0.0.1:{server.port}", token="secret")
        limited = Client(
            config, user_agent="t", qps=0.001, burst=1, on_answer=lambda each: waited.append(each.waited)
        )
        beside = limited.beside(seconds=10)
        await limited.get(PODS, "a", "ns")
        for _ in range(3):
            await beside.get(NODES, "n1")
        await beside.aclose()
        await limited.aclose()
    assert waited == [pytest.approx(0, abs=0.05), None, None, None]
    assert [each.connection for each in server.exchanges] == [1, 2, 2, 2]
    assert {each.header("authorization") for each in server.exchanges} == {"Bearer secret"}


async def test_daemons_count_what_they_ask_for() -> None:
    """Every attempt, and of those with a whole answer how long it took and how large it was."""
    busy = (b"{}", "429 Too Many Requests", "retry-after: 0")
    answers = iter([busy, (b'{"a": 1}', "200 OK"), (b"{}", "200 OK")])

    async with scripted(lambda exchange: exchange.answer(*next(answers))) as server:
        host = f"127.0.0.1:{server.port}"
        config, counting = ClientConfig(server=f"http://{host}"), Counting()
        c = Client(config, user_agent="test/1", qps=100, on_answer=count_request)
        await c.create(PODS, {"metadata": {"namespace": "n"}})
        stream = await c.begin(Request("GET", "/api/v1/pods"))
        await stream.aclose()
        await c.aclose()
    gone = Client(config, user_agent="test/1", on_answer=count_request)
    with pytest.raises(ConnectionFailed):
        await gone.get(PODS, "p", "n")
    await gone.aclose()

    def more(series: str, **labels: str) -> float:
        return counting.more(f"rest_client_{series}", host=host, **labels)

    assert more("requests_total", code="429", method="POST") == 1
    assert more("requests_total", code="200", method="POST") == 1
    assert more("request_retries_total", code="200", verb="POST") == 1
    assert more("requests_total", code="200", method="GET") == 1, "a stream"
    assert more("requests_total", code="<error>", method="GET") == 1
    assert more("request_duration_seconds_count", verb="POST") == 2
    assert more("request_duration_seconds_count", verb="GET") == 1, "only what ends at once"
    assert more("rate_limiter_duration_seconds_count", verb="POST") == 2
    assert more("request_size_bytes_sum", verb="POST") == 2 * len(b'{"metadata":{"namespace":"n"}}')
    assert more("response_size_bytes_sum", verb="POST") == len(b"{}") + len(b'{"a": 1}')
