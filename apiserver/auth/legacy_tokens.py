"""When tokens that live in Secrets were used last, and since when that has been noted.

Source: pkg/serviceaccount/legacy.go and pkg/controlplane/controller/legacytokentracking of Kubernetes 1.34.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime

from apimachinery.errors import AlreadyExistsError, StatusError
from apimachinery.legacy_tokens import LAST_USED, SINCE, TRACKING
from apimachinery.objects import NamespacedName, Object, key_of, labels_of
from apiserver.identity import NAME, own_request
from apiserver.registry.options import WriteOptions
from apiserver.registry.store import Store
from apiserver.registry.transaction import Decision, Keep, Put
from apiserver.storage.entry import Entry
from apiserver.storage.interface import StorageError

log = logging.getLogger(__name__)

_CHECK_SECONDS, _RETRY_SECONDS = 3600.0, 1.0
_OPTIONS = WriteOptions(field_manager=NAME)


class LegacyTokenUse:
    """`note` is told of each use; `run` writes what is new of it."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self._used: set[NamespacedName] = set()
        self._news = asyncio.Event()

    @property
    def _today(self) -> str:
        return self._now().astimezone(UTC).strftime("%Y-%m-%d")

    def note(self, secret: Object) -> None:
        """Nothing is written for a second use on a day."""
        if labels_of(secret).get(LAST_USED) != self._today:
            self._used.add(key_of(secret))
            self._news.set()

    async def run(self, secrets: Store, config_maps: Store) -> None:
        """Never returns."""
        await secrets.shared.cache.ready.wait()
        while True:
            try:
                await self.track(config_maps)
                await self._write(secrets)
            except (StatusError, StorageError) as error:
                log.info("Failed to note the use of tokens, trying again: err=%s", error)
                await asyncio.sleep(_RETRY_SECONDS)
                continue
            with suppress(TimeoutError):
                async with asyncio.timeout(_CHECK_SECONDS):
                    await self._news.wait()

    async def track(self, config_maps: Store) -> None:
        """Tells since when use is noted: what was not seen in use before may have been all the same."""
        if config_maps.cache.get(*TRACKING) is not None:
            return
        obj = {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": TRACKING.name, "namespace": TRACKING.namespace},
            "data": {SINCE: self._today},
        }
        with suppress(AlreadyExistsError):
            await config_maps.create(own_request("create"), TRACKING.namespace, obj, _OPTIONS)

    async def _write(self, secrets: Store) -> None:
        self._news.clear()
        today = self._today

        async def decide(current: Entry | None) -> Decision:
            labels = labels_of(current.obj) if current is not None else {LAST_USED: today}
            if current is None or labels.get(LAST_USED) == today:
                return Keep()
            metadata = {**current.obj["metadata"], "labels": {**labels, LAST_USED: today}}
            return Put({**current.obj, "metadata": metadata})

        for key in sorted(self._used):
            await secrets.transactions.guaranteed_update(secrets.key(*key), decide)
            self._used.discard(key)
