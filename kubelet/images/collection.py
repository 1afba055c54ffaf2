"""Which images may go when disk is short: those that no container has, the longest unused first. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from kubelet.runtime.interface import ImageRef
from kubelet.stats.disk import Filesystem


@dataclass(frozen=True, slots=True)
class ImagePolicy:
    """Percentages of the image file system, and seconds (maximum_age 0: none)."""

    high: int = 85
    low: int = 80
    minimum_age: float = 120.0
    maximum_age: float = 0.0

    @property
    def is_off(self) -> bool:
        return self.high == 100 and not self.maximum_age


@dataclass(frozen=True, slots=True)
class ImageRecord:
    """Seconds; an image that was never seen in use was last used at 0."""

    detected: float
    last_used: float = 0.0


Records = Mapping[str, ImageRecord]
"""By image id."""


def next_records(before: Records, images: Iterable[ImageRef], used: Collection[str], now: float) -> Records:
    """`used` are ids, digests or tags of what containers have."""
    return {
        each.id: ImageRecord(
            detected=before[each.id].detected if each.id in before else now,
            last_used=now if is_used(each, used) else getattr(before.get(each.id), "last_used", 0.0),
        )
        for each in images
    }


def is_used(image: ImageRef, used: Collection[str]) -> bool:
    return any(name in used for name in (image.id, *image.digests, *image.tags))


def to_free(disk: Filesystem, policy: ImagePolicy) -> int:
    """Bytes, 0 while usage is below the high threshold; a threshold of 100 switches collection off."""
    if not disk.capacity or policy.high == 100:
        return 0
    usage = 100 - disk.available * 100 // disk.capacity
    if usage < policy.high:
        return 0
    return max(disk.capacity * (100 - policy.low) // 100 - disk.available, 0)


def evictable(
    images: Sequence[ImageRef], records: Records, policy: ImagePolicy, now: float
) -> list[ImageRef]:
    """In the order in which they may go."""
    unused = [
        each
        for each in images
        if records[each.id].last_used < now and now - records[each.id].detected >= policy.minimum_age
    ]
    return sorted(unused, key=lambda each: (records[each.id].last_used, records[each.id].detected))


def too_old(images: Sequence[ImageRef], records: Records, policy: ImagePolicy, now: float) -> list[ImageRef]:
    """Unused for longer than the maximum age."""
    if not policy.maximum_age:
        return []
    return [
        each
        for each in evictable(images, records, policy, now)
        if now - max(records[each.id].last_used, records[each.id].detected) > policy.maximum_age
    ]
