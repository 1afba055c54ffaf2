"""Volumes that are taken for a pod and had before it is bound."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable

import pytest

from apimachinery import volumes
from apimachinery.errors import ConflictError
from apimachinery.objects import NamespacedName, Object
from scheduler.framework.interface import PreBindError
from scheduler.volumes.finder import BIND_CONFLICT, PodClaims, PodVolumes, claims_of, find_volumes
from tests.unit.scheduler.builders import make_binder, make_cache, make_node
from tests.unit.scheduler.claims import BOUND, LOCAL, MADE, claiming, holding, names
from tests.unit.volumes import make_claim, make_volume


class Binding:
    """A pod that was found a place on n1, and the storage around it."""

    def __init__(self, *objects: Object) -> None:
        self.recorded = holding(*objects)
        self.pod = claiming("claim", node="n1")
        self.cache = make_cache([make_node("n1")], [self.pod.pod])
        self.binder = make_binder(self.cache, self.recorded)
        claims = claims_of(self.pod, self.recorded.storage)
        assert isinstance(claims, PodClaims)
        volumes_found = find_volumes(claims, self.cache.nodes[0], self.recorded.storage)
        assert isinstance(volumes_found, PodVolumes)
        reserved = self.binder.reserve("n1", volumes_found)
        assert reserved is not None
        self.reserved = reserved

    def start(self) -> asyncio.Task[None]:
        return asyncio.create_task(self.binder.bind(self.pod, self.reserved, 600))

    def finish(self, volume: Object) -> None:
        """What the persistent volume controller does."""
        claim = make_claim(volume="volume", annotations={**BOUND, volumes.SELECTED_NODE: "n1"})
        self.recorded.put({**volume, "spec": {**volume["spec"], "claimRef": volumes.claim_reference(claim)}})
        self.recorded.put(claim)


def test_what_is_reserved_for_one_pod_is_not_offered_to_another() -> None:
    binding = Binding(make_claim(), make_claim("second"), LOCAL, make_volume())
    second = PodClaims(delayed=(make_claim("second"),))
    storage, n1 = binding.recorded.storage, binding.cache.nodes[0]
    assert find_volumes(second, n1, storage) == (BIND_CONFLICT,)
    binding.binder.unreserve(binding.reserved)
    assert names(find_volumes(second, n1, storage)) == ([("volume", "second")], [])


def test_an_assumption_ends_when_the_object_changes() -> None:
    binding = Binding(make_claim(), make_claim("second"), LOCAL, make_volume())
    binding.recorded.put(make_volume())
    second = PodClaims(delayed=(make_claim("second"),))
    found = find_volumes(second, binding.cache.nodes[0], binding.recorded.storage)
    assert names(found) == ([("volume", "second")], [])


@pytest.mark.looptime
async def test_a_free_volume_is_bound_before_the_pod() -> None:
    binding = Binding(make_claim(), LOCAL, make_volume())
    task = binding.start()
    await asyncio.sleep(5)
    assert not task.done()
    assert binding.recorded.updates == ["persistentvolumes volume"]
    binding.finish(make_volume())
    await asyncio.wait_for(task, 1)


@pytest.mark.looptime
async def test_a_volume_is_made_before_the_pod_is_bound() -> None:
    binding = Binding(make_claim(), MADE)
    task = binding.start()
    await asyncio.sleep(5)
    assert not task.done()
    assert binding.recorded.updates == ["persistentvolumeclaims ns/claim"]
    binding.finish(make_volume(nodes=("n1",)))
    await asyncio.wait_for(task, 1)


@pytest.mark.looptime
async def test_a_volume_that_is_seen_after_its_claim_ends_the_wait() -> None:
    binding = Binding(make_claim(), MADE)
    task = binding.start()
    await asyncio.sleep(5)
    claim = make_claim(volume="volume", annotations={**BOUND, volumes.SELECTED_NODE: "n1"})
    binding.recorded.put(claim)
    await asyncio.sleep(5)
    assert not task.done()
    binding.recorded.put(make_volume(claim=claim, nodes=("n1",)))
    await asyncio.wait_for(task, 1)


def _provisioning_fails(binding: Binding) -> None:
    binding.recorded.put(make_claim(annotations={"other": "x"}))


def _pod_is_deleted(binding: Binding) -> None:
    binding.cache.remove_pod(binding.pod.uid)
    binding.recorded.news.tell(binding.pod.uid)


def _node_is_deleted(binding: Binding) -> None:
    binding.cache.remove_node("n1")
    binding.recorded.news.tell(NamespacedName("", "n1"))


def _annotations_are_gone(binding: Binding) -> None:
    binding.recorded.put(make_claim())


def _claim_is_deleted(binding: Binding) -> None:
    binding.recorded.remove(make_claim())


def _volume_lies_elsewhere(binding: Binding) -> None:
    binding.finish(make_volume(nodes=("n2",)))


@pytest.mark.looptime
@pytest.mark.parametrize(
    ("change", "message"),
    [
        pytest.param(_provisioning_fails, 'provisioning failed for PVC "claim"', id="nobody makes it"),
        pytest.param(
            _annotations_are_gone, 'selectedNode annotation reset for PVC "claim"', id="nobody will make it"
        ),
        pytest.param(_node_is_deleted, 'failed to get node "n1": node "n1" not found', id="the node is gone"),
        pytest.param(
            _pod_is_deleted,
            'pod does not exist any more: pod "p" not found',
            id="nobody needs it any more",
        ),
        pytest.param(
            _claim_is_deleted,
            'failed to check provisioning pvc: could not find v1.PersistentVolumeClaim "ns/claim"',
            id="the claim is gone",
        ),
        pytest.param(
            _volume_lies_elsewhere,
            'pv "volume" node affinity doesn\'t match node "n1": no matching NodeSelectorTerms',
            id="it was made in the wrong place",
        ),
        pytest.param(lambda binding: None, "context deadline exceeded", id="ten minutes pass"),
    ],
)
async def test_a_pod_is_scheduled_anew_when_its_volume_will_not_be_there(
    change: Callable[[Binding], None], message: str
) -> None:
    binding = Binding(make_claim(), MADE)
    task = binding.start()
    await asyncio.sleep(1)
    change(binding)
    with pytest.raises(PreBindError, match=f"^binding volumes: {re.escape(message)}$"):
        await task


@pytest.mark.looptime
async def test_two_schedulers_do_not_bind_one_volume_twice() -> None:
    """The second write is refused, since the volume is no longer as it was."""
    binding = Binding(make_claim(), LOCAL, make_volume())
    binding.recorded.refusal = ConflictError("persistentvolumes", "volume")
    with pytest.raises(ConflictError):
        await binding.start()
