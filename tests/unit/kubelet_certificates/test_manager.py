"""The manager of a certificate goes on whatever it finds, is given, and can't write."""

from __future__ import annotations

import asyncio
import random
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import pytest
from prometheus_client import CollectorRegistry

from apimachinery.well_known import KUBELET_SERVING
from client.errors import ConnectionFailed
from client.rest import Client
from component_base.certificates import Certificate, CertificateError
from component_base.metrics import Gauge, Histogram
from kubelet.certificates import manager
from kubelet.certificates.manager import CertificateManager, Told
from kubelet.certificates.requests import Wanted
from kubelet.certificates.store import CertificateStore

START = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
SERVER = Wanted("n1", KUBELET_SERVING, ("n1",), ("192.0.2.7",))
DAYS = timedelta(days=10)


def now() -> datetime:
    return START + timedelta(seconds=asyncio.get_running_loop().time())


class Signer:
    """Signs what is in `answers`, then "good" and a number: certificates are words here."""

    def __init__(self, store: CertificateStore, *answers: str | Exception) -> None:
        self.store, self.answers = store, [*answers]
        self.asked: list[float] = []
        self.used: list[str] = []
        self.told: Told
        self.issued: dict[str, str] = {}
        """By key: who asks twice with the same gets the same."""

    async def obtain(self, client: Client, wanted: Wanted, store: CertificateStore) -> tuple[str, str]:
        self.asked.append(asyncio.get_running_loop().time())
        key = store.pending_key() or f"key {len(self.asked)}\n"
        store.keep_pending_key(key)
        if key not in self.issued:
            self.issued[key] = self.answer()
        return key, self.issued[key]

    def answer(self) -> str:
        answer = self.answers.pop(0) if self.answers else f"good {len(self.asked)}"
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def inspect(self, pem: str) -> Certificate:
        if pem.startswith("bad"):
            raise CertificateError("none")
        names = () if pem.startswith("other") else (SERVER.dns, SERVER.addresses)
        dns, addresses = map(frozenset, names or ((), ()))
        return Certificate(now(), now() + DAYS, dns, addresses)

    def use(self, pem: bytes) -> None:
        self.used.append(pem.decode().splitlines()[0])


@pytest.fixture
def store(tmp_path: Path) -> CertificateStore:
    return CertificateStore(tmp_path / "pki", "kubelet-server")


async def run(signer: Signer, monkeypatch: pytest.MonkeyPatch, seconds: float = 60) -> None:
    monkeypatch.setattr(manager, "obtain", signer.obtain)
    monkeypatch.setattr(manager, "inspect", signer.inspect)
    registry = CollectorRegistry()
    ttl, errors = (Gauge(name, name, registry=registry) for name in ("ttl", "errors"))
    signer.told = Told(ttl, errors, Histogram("ages", "ages", registry=registry))
    it = CertificateManager(
        cast(Client, None), signer.store, lambda: SERVER, signer.use, now, random.Random(1), signer.told
    )
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(it.run(), seconds)


@pytest.mark.looptime
async def test_a_certificate_is_asked_for_used_kept_and_renewed(
    store: CertificateStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    signer = Signer(store)
    await run(signer, monkeypatch, DAYS.total_seconds())
    assert signer.used == ["good 1", "good 2"]
    assert store.read() == "good 2\nkey 2\n"
    assert signer.asked[0] == 0
    assert 0.7 * DAYS.total_seconds() < signer.asked[1] < 0.9 * DAYS.total_seconds()
    assert signer.told.ages is not None
    (ages,) = signer.told.ages.collect()
    assert [each.value for each in ages.samples if each.name == "ages_count"] == [1]


@pytest.mark.looptime
@pytest.mark.parametrize("kept", ["bad", "other"])
async def test_what_is_kept_and_of_no_use_is_replaced_at_once(
    kept: str, store: CertificateStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.save("key\n", kept, START)
    signer = Signer(store)
    await run(signer, monkeypatch)
    assert signer.asked == [0]
    assert signer.used[-1] == "good 1"


@pytest.mark.looptime
async def test_names_that_are_missing_are_asked_for_until_they_are_there(
    store: CertificateStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first try failing does not make the certificate of before good."""
    store.save("key\n", "other", START)
    signer = Signer(store, ConnectionFailed("refused"))
    await run(signer, monkeypatch)
    assert signer.used == ["other", "good 2"]


@pytest.mark.looptime
async def test_one_who_signs_something_else_is_asked_again_and_not_all_the_time(
    store: CertificateStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    signer = Signer(store, "bad", "bad", "other")
    await run(signer, monkeypatch)
    assert signer.asked == [0, 2, 6]  # who leaves out names has decided
    assert store.read() == "other\nkey 3\n"


@pytest.mark.looptime
async def test_a_full_disk_is_waited_for(store: CertificateStore, monkeypatch: pytest.MonkeyPatch) -> None:
    signer, save, full = Signer(store), store.save, [True]

    def save_if_there_is_room(*arguments: Any) -> None:
        if full:
            full.pop()
            raise OSError(28, "No space left on device")
        save(*arguments)

    monkeypatch.setattr(store, "save", save_if_there_is_room)
    await run(signer, monkeypatch)
    assert store.read() == "good 1\nkey 1\n"


@pytest.mark.looptime
async def test_a_signer_that_is_away_is_asked_every_half_minute_at_last(
    store: CertificateStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    signer = Signer(store, *[ConnectionFailed("refused")] * 9)
    await run(signer, monkeypatch, 130)
    assert signer.asked == [0, 2, 6, 14, 30, 62, 94, 126]
