"""Front proxies: who shows a certificate of theirs says in headers on whose behalf the request is.

Source: staging/src/k8s.io/apiserver/pkg/authentication/request/headerrequest/requestheader.go of Kubernetes
1.34.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from urllib.parse import unquote

from apiserver.request import UserInfo

Headers = Sequence[tuple[bytes, bytes]]


@dataclass(frozen=True, slots=True)
class RequestHeaders:
    """Which headers say what, in lower case."""

    username: tuple[str, ...]
    uid: tuple[str, ...] = ()
    group: tuple[str, ...] = ()
    extra_prefixes: tuple[str, ...] = ()

    def user_of(self, headers: Headers) -> UserInfo | None:
        """None if they name nobody."""
        pairs = [(key.decode("latin-1"), value.decode("latin-1")) for key, value in headers]
        name = _first(pairs, self.username)
        if not name:
            return None
        groups = [value for wanted in self.group for key, value in pairs if key == wanted and value]
        extra: dict[str, tuple[str, ...]] = {}
        for key, value in pairs:
            for prefix in self.extra_prefixes:
                if key.startswith(prefix):
                    extra_key = unquote(key[len(prefix) :]).lower()
                    extra[extra_key] = (*extra.get(extra_key, ()), value)
        return UserInfo(name, _first(pairs, self.uid), (*groups, *_implied(groups)), extra)

    def without(self, headers: Headers) -> list[tuple[bytes, bytes]]:
        """What is passed on: these headers have said what they had to say."""
        names = {each.encode() for each in (*self.username, *self.uid, *self.group)}
        prefixes = tuple(each.encode() for each in self.extra_prefixes)
        return [pair for pair in headers if pair[0] not in names and not pair[0].startswith(prefixes)]


def _first(pairs: Iterable[tuple[str, str]], wanted: Iterable[str]) -> str:
    pairs = list(pairs)
    return next((value for name in wanted for key, value in pairs if key == name and value), "")


def _implied(groups: Sequence[str]) -> tuple[str, ...]:
    known = ("system:authenticated", "system:unauthenticated")
    return () if any(each in groups for each in known) else ("system:authenticated",)
