"""One KMS v2 provider: the key that seals values now, those that open older ones, and whether all is well.

Source: encryptionconfig/config.go (kmsv2PluginProbe) and kmsv2/envelope.go of kubernetes/apiserver 0.34.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

from apimachinery.times import format_time
from apiserver.storage.encryption import metrics
from apiserver.storage.encryption.ciphers import Cipher, CipherError, KeyAway, KeyNeeded
from apiserver.storage.encryption.kms.envelope import (
    SEED_SIZE,
    Envelope,
    SeedCipher,
    Source,
    SourceType,
    cipher_of,
    problem_of,
    problem_of_key_id,
)
from apiserver.storage.encryption.kms.plugin import Plugin, PluginError

log = logging.getLogger(__name__)

_WELL_SECONDS, _ILL_SECONDS = 60.0, 10.0
_WELL_TTL, _ILL_TTL = timedelta(seconds=20), timedelta(seconds=3)
_WRITE_TTL = timedelta(minutes=3)
_VERSIONS = ("v2", "v2beta1")
_MAX_KNOWN = 1000


@dataclass(frozen=True, slots=True)
class WriteKey:
    """What seals values until `expires`; opening them needs no date."""

    source: Source
    cipher: Cipher
    expires: datetime


@dataclass(frozen=True, slots=True)
class _Seen:
    """What a look at the plugin gave, and until when that is believed."""

    problem: str
    until: datetime


@dataclass(frozen=True, slots=True)
class _Failure(_Seen):
    """That of unwrapping one key."""

    is_away: bool


class KeyService:
    """A Cipher whose keys are wrapped by a plugin. `run` keeps the key that seals values up to date."""

    def __init__(self, plugin: Plugin, now: Callable[[], datetime]) -> None:
        self.name = plugin.name
        self._plugin = plugin
        self._now = now
        self._version = ""
        self._write: WriteKey | None = None
        self._known: OrderedDict[Source, Cipher] = OrderedDict()
        self._checked: _Seen | None = None
        self._failed: dict[Source, _Failure] = {}
        self._checking, self._unwrapping = asyncio.Lock(), asyncio.Lock()

    # As a cipher

    def seal(self, value: bytes, context: bytes) -> bytes:
        key = self._write
        if key is None:
            raise KeyNeeded(self._prime)
        if (now := self._now()) > key.expires:
            moment, digest = format_time(key.expires), _hashed(key.source.key_id)
            text = f"expired at {moment} (current time is {format_time(now)})"
            raise CipherError(f'encryptedDEKSource with keyID hash "{digest}" {text}')
        metrics.count_key("to_storage", self.name, _hashed(key.source.key_id))
        return Envelope(key.source, key.cipher.seal(value, context)).encode()

    def open(self, data: bytes, context: bytes) -> bytes:
        envelope = Envelope.decode(data)
        cipher = self._known.get(envelope.source)
        if cipher is None:
            raise KeyNeeded(lambda: self._unwrap(envelope.source))
        metrics.count_key("from_storage", self.name, _hashed(envelope.source.key_id))
        return cipher.open(envelope.data, context)

    def is_outdated(self, data: bytes) -> bool:
        """Whether a value that could be opened was sealed with a key of another ID."""
        if self._write is None:
            return False
        source, current = Envelope.decode(data).source, self._write.source
        return (source.key_id, source.type) != (current.key_id, current.type)

    def _know(self, source: Source, cipher: Cipher) -> None:
        self._known[source] = cipher
        while len(self._known) > _MAX_KNOWN:
            self._known.popitem(last=False)
        metrics.KNOWN_SOURCES.labels(self.name).set(len(self._known))

    async def _unwrap(self, source: Source) -> None:
        """A failure is believed for some seconds, for many values may have that key.

        Raises CipherError, KeyAway.
        """
        async with self._unwrapping:
            if source in self._known:
                return
            failure = self._failed.get(source)
            if failure is None or self._now() >= failure.until:
                failure = await self._decrypt(source)
            if failure is not None:
                raise (KeyAway if failure.is_away else CipherError)(failure.problem)

    async def _decrypt(self, source: Source) -> _Failure | None:
        metrics.CACHE_MISSES.inc()
        try:
            plaintext = await self._plugin.decrypt(source)
        except PluginError as error:
            problem = f"failed to decrypt DEK, error: {error}"
            failure = self._failed[source] = _Failure(problem, self._now() + _ILL_TTL, error.is_away)
            return failure
        self._failed.pop(source, None)
        self._know(source, cipher_of(source, plaintext))
        return None

    async def _prime(self) -> None:
        """Before the first write. Raises CipherError."""
        problem = await self.check()
        if self._write is None:
            raise CipherError(problem)

    # As what is checked

    async def run(self) -> None:
        """Never returns."""
        while True:
            problem = await self.check()
            if problem:
                log.error("KMS plugin failed its health check: name=%s err=%s", self.name, problem)
            await asyncio.sleep(_ILL_SECONDS if problem else _WELL_SECONDS)

    async def check(self) -> str:
        """What is wrong; nothing if the plugin is well and its key in use. Asks once in some seconds."""
        async with self._checking:
            if self._checked is None or self._now() >= self._checked.until:
                problem = await self._look()
                self._checked = _Seen(problem, self._now() + (_ILL_TTL if problem else _WELL_TTL))
            return self._checked.problem

    @property
    def is_well(self) -> bool:
        """As of the last look."""
        return self._checked is not None and not self._checked.problem

    async def _look(self) -> str:
        try:
            status = await self._plugin.status()
        except PluginError as error:
            text = "failed to perform status section of the healthz check for KMS Provider"
            return f"{text} {self.name}, error: {error}"
        problems = [each for each in (self._judge(status), await self._heed(status.key_id)) if each]
        if not problems:
            return ""
        joined = problems[0] if len(problems) == 1 else f"[{', '.join(problems)}]"
        return f"kmsv2 Provider {self.name} is not healthy, error: {joined}"

    def _judge(self, status: Any) -> str:
        if status.healthz != "ok":
            return f"got unexpected healthz status: {status.healthz}"
        if status.version not in _VERSIONS:
            return f"expected KMSv2 API version v2, got {status.version}"
        self._version = self._version or status.version
        if status.version != self._version:
            text = "KMSv2 API version should not change after the initial status response version"
            return f"{text} {self._version}, got {status.version}"
        return ""

    async def _heed(self, key_id: str) -> str:
        """The key that it names seals values from now on; failing that the one before, till it expires."""
        if problem := problem_of_key_id(key_id):
            metrics.INVALID_KEY_IDS.labels(self.name, "too_long" if key_id else "empty").inc()
            return f'got invalid KMSv2 KeyID hash "{_hashed(key_id)}": {problem}'
        metrics.note_status_key(self.name, _hashed(key_id))
        expires, current = self._now() + _WRITE_TTL, self._write
        if current is not None and current.source.key_id == key_id:
            self._write = WriteKey(current.source, current.cipher, expires)
            return ""
        return await self._rotate(key_id, expires)

    async def _rotate(self, key_id: str, expires: datetime) -> str:
        seed = os.urandom(SEED_SIZE)
        try:
            answer = await self._plugin.encrypt(seed)
        except PluginError as error:
            return f"failed to rotate DEK: failed to encrypt DEK, error: {error}"
        annotations = tuple(sorted(answer.annotations.items()))
        source = Source(SourceType.SEED, answer.ciphertext, answer.key_id, annotations)
        if problem := problem_of(source):
            return f"failed to rotate DEK: {problem}"
        if source.key_id != key_id:
            text = f"statusKeyIDHash={_hashed(key_id)}, encryptKeyIDHash={_hashed(source.key_id)}"
            return f"failed to rotate DEK: {text}"
        cipher = SeedCipher(seed)
        self._know(source, cipher)
        self._write = WriteKey(source, cipher, expires)
        log.info("Took a new key into use: provider=%s keyIDHash=%s", self.name, _hashed(key_id))
        return ""

    async def aclose(self) -> None:
        await self._plugin.aclose()


def _hashed(key_id: str) -> str:
    """Key IDs may be telling; logs and metrics name them by this."""
    return f"sha256:{sha256(key_id.encode()).hexdigest()}" if key_id else ""
