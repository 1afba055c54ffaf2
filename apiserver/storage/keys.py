"""Which resource a key of the store belongs to: its prefix says so."""

from __future__ import annotations

from collections.abc import Iterator

ROOT = "/registry/"


def prefixes(key: str) -> Iterator[str]:
    """`/registry/pods/`, `/registry/services/specs/`: what the prefix of a key's resource may be."""
    end = key.find("/", len(ROOT)) + 1
    if end:
        yield key[:end]
        end = key.find("/", end) + 1
        if end:
            yield key[:end]
