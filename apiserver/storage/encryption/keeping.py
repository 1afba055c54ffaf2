"""The encryption configuration in use: its plugins are kept going, its file is read again.

Source: encryptionconfig/controller/controller.go of kubernetes/apiserver 0.34.
"""

from __future__ import annotations

import asyncio
import logging
from hashlib import sha256

from apiserver.config_files import ConfigError
from apiserver.reload_metrics import ENCRYPTION
from apiserver.storage.encryption.config import Seams, load, parse_config
from apiserver.storage.encryption.kms.key_service import KeyService
from apiserver.storage.encryption.storage import EncryptedStorage
from apiserver.storage.encryption.transformer import Transformers
from apiserver.storage.interface import Storage

log = logging.getLogger(__name__)

_RELOAD_SECONDS = 60.0


class EncryptionKeeper:
    """--encryption-provider-config, and with `reloads` --encryption-provider-config-automatic-reload."""

    def __init__(self, path: str, storage: Storage, *, reloads: bool, seams: Seams = Seams()) -> None:  # noqa: B008 (frozen)
        """Raises ConfigError."""
        text = load(path)
        self.storage = EncryptedStorage(storage, parse_config(text, seams, path))
        self.reloads = reloads
        self._path = path
        self._seams = seams
        self._digest = sha256(text).digest()
        ENCRYPTION.applied(text)

    @property
    def services(self) -> tuple[KeyService, ...]:
        return self.storage.transformers.services

    async def run(self) -> None:
        """Never returns."""
        while True:
            current = self.storage.transformers
            kept = [asyncio.create_task(each.run()) for each in current.services]
            try:
                await self._next()
            finally:
                await _stop(kept, current)

    async def _next(self) -> None:
        """Returns when other transformers are in use. A file that is no good changes nothing."""
        if not self.reloads:
            await asyncio.get_running_loop().create_future()
        while True:
            await asyncio.sleep(_RELOAD_SECONDS)
            try:
                if await self.reload():
                    ENCRYPTION.note("success")
                    return
            except ConfigError as error:
                ENCRYPTION.note("failure")
                log.error("Failed to reload the encryption configuration: err=%s", error)

    async def reload(self) -> bool:
        """Whether there was anything new. Raises ConfigError, also for a plugin that is not well."""
        text = load(self._path)
        digest = sha256(text).digest()
        if digest == self._digest:
            return False
        transformers = parse_config(text, self._seams, self._path)
        if problem := await _problem_of(transformers.services):
            await _stop([], transformers)
            raise ConfigError(problem)
        self.storage.transformers = transformers
        self._digest = digest
        ENCRYPTION.applied(text)
        log.info("Reloaded the encryption configuration: path=%s", self._path)
        return True

    @property
    def is_checked(self) -> bool:
        """Whether health has a check kms-providers: even without any, if there may be some one day."""
        return self.reloads or bool(self.services)

    async def check(self) -> str:
        return await _problem_of(self.services)


async def _problem_of(services: tuple[KeyService, ...]) -> str:
    """What is wrong with the plugins; nothing if all are well."""
    problems = [(index, await each.check()) for index, each in enumerate(services)]
    return ", ".join(f"kms-provider-{index}: {problem}" for index, problem in problems if problem)


async def _stop(kept: list[asyncio.Task[None]], transformers: Transformers) -> None:
    for task in kept:
        task.cancel()
    await asyncio.gather(*kept, return_exceptions=True)
    for each in transformers.services:
        await each.aclose()
