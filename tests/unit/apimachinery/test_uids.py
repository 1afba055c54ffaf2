from __future__ import annotations

import uuid
from random import Random

import pytest

from apimachinery.uids import new_uid

BITS = [0, 1, (1 << 128) - 1, *(Random(seed).getrandbits(128) for seed in range(20))]


@pytest.mark.parametrize("bits", BITS)
def test_is_what_the_standard_library_writes(bits: int) -> None:
    assert new_uid(bits) == str(uuid.UUID(int=bits, version=4))
