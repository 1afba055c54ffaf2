"""Names for objects that only have a generateName. Source: upstream's names.SimpleNameGenerator."""

from __future__ import annotations

import random

# Without vowels and look-alikes, so that no words appear.
_ALPHABET = "bcdfghjklmnpqrstvwxz2456789"
_SUFFIX = 5
_MAX_NAME = 63
MAX_TRIES = 8
"""How often a create tries another name when the generated one is taken."""


def generate_name(prefix: str, randomness: random.Random) -> str:
    return prefix[: _MAX_NAME - _SUFFIX] + "".join(randomness.choices(_ALPHABET, k=_SUFFIX))
