"""Configuration files of the apiserver: YAML of one kind, without fields that nobody knows."""

from __future__ import annotations

from collections.abc import Collection, Iterator
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
    """An object of that version, or of an `older` one with the same fields. Raises ConfigError.

    Raises StrictError if it would do for who is lenient.
    """
    try:
        decoded = from_yaml_strict(text)
    except DecodeError as error:
        raise ConfigError(str(error)) from None
    config = decoded.value
    if problem := _problem_of_kind(config, kind, (api_version, *older)):
        raise ConfigError(problem)
    if wrong := misfits(config, shape):
        raise ConfigError(", ".join(wrong))
    filled: Object = _filled(config, shape)
    strange = [f'duplicate field "{each}"' for each in decoded.duplicates] + unknown_fields(config, shape)
    if strange:
        raise StrictError(strange, filled)
    return filled


def _problem_of_kind(config: Any, kind: str, versions: Collection[str]) -> str:
    """Upstream shows the whole text, too, keys and all."""
    if config is not None and not isinstance(config, dict):
        return "couldn't get version/kind; json parse error: not an object"
    found = config or {}
    for name, field in (("Kind", "kind"), ("apiVersion", "apiVersion")):
        if not found.get(field):
            return f"Object '{name}' is missing"
    if found["kind"] != kind or found["apiVersion"] not in versions:
        return f'no kind "{found["kind"]}" is registered for version "{found["apiVersion"]}"'
    return ""


def misfits(value: Any, shape: Shape, path: str = "") -> list[str]:
    """Values of another type."""
    wanted = shape if isinstance(shape, type) else type(shape)
    if value is not None and not isinstance(value, wanted):
        return [f'field "{path}" is of the wrong type']
    return [each for known, *rest in _parts(value, shape, path) if known for each in misfits(*rest)]


def unknown_fields(value: Any, shape: Shape, path: str = "") -> list[str]:
    """Of a value that fits but for them."""
    found = []
    for known, part, its_shape, where in _parts(value, shape, path):
        found += unknown_fields(part, its_shape, where) if known else [f'unknown field "{where}"']
    return found


def _parts(value: Any, shape: Shape, path: str) -> Iterator[tuple[bool, Any, Shape, str]]:
    """Of each item or field: whether it is known, its value, its shape and where it is."""
    if isinstance(shape, list):
        for index, item in enumerate(value or ()):
            yield True, item, shape[0], f"{path}[{index}]"
    if isinstance(shape, dict):
        for name, each in (value or {}).items():
            yield name in shape, each, shape.get(name), f"{path}.{name}" if path else name


def _filled(value: Any, shape: Shape) -> Any:
    """Null is no field, but as an item it is an empty one."""
    if isinstance(shape, list) and value is not None:
        return [_filled(_empty(shape[0]) if item is None else item, shape[0]) for item in value]
    if isinstance(shape, dict) and value is not None:
        return {name: _filled(each, shape[name]) for name, each in value.items() if name in shape}
    return value


def _empty(shape: Shape) -> Any:
    return shape() if isinstance(shape, type) else type(shape)()
