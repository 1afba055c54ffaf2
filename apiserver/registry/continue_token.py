"""Where a list in chunks goes on: upstream's tokens, opaque to clients."""

from __future__ import annotations

import base64
import binascii
import posixpath
from dataclasses import dataclass
from typing import Any

import orjson

from apimachinery.errors import BadRequestError, ExpiredError
from apimachinery.objects import Object

_VERSION = "meta.k8s.io/v1"
_FIELDS: dict[str, Any] = {"v": "", "rv": 0, "start": ""}
"""With what each is that is not told."""
_REVISIONS = 1 << 63
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
    """Raises BadRequestError."""
    try:
        raw = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
        found = orjson.loads(raw)
        version, revision, start = (found.get(name) or zero for name, zero in _FIELDS.items())
        if type(revision) is not int or not -_REVISIONS <= revision < _REVISIONS:
            raise ValueError(f"no revision: {revision}")
        position = Position(revision, prefix + start.removesuffix("\0").removeprefix("/"))
    except (binascii.Error, ValueError, TypeError, AttributeError) as error:
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
    return position


def _bad(why: str) -> BadRequestError:
    return BadRequestError(f"invalid continue token: continue key is not valid{why}")


class ContinueExpiredError(ExpiredError):
    """Carries a token with which the list can go on, if consistency does not matter."""

    def __init__(self, message: str, token: str) -> None:
        super().__init__(message)
        self._token = token

    def to_status(self) -> Object:
        return super().to_status() | {"metadata": {"continue": self._token}}
