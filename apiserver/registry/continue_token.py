"""Where a list in chunks goes on: upstream's tokens, opaque to clients."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass

import orjson

from apimachinery.errors import BadRequestError, ExpiredError
from apimachinery.objects import Object

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
        token = {"v": "meta.k8s.io/v1", "rv": self.revision, "start": self.start_after[len(prefix) :] + "\0"}
        return base64.urlsafe_b64encode(orjson.dumps(token)).rstrip(b"=").decode()


def decode_position(token: str, prefix: str) -> Position:
    """Raises BadRequestError."""
    try:
        raw = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
        found = orjson.loads(raw)
        if found["v"] != "meta.k8s.io/v1" or found["rv"] == 0:
            raise ValueError("unrecognized version or incorrect encoded resourceVersion")
        start = found["start"]
        if not start or start.startswith("/") or ".." in start.split("/"):
            raise ValueError("invalid start key")
        return Position(int(found["rv"]), prefix + start.removesuffix("\0"))
    except (binascii.Error, ValueError, KeyError, TypeError, AttributeError) as error:
        raise BadRequestError(f"continue key is not valid: {error}") from None


class ContinueExpiredError(ExpiredError):
    """Carries a token with which the list can go on, if consistency does not matter."""

    def __init__(self, message: str, token: str) -> None:
        super().__init__(message)
        self._token = token

    def to_status(self) -> Object:
        return super().to_status() | {"metadata": {"continue": self._token}}
