"""Webhooks that a kubeconfig file names, on a real socket: what they are sent, and how often."""

from __future__ import annotations

import asyncio
import random
from pathlib import Path
from typing import Any

import orjson
import pytest
import yaml

from apimachinery.errors import StatusError
from apiserver.audit.webhook import WebhookSink, always
from apiserver.config_files import ConfigError
from apiserver.generic_webhook import GenericWebhook, WebhookError, delays, load_webhook_config
from tests.fakes.http_server import Exchange, ScriptedServer, scripted
from tests.fakes.webhook_server import kubeconfig


def webhook(folder: Path, server: ScriptedServer, path: str = "/audit", **settings: Any) -> GenericWebhook:
    config = load_webhook_config(kubeconfig(folder, f"http://127.0.0.1:{server.port}{path}", token="secret"))
    return GenericWebhook(config, backoff=0.01, randomness=random.Random(0), **settings)


async def test_an_object_is_posted_with_credentials(tmp_path: Path) -> None:
    async with scripted(lambda exchange: exchange.answer(b'{"ok": true}')) as server:
        hook = webhook(tmp_path, server)
        assert await hook.post({"a": 1}) == {"ok": True}
        await hook.aclose()
    (asked,) = server.exchanges
    assert asked.line == "POST /audit?timeout=30s HTTP/1.1"
    assert orjson.loads(asked.body) == {"a": 1}
    assert asked.header("authorization") == "Bearer secret"


STATUS = b'{"kind": "Status", "code": 429, "reason": "TooManyRequests", "message": "later"}'


@pytest.mark.parametrize(
    ("status", "body", "attempts", "message"),
    [
        ("400 Bad Request", b"no", 1, "the server rejected our request for an unknown reason"),
        ("500 Internal Server Error", b"", 5, "has prevented the request from succeeding"),
        ("429 Too Many Requests", STATUS, 5, "later"),
        ("200 OK", b"{", 1, "json parse error"),
    ],
)
async def test_what_may_pass_is_tried_again(
    tmp_path: Path, status: str, body: bytes, attempts: int, message: str
) -> None:
    async with scripted(lambda exchange: exchange.answer(body, status)) as server:
        hook = webhook(tmp_path, server)
        with pytest.raises((StatusError, WebhookError), match=message):
            await hook.post({})
        await hook.aclose()
    assert len(server.exchanges) == attempts


async def test_a_webhook_that_gets_well_is_answer_enough(tmp_path: Path) -> None:
    async def ill_at_first(exchange: Exchange) -> None:
        if len(server.exchanges) < 3:
            exchange.close()
        else:
            await exchange.answer(b"")

    async with scripted(ill_at_first) as server:
        hook = webhook(tmp_path, server)
        assert await hook.post({}) is None
        await hook.aclose()


async def test_audit_events_are_kept_whatever_a_good_answer_says(tmp_path: Path) -> None:
    async with scripted(lambda exchange: exchange.answer(b"ok")) as server:
        sink = WebhookSink(webhook(tmp_path, server, should_retry=always))
        assert await sink.process([{"auditID": "1"}])
        await sink.aclose()
    assert len(server.exchanges) == 1


async def test_an_answer_that_cannot_be_unpacked_is_none(tmp_path: Path) -> None:
    async with scripted(
        lambda exchange: exchange.answer(b"{}", "200 OK", "content-encoding: gzip")
    ) as server:
        hook = webhook(tmp_path, server)
        with pytest.raises(WebhookError, match="incorrect header check"):
            await hook.post({})
        await hook.aclose()


async def test_an_answer_that_comes_in_drips_has_no_more_time_than_others(tmp_path: Path) -> None:
    async def drip(exchange: Exchange) -> None:
        await exchange.send(b"HTTP/1.1 200 OK\r\ncontent-length: 40\r\n\r\n")
        for _ in range(40):
            await exchange.send(b" ")
            await asyncio.sleep(0.05)

    async with scripted(drip) as server:
        hook = webhook(tmp_path, server, timeout=0.2)
        with pytest.raises(WebhookError, match=r'^Post "http://\S+/audit": context deadline exceeded$'):
            await hook.post({})
        await hook.aclose()


async def test_where_nobody_listens_is_said_in_upstreams_words(tmp_path: Path) -> None:
    async with scripted(lambda exchange: exchange.answer()) as server:
        hook = webhook(tmp_path, server)
    wanted = r'Post "http://\S+/audit": dial tcp \S+: connect: connection refused'
    with pytest.raises(WebhookError, match=wanted):
        await hook.post({})


def test_waiting_grows_by_half_each_time() -> None:
    waits = list(delays(10, random.Random(0)))
    assert len(waits) == 4
    assert all(10 * 1.5**n <= wait <= 12 * 1.5**n for n, wait in enumerate(waits))


def test_a_file_that_is_no_kubeconfig_is_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no such file or directory"):
        load_webhook_config(str(tmp_path / "none"))


def test_so_are_an_authority_and_a_certificate_that_are_none(tmp_path: Path) -> None:
    path = kubeconfig(tmp_path, "https://127.0.0.1:1/")
    broken = {"certificate-authority-data": "bm90aGluZw=="}
    config = yaml.safe_load(Path(path).read_text())
    config["clusters"][0]["cluster"] |= broken
    Path(path).write_text(yaml.safe_dump(config))
    with pytest.raises(ConfigError, match="certificate"):
        load_webhook_config(path)
