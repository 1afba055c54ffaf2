"""Where a list in chunks goes on: upstream's tokens, opaque to clients."""

from __future__ import annotations

import base64
import posixpath
import string
from dataclasses import dataclass
from typing import Any

import orjson

from apimachinery.errors import BadRequestError, ExpiredError
from apimachinery.go_values import json_kind
from apimachinery.objects import Object
from apimachinery.serialize import from_json

_VERSION = "meta.k8s.io/v1"
_FIELDS: dict[str, tuple[Any, str]] = {"v": ("", "string"), "rv": (0, "int64"), "start": ("", "string")}
"""With what each is that is not told, and the type that Go calls it."""
_ALPHABET = frozenset(f"{string.ascii_letters}{string.digits}-_")
_REVISIONS = range(-(1 << 63), 1 << 63)
CONTINUE_TOO_OLD = (
    "The provided continue parameter is too old to display a consistent list result. You can start a new "
    "list without the continue parameter, or use the continue token in this response to retrieve the "
    "remainder of the results. Continuing with the provided token results in an inconsistent list - objects "
    "that were created, modified, or deleted between the time the first chunk was returned and now may show "
    "up in the list."
)


@dataclass(frozen=True, slots=True)
class Position:
    """Where a list goes on: after a key, as of a revision (-1: whatever is current)."""

    revision: int
    start_after: str

    def encode(self, prefix: str) -> str:
        token = {"v": _VERSION, "rv": self.revision, "start": self.start_after[len(prefix) :] + "\0"}
        return base64.urlsafe_b64encode(orjson.dumps(token)).rstrip(b"=").decode()


def decode_position(token: str, prefix: str) -> Position:
    """The inverse of `encode`. Raises BadRequestError for what is no token, or leads outside of `prefix`."""
    try:
        version, revision, start = _fields(from_json(_raw(token)))
    except ValueError as error:
        raise _bad(f": {error}") from None
    if version != _VERSION:
        raise _bad(f": server does not recognize this encoded version {version}")
    if not revision:
        raise _bad(f": incorrect encoded start resourceVersion (version {_VERSION})")
    if not start:
        raise _bad(f": encoded start key empty (version {_VERSION})")
    key = f"/{start.removeprefix('/')}"
    if posixpath.normpath(key) != key:
        raise _bad(f": {start}")
    return Position(revision, prefix + key[1:].removesuffix("\0"))


def _raw(token: str) -> bytes:
    """Raises ValueError, in the words of Go's decoder, who wants no padding."""
    illegal = [position for position, character in enumerate(token) if character not in _ALPHABET]
    if illegal or len(token) % 4 == 1:
        raise ValueError(f"illegal base64 data at input byte {illegal[0] if illegal else len(token) - 1}")
    return base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))


def _fields(found: Any) -> list[Any]:
    """Raises ValueError, in the words of Go's decoder."""
    if found is not None and not isinstance(found, dict):
        raise ValueError(
            f"json: cannot unmarshal {json_kind(found)} into Go value of type storage.continueToken"
        )
    return [_field(name, (found or {}).get(name)) for name in _FIELDS]


def _field(name: str, value: Any) -> Any:
    zero, go_type = _FIELDS[name]
    if value is None:
        return zero
    if type(value) is type(zero) and (go_type == "string" or value in _REVISIONS):
        return value
    shown = json_kind(value)
    if (shown, go_type) == ("number", "int64"):
        shown = f"number {value}"
    raise ValueError(
        f"json: cannot unmarshal {shown} into Go struct field continueToken.{name} of type {go_type}"
    )


def _bad(why: str) -> BadRequestError:
    return BadRequestError(f"invalid continue token: continue key is not valid{why}")


class ContinueExpiredError(ExpiredError):
    """Carries a token with which the list can go on, if consistency does not matter."""

    def __init__(self, message: str, token: str) -> None:
        super().__init__(message)
        self._token = token

    def to_status(self) -> Object:
        return super().to_status() | {"metadata": {"continue": self._token}}
