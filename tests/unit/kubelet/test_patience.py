"""What cannot be looked at in time does not keep who asks, nor anybody's threads."""

from __future__ import annotations

import asyncio
from itertools import count
from threading import Event

import pytest

from kubelet.stats.patience import PatientLook


async def test_a_look_that_hangs_is_waited_for_once() -> None:
    begun, goes_on = count(1), Event()

    def look() -> int:
        number = next(begun)
        goes_on.wait()
        return number

    looking = PatientLook(look, 0, seconds=0.01)
    assert await asyncio.gather(*(looking() for _ in range(50))) == [0] * 50
    goes_on.set()
    patient = PatientLook(look, 0, seconds=60)
    assert await patient() == next(begun) - 1 == 2, "the first has begun one look for all"


async def test_what_was_seen_last_has_to_do() -> None:
    answers, goes_on = iter([1, 2]), Event()
    goes_on.set()

    def look() -> int:
        found = next(answers)
        goes_on.wait()
        return found

    looking = PatientLook(look, 0, seconds=5)
    assert await looking() == 1
    goes_on.clear()
    looking.seconds = 0.01
    assert await looking() == 1
    goes_on.set()
    looking.seconds = 60
    assert await looking() == 2, "the look that was late"


async def test_what_goes_wrong_is_told() -> None:
    def look() -> int:
        raise OSError("gone")

    with pytest.raises(OSError, match="gone"):
        await PatientLook(look, 0)()
