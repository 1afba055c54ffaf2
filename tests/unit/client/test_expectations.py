"""Expectations and retries on conflict."""

import asyncio

import pytest

from apimachinery.errors import ConflictError
from apimachinery.objects import NamespacedName
from apimachinery.scheme import PODS
from client.expectations import Expectations
from client.retry import retry_on_conflict

pytestmark = pytest.mark.looptime

KEY = NamespacedName("ns", "rs")


async def test_creations_are_counted_off() -> None:
    expectations = Expectations()
    expectations.expect_creations(KEY, 2)
    expectations.creation_seen(KEY)
    assert not expectations.satisfied(KEY)
    expectations.creation_seen(KEY)
    assert expectations.satisfied(KEY)


async def test_deletions_are_ticked_off_by_uid_once() -> None:
    expectations = Expectations()
    expectations.expect_deletions(KEY, ["a", "b"])
    expectations.deletion_seen(KEY, "a")
    expectations.deletion_seen(KEY, "a")
    assert not expectations.satisfied(KEY)
    expectations.deletion_seen(KEY, "b")
    assert expectations.satisfied(KEY)


async def test_the_cache_is_believed_again_after_five_minutes() -> None:
    expectations = Expectations()
    expectations.expect_creations(KEY, 1)
    await asyncio.sleep(299)
    assert not expectations.satisfied(KEY)
    await asyncio.sleep(2)
    assert expectations.satisfied(KEY)


async def test_what_came_and_went_unseen_is_not_waited_for() -> None:
    seen = "5"
    expectations = Expectations(lambda version: int(seen) >= int(version))
    expectations.expect_creations(KEY, 2)
    expectations.creations_answered(KEY, "7")
    assert not expectations.satisfied(KEY)
    seen = "9"
    assert expectations.satisfied(KEY)


async def test_nothing_is_expected_of_a_key_nobody_knows() -> None:
    expectations = Expectations()
    expectations.creation_seen(KEY)
    assert expectations.satisfied(KEY)


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
