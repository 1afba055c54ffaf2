"""Calls of webhooks over connections that do not always hold."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable

import httpx
import pytest

from apiserver.admission.webhooks.caller import Caller, CallError
from apiserver.admission.webhooks.hooks import Hook, parse_hooks
from apiserver.http_client import new_client
from apiserver.services import ServiceAddresses
from apiserver.storage.memory import MemoryStorage
from apiserver.storage.watch_cache import WatchCache
from tests.fakes.http_server import Exchange, scripted
from tests.unit.counting import Counting


def hook(host: str = "h", scheme: str = "https") -> Hook:
    webhook = {"name": "w", "clientConfig": {"url": f"{scheme}://{host}/p"}, "timeoutSeconds": 2}
    return parse_hooks([{"metadata": {"name": "c"}, "webhooks": [webhook]}])[0]


def caller(answer: Callable[[httpx.Request], httpx.Response]) -> Caller:
    addresses = ServiceAddresses(WatchCache(MemoryStorage()), random.Random(0))
    return Caller(addresses, lambda bundle: httpx.AsyncClient(transport=httpx.MockTransport(answer)))


def asking_over_connections() -> Caller:
    addresses = ServiceAddresses(WatchCache(MemoryStorage()), random.Random(0))
    return Caller(addresses, lambda bundle: new_client(False))


async def test_a_kept_connection_that_has_ended_is_made_anew() -> None:
    async def answer(exchange: Exchange) -> None:
        if len(server.exchanges) == 2:
            exchange.close()  # it had been idle for too long
        else:
            await exchange.answer(b'{"response": {}}')

    counting, asking = Counting(), asking_over_connections()
    async with scripted(answer) as server:
        host = f"127.0.0.1:{server.port}"
        for _ in range(2):
            assert await asking.call(hook(host, "http"), {"kind": "AdmissionReview"}) == {"response": {}}
        assert [each.connection for each in server.exchanges] == [1, 1, 2]
        assert server.exchanges[2].line == "POST /p?timeout=2s HTTP/1.1"
        assert server.exchanges[2].body == b'{"kind":"AdmissionReview"}'
        assert counting.more("rest_client_requests_total", code="200", method="POST", host=host) == 2
        await asking.aclose()


async def test_a_webhook_that_hangs_up_on_its_first_request_is_not_asked_twice() -> None:
    async def hang_up(exchange: Exchange) -> None:
        exchange.close()

    counting, asking = Counting(), asking_over_connections()
    async with scripted(hang_up) as server:
        host = f"127.0.0.1:{server.port}"
        with pytest.raises(CallError, match="EOF"):
            await asking.call(hook(host, "http"), {"kind": "AdmissionReview"})
        assert len(server.exchanges) == 1
        assert counting.more("rest_client_requests_total", code="<error>", method="POST", host=host) == 1
        await asking.aclose()


FAILED, HAS = "failed to call webhook: an error", "has prevented the request from succeeding"
ANSWERED = "failed to call webhook: the server responded with the status code"
NO_MORE = "but did not return more information"


@pytest.mark.parametrize(
    ("answer", "expected", "code"),
    [
        (
            httpx.Response(404),
            "failed to call webhook: the server could not find the requested resource",
            404,
        ),
        (
            httpx.Response(500, text="oops"),
            f'{FAILED} on the server ("oops") {HAS}',
            500,
        ),
        (
            httpx.Response(403, json={"kind": "Status", "status": "Failure", "message": "keep out"}),
            "failed to call webhook: keep out",
            403,
        ),
        (
            httpx.Response(500, json={"kind": "Status", "message": "m"}),
            f'{FAILED} on the server ("unknown") {HAS}',
            500,
        ),
        (httpx.Response(403, json={}), "failed to call webhook: unknown", 403),
        (httpx.Response(415, text=" no thanks\n"), "failed to call webhook: no thanks", 415),
        (httpx.Response(207, json={"kind": "AdmissionReview"}), f"{ANSWERED} 207 {NO_MORE}", 207),
        (httpx.Response(410, text="gone"), f"{ANSWERED} 410 {NO_MORE}", 410),
    ],
)
async def test_answers_that_are_errors(answer: httpx.Response, expected: str, code: int) -> None:
    with pytest.raises(CallError) as error:
        await caller(lambda request: answer).call(hook(), {})
    assert (str(error.value), error.value.code) == (expected, code)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("hello", "couldn't get version/kind; json parse error: json: cannot unmarshal string into Go value"),
        ("{", "couldn't get version/kind; json parse error: unexpected end of JSON input"),
        ("a: b: c", "yaml: mapping values are not allowed in this context"),
        ("kind: 5", r"json: cannot unmarshal number into Go struct field \.kind of type string"),
    ],
)
async def test_an_answer_that_is_no_object_is_told(text: str, complaint: str) -> None:
    with pytest.raises(CallError, match=f"failed to call webhook: .*{complaint}"):
        await caller(lambda request: httpx.Response(200, text=text)).call(hook(), {})


async def test_an_answer_may_be_yaml() -> None:
    answer = httpx.Response(200, text="response: {uid: '7', allowed: true}\nkind: AdmissionReview")
    found = await caller(lambda request: answer).call(hook(), {})
    assert found == {"kind": "AdmissionReview", "response": {"allowed": True, "uid": "7"}}
    assert [*found, *found["response"]] == ["kind", "response", "allowed", "uid"], "in the order of names"


async def test_of_too_many_pools_the_one_not_used_for_longest_goes_and_none_is_made_twice() -> None:
    made: list[httpx.AsyncClient] = []

    def connect(_: bytes) -> httpx.AsyncClient:
        made.append(
            httpx.AsyncClient(transport=httpx.MockTransport(lambda request: httpx.Response(200, json={})))
        )
        return made[-1]

    it = Caller(ServiceAddresses(WatchCache(MemoryStorage()), random.Random(0)), connect)
    for number in range(128):
        await it.call(hook(f"h{number}"), {})
    await it.call(hook("h0"), {})
    await asyncio.gather(*(it.call(hook("one-more"), {}) for _ in range(3)))
    assert len(made) == 129
    assert [number for number, each in enumerate(made) if each.is_closed] == [1]
    await it.aclose()
    assert all(each.is_closed for each in made)


async def test_others_are_served_while_a_large_yaml_is_read() -> None:
    turns = 0

    async def others() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(0)
            turns += 1

    large = httpx.Response(200, text="".join(f"a{index}: {index}\n" for index in range(20_000)))
    serving = asyncio.create_task(others())
    await caller(lambda request: large).call(hook(), {})
    serving.cancel()
    assert turns > 0
