"""Configuration files of the apiserver: YAML of one kind, without fields that nobody knows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from apimachinery.objects import Object
from apimachinery.serialize import DecodeError, from_yaml_strict
from component_base.folder_watch import FolderWatch

_LOOK_SECONDS = 60.0
"""However little the kernel tells of a file."""

Shape = Any
"""A type for a scalar, a list of one shape, or a dict of shapes by field."""


class ConfigError(Exception):
    """A file that cannot be served; the message says why, without its secrets."""


def read_file(path: str) -> bytes:
    """Raises ConfigError."""
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise ConfigError(f"failed to read {path!r}: {error.strerror}") from None


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


def decode_config(text: bytes, api_version: str, kind: str, shape: Shape, *older: str) -> Object:
    """An object of that version, or of an `older` one with the same fields. Raises ConfigError."""
    try:
        decoded = from_yaml_strict(text)
    except DecodeError as error:
        raise ConfigError(str(error)) from None
    config = decoded.value
    known = [(version, kind) for version in (api_version, *older)]
    if not isinstance(config, dict) or (config.get("apiVersion"), config.get("kind")) not in known:
        raise ConfigError(f"expected {kind} of {api_version}")
    complaints = [f'duplicate field "{each}"' for each in decoded.duplicates] + misshapen(config, shape)
    if complaints:
        raise ConfigError(f"strict decoding error: {', '.join(complaints)}")
    return config


def misshapen(value: Any, shape: Shape, path: str = "") -> list[str]:
    """Unknown fields, and values of another type."""
    if value is None:
        return []
    if isinstance(shape, type):
        return [] if isinstance(value, shape) else [f'field "{path}" is of the wrong type']
    if not isinstance(value, type(shape)):
        return [f'field "{path}" is of the wrong type']
    if isinstance(shape, list):
        return [
            each for index, item in enumerate(value) for each in _of_item(item, shape[0], f"{path}[{index}]")
        ]
    found = []
    for name, each in value.items():
        where = f"{path}.{name}" if path else name
        found += misshapen(each, shape[name], where) if name in shape else [f'unknown field "{where}"']
    return found


def _of_item(value: Any, shape: Shape, path: str) -> list[str]:
    """Null is no item, though it is as good as no field."""
    return [f'field "{path}" is of the wrong type'] if value is None else misshapen(value, shape, path)
