"""Retries on conflict."""

import pytest

from apimachinery.errors import ConflictError
from apimachinery.scheme import PODS
from client.retry import retry_on_conflict

pytestmark = pytest.mark.looptime


@pytest.mark.parametrize(("conflicts", "succeeds"), [(0, True), (4, True), (5, False)])
async def test_conflicts_are_retried_four_times(conflicts: int, succeeds: bool) -> None:
    left = conflicts

    async def attempt() -> str:
        nonlocal left
        if left:
            left -= 1
            raise ConflictError(PODS, "a")
        return "done"

    if succeeds:
        assert await retry_on_conflict(attempt) == "done"
    else:
        with pytest.raises(ConflictError):
            await retry_on_conflict(attempt)
