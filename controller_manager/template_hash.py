"""Pod templates compared and hashed: what tells the generations of a workload's pods apart. Pure."""

from __future__ import annotations

from typing import Any

import orjson

from apimachinery.objects import Object

_SAFE = "bcdfghjklmnpqrstvwxz2456789"


def template_hash(template: Object, collisions: int = 0) -> str:
    """A short name for a template: FNV-1a over its canonical JSON, in letters that spell no words.

    Upstream hashes Go's printout of the struct, so the letters differ; the form and the uses are the same.
    """
    data = orjson.dumps(normal(template), option=orjson.OPT_SORT_KEYS)
    if collisions:
        data += str(collisions).encode()
    return "".join(_SAFE[ord(digit) % len(_SAFE)] for digit in str(_fnv1a(data)))


def _fnv1a(data: bytes) -> int:
    value = 0x811C9DC5
    for byte in data:
        value = (value ^ byte) * 0x01000193 & 0xFFFFFFFF
    return value


def normal(value: Any) -> Any:
    """Without what is null or empty: to the API an absent list and an empty one are the same."""
    if isinstance(value, dict):
        kept = {key: normal(each) for key, each in value.items()}
        return {key: each for key, each in kept.items() if each is not None and each != {} and each != []}
    return [normal(each) for each in value] if isinstance(value, list) else value
