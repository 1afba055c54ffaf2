"""Configuration files of the apiserver: YAML of one kind, without fields that nobody knows."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from apimachinery.objects import Object
from apimachinery.serialize import Decoded, DecodeError, from_text_strict
from component_base.config_shape import Struct, decoded, kind_problem, misfit, unknown_fields
from component_base.folder_watch import FolderWatch
from component_base.os_errors import in_words

_LOOK_SECONDS = 60.0
"""However little the kernel tells of a file."""


class ConfigError(Exception):
    """A file that cannot be served; the message says why, without its secrets."""


class StrictError(ConfigError):
    """Fields that nobody knows, or that are there twice; all else is well with `config`."""

    def __init__(self, complaints: Collection[str], config: Object) -> None:
        super().__init__(f"strict decoding error: {', '.join(complaints)}")
        self.config = config


def read_file(path: str) -> bytes:
    """Raises ConfigError."""
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise ConfigError(in_words(error, "open")) from None


class WatchedFile:
    """A file that is read, and read again whenever it has changed."""

    def __init__(self, path: str) -> None:
        self._path = Path(path)
        self._told: bytes | str | None = None
        """The text that was returned last, or why there was none."""

    async def changed(self) -> bytes:
        """The file's text, as soon as it is not what was returned before.

        Raises ConfigError when it can no longer be read: once, for as long as that does not change.
        """
        watch = FolderWatch()
        try:
            while True:
                watch.arm(self._path.absolute().parent)
                if (text := self._news()) is not None:
                    return text
                await watch.changed(_LOOK_SECONDS)
        finally:
            watch.close()

    def _news(self) -> bytes | None:
        """None if all is as it was told. Raises ConfigError."""
        before = self._told
        try:
            self._told = text = read_file(str(self._path))
        except ConfigError as error:
            self._told = str(error)
            if self._told != before:
                raise
            return None
        return text if text != before else None


def decode_config(
    text: bytes, api_version: str, kind: str, shape: Struct, *others: tuple[str, str]
) -> Object:
    """An object of that version and kind, or of one of the `others` with the same fields. Raises ConfigError.

    Raises StrictError if all that is wrong are unknown or duplicate fields.
    """
    try:
        found = from_text_strict(text)
    except DecodeError as error:
        raise ConfigError(str(error)) from None
    if problem := kind_problem(found.value, api_version, kind, *others):
        raise ConfigError(problem)
    return fit(found, shape)


def fit(found: Decoded, shape: Struct) -> Object:
    """What a file says, as Go decodes it. Raises ConfigError for wrong types, StrictError as above."""
    if problem := misfit(found.value, shape):
        raise ConfigError(problem)
    config: Object = decoded(found.value, shape)
    repeated = [f'duplicate field "{each}"' for each in found.duplicates]
    strange = [found.strict_problem] if found.strict_problem else repeated
    strange += [f'unknown field "{each}"' for each in unknown_fields(found.value, shape)]
    if strange:
        raise StrictError(strange, config)
    return config
