"""Health endpoints: what they answer, also over a real TLS socket."""

import asyncio
import ssl

import pytest

from component_base.certificates import load_pair
from component_base.health import HealthServer
from component_base.http_server import Request, Response
from component_base.listening import ListenError
from component_base.x509_tool import self_signed


async def hello(request: Request) -> Response:
    return Response(b"hello " + request.parameter("who").encode())


def server(trouble: str | None = None) -> HealthServer:
    checks = {"leader": lambda: trouble}
    return HealthServer("127.0.0.1", 0, checks, routes={"/hello": hello}, config={"v": 1})


@pytest.mark.parametrize(
    ("path", "query", "trouble", "status", "body"),
    [
        pytest.param("/healthz", {}, None, 200, "ok", id="fine"),
        pytest.param("/livez/ping", {}, "bad", 200, "ok", id="one check"),
        pytest.param(
            "/readyz",
            {"verbose": [""]},
            None,
            200,
            "[+]ping ok\n[+]leader ok\nreadyz check passed\n",
            id="verbose",
        ),
        pytest.param(
            "/healthz",
            {},
            "lost",
            500,
            "[+]ping ok\n[-]leader failed: reason withheld\nhealthz check failed\n",
            id="a failed check",
        ),
        pytest.param("/healthz", {"exclude": ["leader"]}, "lost", 200, "ok", id="a check left out"),
        pytest.param(
            "/healthz",
            {"exclude": ["ping", "leader"], "verbose": [""]},
            "lost",
            200,
            "[+]ping excluded: ok\n[+]leader excluded: ok\nhealthz check passed\n",
            id="two left out",
        ),
        pytest.param("/healthz/other", {}, None, 404, "404 page not found\n", id="unknown check"),
        pytest.param("/configz", {}, None, 200, '{"v":1}', id="configuration"),
        pytest.param("/hello", {"who": ["you"]}, None, 200, "hello you", id="a route"),
        pytest.param("/", {}, None, 404, "404 page not found\n", id="nothing there"),
    ],
)
async def test_endpoints(
    path: str, query: dict[str, list[str]], trouble: str | None, status: int, body: str
) -> None:
    answer = await server(trouble).handle(Request("GET", path, query, {}))
    assert (answer.status, answer.body.decode()) == (status, body)


class NobodyButRoot:
    async def refusal(self, request: Request) -> Response | None:
        return None if request.headers.get("user") == "root" else Response(b"no", 403)


@pytest.mark.parametrize(
    ("path", "user", "status"),
    [
        pytest.param("/readyz", "", 403, id="health"),
        pytest.param("/livez/ping", "", 403, id="each of its checks"),
        pytest.param("/metrics", "", 403, id="metrics"),
        pytest.param("/configz", "", 403, id="the configuration"),
        pytest.param("/hello", "", 403, id="a route"),
        pytest.param("/nothing", "", 403, id="what there is not"),
        pytest.param("/hello", "root", 200, id="whom the guard lets in"),
        pytest.param("/readyz", "root", 200, id="health, for whom the guard lets in"),
    ],
)
async def test_a_guard_stands_before_everything(path: str, user: str, status: int) -> None:
    guarded = HealthServer("127.0.0.1", 0, routes={"/hello": hello}, guard=NobodyButRoot())
    assert (await guarded.handle(Request("GET", path, {}, {"user": user}))).status == status


async def test_metrics_are_in_the_text_format() -> None:
    answer = await server().handle(Request("GET", "/metrics", {}, {}))
    assert b"process_resident_memory_bytes" in answer.body


async def test_checks_are_counted_for_service_levels() -> None:
    failing = HealthServer("127.0.0.1", 0, {"counted": lambda: "lost"})
    for _ in range(2):
        await failing.handle(Request("GET", "/readyz", {}, {}))
    shown = (await failing.handle(Request("GET", "/metrics/slis", {}, {}))).body.decode().splitlines()
    assert [each for each in shown if '"counted"' in each] == [
        'kubernetes_healthcheck{name="counted",type="readyz"} 0.0',
        'kubernetes_healthchecks_total{name="counted",status="error",type="readyz"} 2.0',
    ]


async def test_it_serves_over_tls_and_keeps_the_connection() -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    pem = self_signed("test")
    load_pair(context, pem)
    trust = ssl.create_default_context(cadata=pem[pem.index(b"-----BEGIN CERT") :].decode())
    health = HealthServer("127.0.0.1", 0, ssl_context=context)
    port = await health.start()
    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=trust, server_hostname="localhost")
    for _ in range(2):
        writer.write(b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n")
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200 OK")
        assert await reader.readexactly(2) == b"ok"
    writer.close()
    await writer.wait_closed()
    await health.aclose()


async def test_a_request_that_fails_is_answered_and_the_connection_goes_on() -> None:
    async def fail(_: Request) -> Response:
        raise ZeroDivisionError

    health = HealthServer("127.0.0.1", 0, routes={"/fails": fail})
    reader, writer = await asyncio.open_connection("127.0.0.1", await health.start())
    for path, status in ((b"/fails", b"500"), (b"/healthz", b"200")):
        writer.write(b"GET " + path + b" HTTP/1.1\r\nhost: x\r\n\r\n")
        head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 60)
        assert head.split()[1] == status
        await reader.readexactly(int(head.partition(b"content-length: ")[2].split()[0]))
    writer.close()
    await writer.wait_closed()
    await health.aclose()


async def test_two_may_share_a_port_where_both_say_so() -> None:
    first = HealthServer("127.0.0.1", 0, shares_port=True)
    port = await first.start()
    second, alone = HealthServer("127.0.0.1", port, shares_port=True), HealthServer("127.0.0.1", port)
    assert await second.start() == port
    with pytest.raises(ListenError, match="in use"):
        await alone.start()
    for each in (first, second):
        await each.aclose()
