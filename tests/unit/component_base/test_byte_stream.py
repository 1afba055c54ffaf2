"""Two streams that are joined, and what is told when they break."""

from __future__ import annotations

import asyncio

import pytest

from component_base.byte_stream import join


class Broken:
    """Reading fails at once, on both sides of a join in the same turn."""

    def __init__(self, error: Exception) -> None:
        self._error = error
        self.is_closed = False

    async def read(self) -> bytes:
        raise self._error

    def write(self, data: bytes) -> None:
        raise AssertionError("nothing was read")

    async def drain(self) -> None:
        await asyncio.sleep(0)

    def end(self) -> None:
        raise AssertionError("nothing ended")

    def close(self) -> None:
        self.is_closed = True


async def test_a_connection_that_is_cut_off_is_told_as_itself() -> None:
    one, other = Broken(ConnectionResetError("cut off")), Broken(ConnectionResetError("cut off"))
    with pytest.raises(ConnectionResetError, match="cut off"):
        await join(one, other)
    assert one.is_closed
    assert other.is_closed


async def test_another_error_is_not_hidden_behind_one_that_is_cut_off() -> None:
    with pytest.raises(ExceptionGroup) as caught:
        await join(Broken(ConnectionResetError("cut off")), Broken(ValueError("a mistake")))
    assert caught.group_contains(ValueError, match="a mistake")
