"""Service account tokens of pods: kept, renewed in time, and gone on with while nobody renews them."""

from __future__ import annotations

import asyncio
import random
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest

from apimachinery.objects import Object
from apimachinery.times import format_time
from client.errors import ConnectionFailed
from client.rest import Client
from kubelet.volumes.errors import MountError
from kubelet.volumes.payload import TokenRequest
from kubelet.volumes.tokens import TokenManager
from tests.unit.kubelet.builders import make_container, make_pod

pytestmark = pytest.mark.looptime

WANTED = TokenRequest("", 3600, "token")
POD = make_pod(make_container(), meta={"namespace": "ns", "name": "p", "uid": "u1"})


def now() -> datetime:
    return datetime(2026, 1, 2, tzinfo=UTC) + timedelta(seconds=asyncio.get_running_loop().time())


class Api:
    """Gives numbered tokens of an hour while it is up."""

    def __init__(self) -> None:
        self.up = True
        self.asked = 0

    async def create(self, resource: Any, body: Object, *ignored: Any, **options: Any) -> Object:
        self.asked += 1
        if not self.up:
            raise ConnectionFailed("connection refused")
        expires = now() + timedelta(seconds=body["spec"]["expirationSeconds"])
        return {"status": {"token": f"token {self.asked}", "expirationTimestamp": format_time(expires)}}


def tokens_of(api: Api) -> TokenManager:
    return TokenManager(cast(Client, api), now, random.Random(0))


async def test_a_token_is_renewed_after_four_fifths_of_its_life() -> None:
    tokens = tokens_of(Api())
    assert await tokens.token(POD, WANTED) == "token 1"
    await asyncio.sleep(2860)
    assert await tokens.token(POD, WANTED) == "token 1"
    await asyncio.sleep(21)
    assert await tokens.token(POD, WANTED) == "token 2"


async def test_a_token_is_gone_on_with_while_it_is_good() -> None:
    api = Api()
    tokens = tokens_of(api)
    await tokens.token(POD, WANTED)
    api.up = False
    await asyncio.sleep(2900)
    assert [await tokens.token(POD, WANTED) for _ in range(3)] == ["token 1"] * 3
    assert api.asked == 2
    assert tokens.next_refresh("u1") == 60
    await asyncio.sleep(701)
    with pytest.raises(MountError) as caught:
        await tokens.token(POD, WANTED)
    assert str(caught.value) == (
        'token "default"/"ns"/[]string(nil)/3600/v1.BoundObjectReference{Kind:"Pod", APIVersion:"v1", '
        'Name:"p", UID:"u1"}/"" expired and refresh failed: connection refused'
    )
    assert tokens.next_refresh("u1") == 60, "the pod is not synced again at once"
    api.up = True
    assert await tokens.token(POD, WANTED) == "token 4"


async def test_a_token_that_expires_before_it_is_tried_again_is_not_gone_on_with() -> None:
    api = Api()
    tokens = tokens_of(api)
    await tokens.token(POD, WANTED)
    api.up = False
    await asyncio.sleep(3590)
    assert await tokens.token(POD, WANTED) == "token 1"
    await asyncio.sleep(20)
    with pytest.raises(MountError, match="expired and refresh failed"):
        await tokens.token(POD, WANTED)


async def test_without_any_token_there_is_none() -> None:
    api = Api()
    api.up = False
    with pytest.raises(MountError, match="failed to fetch token: connection refused"):
        await tokens_of(api).token(POD, WANTED)


async def test_a_clock_that_is_ahead_does_not_make_tokens_due_at_once() -> None:
    tokens = TokenManager(cast(Client, Api()), lambda: now() + timedelta(hours=2), random.Random(0))
    assert await tokens.token(POD, WANTED) == "token 1"
    assert tokens.next_refresh("u1") == 60
