"""Which images go, and what the collector does about it."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from typing import Any

import pytest

from kubelet.images.collection import ImagePolicy, ImageRecord, evictable, next_records, to_free, too_old
from kubelet.images.collector import PERIOD, CollectionError, ImageCollector
from kubelet.runtime.hollow import HollowImages, HollowRuntime
from kubelet.runtime.interface import ContainerRuntimeError, ImageRef, RuntimeUnavailable
from kubelet.stats.disk import Filesystem
from tests.fakes.counts import Counts
from tests.unit.kubelet.world import Events, now


def image(name: str, size: int = 1) -> ImageRef:
    return ImageRef(f"sha256:{name}", (f"{name}@sha256:{name}",), (f"{name}:1",), size)


A, B, C = image("a"), image("b"), image("c")


def test_use_is_remembered_by_id_digest_or_tag() -> None:
    first = next_records({}, [A, B, C], {"a:1"}, 10.0)
    second = next_records(first, [A, B], {"b@sha256:b"}, 20.0)
    assert first[C.id] == ImageRecord(10.0)
    assert second == {A.id: ImageRecord(10.0, 10.0), B.id: ImageRecord(10.0, 20.0)}


@pytest.mark.parametrize(
    ("available", "bytes"),
    [(50, 0), (16, 0), (15, 5), (0, 20)],
    ids=["plenty", "just-below", "at-the-threshold", "full"],
)
def test_how_much_has_to_be_freed(available: int, bytes: int) -> None:
    assert to_free(Filesystem(100, available, available, 0, 0), ImagePolicy()) == bytes


def test_the_longest_unused_goes_first_and_what_is_new_or_used_stays() -> None:
    records = {
        A.id: ImageRecord(0.0, 500.0),
        B.id: ImageRecord(0.0, 100.0),
        C.id: ImageRecord(950.0),
        "sha256:d": ImageRecord(0.0, 1000.0),
    }
    images = [A, B, C, image("d")]
    assert evictable(images, records, ImagePolicy(), 1000.0) == [B, A]
    assert too_old(images, records, ImagePolicy(maximum_age=600.0), 1000.0) == [B]
    assert too_old(images, records, ImagePolicy(), 1000.0) == []


def collector(runtime: Any, clock: list[float], events: Events, policy: ImagePolicy) -> ImageCollector:
    return ImageCollector(runtime, events, policy, node="n1", kept=["pause:1"], clock=lambda: clock[0])


@pytest.mark.looptime
async def test_unused_images_are_deleted_and_the_sandboxs_stays() -> None:
    runtime = HollowRuntime(now=now, pod_cidr="10.244.0.0/24", images=HollowImages(["busybox:1", "pause:1"]))
    clock, events = [0.0], Events()
    images = collector(runtime, clock, events, ImagePolicy())
    counts = Counts(space=("image_garbage_collected_total", {"reason": "space"}))
    await images.delete_unused()
    assert len(await runtime.list_images()) == 2
    clock[0] = 200.0
    await images.delete_unused()
    assert [each.tags for each in await runtime.list_images()] == [("pause:1",)]
    assert counts.grown() == {"space": 1}


def node_of(images: Sequence[str]) -> HollowRuntime:
    return HollowRuntime(now=now, pod_cidr="10.244.0.0/24", images=HollowImages(images))


NEVER_ENOUGH = ImagePolicy(high=0, low=0)


@pytest.mark.looptime
async def test_a_disk_that_cannot_be_freed_is_complained_of() -> None:
    events = Events()
    with pytest.raises(CollectionError):
        await collector(node_of(["pause:1"]), [0.0], events, NEVER_ENOUGH).collect()
    complaint = (
        r"FreeDiskSpaceFailed: Failed to garbage collect required amount of images\. "
        r"Attempted to free \d+ bytes, but only found 0 bytes eligible to free\."
    )
    assert [bool(re.fullmatch(complaint, each)) for each in events.seen] == [True]


@pytest.mark.looptime
async def test_a_collection_that_fails_again_is_told_of() -> None:
    events = Events()
    task = asyncio.create_task(collector(node_of(["pause:1"]), [0.0], events, NEVER_ENOUGH).run())
    await asyncio.sleep(PERIOD + 1)
    assert events.reasons() == ["FreeDiskSpaceFailed", "FreeDiskSpaceFailed", "ImageGCFailed"]
    assert events.seen[1].partition(": ")[2] == events.seen[2].partition(": ")[2]
    task.cancel()


@pytest.mark.looptime
async def test_a_disk_without_capacity_is_told_of_unless_nobody_collects(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("kubelet.images.collector.filesystem_of", lambda path: Filesystem(0, 0, 0, 0, 0))
    events = Events()
    await collector(node_of([]), [0.0], events, ImagePolicy(high=100)).collect()
    assert events.seen == []
    with pytest.raises(CollectionError):
        await collector(node_of([]), [0.0], events, ImagePolicy()).collect()
    assert events.seen == ["InvalidDiskCapacity: invalid capacity 0 on image filesystem"]


class Stubborn(HollowRuntime):
    async def remove_image(self, image_id: str) -> None:
        raise ContainerRuntimeError(f"no way: {image_id[:6]}")


@pytest.mark.looptime
@pytest.mark.parametrize(
    ("policy", "complaint"),
    [
        (
            ImagePolicy(high=0, low=0, minimum_age=0.0),
            r"wanted to free \d+ bytes, but freed 0 bytes space with errors in image deletion: no way",
        ),
        (
            ImagePolicy(minimum_age=0.0, maximum_age=60.0),
            r"wanted to free images older than 1m0s, encountered errors in image deletion: no way: sha256",
        ),
    ],
    ids=["space", "age"],
)
async def test_images_that_the_engine_cannot_remove_are_told_of(policy: ImagePolicy, complaint: str) -> None:
    runtime = Stubborn(now=now, pod_cidr="10.244.0.0/24", images=HollowImages(["busybox:1"]))
    clock, events = [1.0], Events()
    images = collector(runtime, clock, events, policy)
    await images.delete_unused()
    clock[0] = 100.0
    with pytest.raises(CollectionError, match=complaint):
        await images.collect()
    assert events.seen == []


class Away(HollowRuntime):
    async def list_images(self) -> list[ImageRef]:
        raise RuntimeUnavailable("nobody there")


@pytest.mark.looptime
@pytest.mark.parametrize(("high", "told"), [(85, ["ImageGCFailed"]), (100, [])], ids=["on", "off"])
async def test_who_collects_nothing_does_not_fail_to(high: int, told: list[str]) -> None:
    runtime, events = Away(now=now, pod_cidr="10.244.0.0/24"), Events()
    task = asyncio.create_task(collector(runtime, [0.0], events, ImagePolicy(high=high)).run())
    await asyncio.sleep(PERIOD + 1)
    assert events.reasons() == told
    task.cancel()
