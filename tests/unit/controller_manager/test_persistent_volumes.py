"""What the persistent volume controller decides."""

from __future__ import annotations

from typing import Any

import pytest

from apimachinery import volumes
from apimachinery.objects import Object
from client.events import NORMAL, WARNING
from controller_manager.persistent_volume.binder import claim_status
from controller_manager.persistent_volume.claims import (
    AssignClass,
    Bind,
    ClaimPlan,
    ClaimView,
    Event,
    KeepPending,
    Lose,
    Provision,
    plan_claim,
)
from controller_manager.persistent_volume.volumes import (
    DeletePath,
    Fail,
    FinishClaim,
    Keep,
    Mismatch,
    Reclaim,
    SetPhase,
    Unbind,
    VolumePlan,
    plan_reclaim,
    plan_volume,
)
from tests.unit.volumes import make_claim, make_class, make_volume

CLAIM, OTHER = make_claim(), make_claim("other")
FREE, TAKEN = make_volume(), make_volume(claim=OTHER)
NAMED = make_claim(volume="volume")
BOUND = make_claim(volume="volume", annotations={volumes.BIND_COMPLETED: "yes"})
SELECTED = make_claim(annotations={volumes.SELECTED_NODE: "n1"})
DELETED = {"deletionTimestamp": "2026-01-01T00:00:00Z"}


def view(claim: Object = CLAIM, **known: Any) -> ClaimView:
    return ClaimView(claim, **known)


def pending(type: str, reason: str, message: str) -> KeepPending:
    return KeepPending(Event(type, reason, message))


def lost(reason: str, message: str) -> Lose:
    return Lose(Event(WARNING, reason, message))


def mismatch(why: str) -> KeepPending:
    return pending(WARNING, "VolumeMismatch", f'Cannot bind to requested volume "volume": {why}')


@pytest.mark.parametrize(
    ("view", "expected"),
    [
        pytest.param(view(candidates=[FREE]), Bind(FREE), id="a volume fits"),
        pytest.param(
            view(),
            pending(WARNING, "ProvisioningFailed", 'storageclass.storage.k8s.io "fast" not found'),
            id="there is no such class",
        ),
        pytest.param(
            view(storage_class=make_class(), provisions=False), KeepPending(), id="none is to be made"
        ),
        pytest.param(
            view(storage_class=make_class()), Provision("example.com/disk"), id="a volume can be made"
        ),
        pytest.param(
            view(storage_class=make_class(provisioner="kubernetes.io/no-provisioner")),
            pending(
                WARNING,
                "ProvisioningFailed",
                "no volume plugin matched name: kubernetes.io/no-provisioner",
            ),
            id="nobody makes volumes of the class",
        ),
        pytest.param(
            view(make_claim(class_name="")),
            pending(
                NORMAL,
                "FailedBinding",
                "no persistent volumes available for this claim and no storage class is set",
            ),
            id="without a class there is nothing to hope for",
        ),
        pytest.param(
            view(make_claim(class_name=None), default_class="fast"), AssignClass("fast"), id="a default class"
        ),
        pytest.param(
            view(make_claim(class_name=""), default_class="fast"),
            pending(
                NORMAL,
                "FailedBinding",
                "no persistent volumes available for this claim and no storage class is set",
            ),
            id="no class is not the default class",
        ),
        pytest.param(
            view(storage_class=make_class(delayed=True), candidates=[FREE]),
            pending(
                NORMAL,
                "WaitForFirstConsumer",
                "waiting for first consumer to be created before binding",
            ),
            id="nobody wants it yet",
        ),
        pytest.param(
            view(storage_class=make_class(delayed=True), waiting_pods=["web"]),
            pending(NORMAL, "WaitForPodScheduled", "waiting for pod web to be scheduled"),
            id="a pod waits for a node",
        ),
        pytest.param(
            view(storage_class=make_class(delayed=True), waiting_pods=["a", "b"]),
            pending(NORMAL, "WaitForPodScheduled", "waiting for pods a,b to be scheduled"),
            id="pods wait for nodes",
        ),
        pytest.param(
            view(SELECTED, storage_class=make_class(delayed=True)),
            Provision("example.com/disk"),
            id="the scheduler has chosen a node",
        ),
    ],
)
def test_a_claim_that_takes_any_volume(view: ClaimView, expected: ClaimPlan) -> None:
    assert plan_claim(view) == expected


def test_exactly_the_access_modes_asked_for_go_before_a_better_size() -> None:
    both = ("ReadWriteOnce", "ReadWriteMany")
    small, exact = make_volume("small", "1Gi", modes=both), make_volume("exact", "9Gi")
    assert plan_claim(view(candidates=[small, exact])) == Bind(exact)
    assert plan_claim(view(make_claim(modes=both), candidates=[small, exact])) == Bind(small)


@pytest.mark.parametrize(
    ("claim", "volume", "expected"),
    [
        pytest.param(NAMED, None, KeepPending(), id="the volume may still come"),
        pytest.param(NAMED, FREE, Bind(FREE), id="it is free"),
        pytest.param(
            NAMED,
            TAKEN,
            pending(WARNING, "FailedBinding", 'volume "volume" already bound to a different claim.'),
            id="another has it",
        ),
        pytest.param(
            NAMED,
            make_volume(size="1Mi", reserved_for="claim"),
            Bind(make_volume(size="1Mi", reserved_for="claim")),
            id="reserved for each other, whatever the size",
        ),
        pytest.param(
            NAMED, make_volume(size="1Mi"), mismatch("requested PV is too small"), id="it is too small"
        ),
        pytest.param(
            NAMED,
            make_volume(class_name="slow"),
            mismatch("storageClassName does not match"),
            id="it is of another class",
        ),
        pytest.param(
            NAMED, make_volume(volumeMode="Block"), mismatch("incompatible volumeMode"), id="it is a device"
        ),
        pytest.param(
            NAMED,
            make_volume(modes=("ReadOnlyMany",)),
            mismatch("incompatible accessMode"),
            id="it has other access modes",
        ),
        pytest.param(
            NAMED,
            make_volume(metadata=DELETED),
            mismatch('the volume is marked for deletion "volume"'),
            id="it is going",
        ),
    ],
)
def test_a_claim_that_names_its_volume(claim: Object, volume: Object | None, expected: ClaimPlan) -> None:
    assert plan_claim(view(claim, volume=volume)) == expected


@pytest.mark.parametrize(
    ("claim", "volume", "expected"),
    [
        pytest.param(BOUND, make_volume(claim=BOUND), Bind(make_volume(claim=BOUND)), id="all is well"),
        pytest.param(BOUND, FREE, Bind(FREE), id="the volume was cut loose"),
        pytest.param(
            BOUND,
            None,
            lost("ClaimLost", "Bound claim has lost its PersistentVolume. Data on the volume is lost!"),
            id="the volume is gone",
        ),
        pytest.param(
            make_claim(annotations={volumes.BIND_COMPLETED: "yes"}),
            None,
            lost(
                "ClaimLost",
                "Bound claim has lost reference to PersistentVolume. Data on the volume is lost!",
            ),
            id="nobody knows which volume it had",
        ),
        pytest.param(
            BOUND,
            TAKEN,
            lost(
                "ClaimMisbound",
                "Two claims are bound to the same volume, this one is bound incorrectly",
            ),
            id="another has it",
        ),
    ],
)
def test_a_claim_that_was_bound(claim: Object, volume: Object | None, expected: ClaimPlan) -> None:
    assert plan_claim(view(claim, volume=volume)) == expected


MADE = {volumes.PROVISIONED_BY: "example.com/disk"}
MISMATCH = Mismatch(
    Event(
        WARNING,
        "VolumeMismatch",
        'Cannot bind PersistentVolume to requested PersistentVolumeClaim "claim" '
        "due to incompatible volumeMode.",
    ),
    Event(
        WARNING,
        "VolumeMismatch",
        'Cannot bind PersistentVolume "volume" to requested PersistentVolumeClaim '
        "due to incompatible volumeMode.",
    ),
)


@pytest.mark.parametrize(
    ("volume", "claim", "expected"),
    [
        pytest.param(FREE, None, SetPhase("Available"), id="unused"),
        pytest.param(make_volume(reserved_for="claim"), CLAIM, SetPhase("Available"), id="reserved"),
        pytest.param(make_volume(claim=NAMED), NAMED, SetPhase("Bound"), id="bound"),
        pytest.param(make_volume(claim=CLAIM), None, Reclaim(), id="its claim is gone"),
        pytest.param(
            make_volume(claim=CLAIM),
            make_claim(metadata={"uid": "newer"}),
            Reclaim(),
            id="its claim is another",
        ),
        pytest.param(make_volume(claim=CLAIM), CLAIM, FinishClaim(), id="half bound"),
        pytest.param(make_volume(claim=CLAIM, volumeMode="Block"), CLAIM, MISMATCH, id="half bound in vain"),
        pytest.param(
            make_volume(claim=CLAIM), make_claim(volume="x"), Unbind(), id="its claim has another volume"
        ),
        pytest.param(
            make_volume(claim=CLAIM, annotations=MADE, persistentVolumeReclaimPolicy="Delete"),
            make_claim(volume="x"),
            Reclaim(),
            id="made in vain",
        ),
    ],
)
def test_a_volume(volume: Object, claim: Object | None, expected: VolumePlan) -> None:
    assert plan_volume(volume, claim) == expected


@pytest.mark.parametrize(
    ("volume", "expected"),
    [
        pytest.param(make_volume(), Keep(), id="retained"),
        pytest.param(
            make_volume(persistentVolumeReclaimPolicy="Delete", annotations=MADE),
            Keep(),
            id="who made it deletes it",
        ),
        pytest.param(
            make_volume(persistentVolumeReclaimPolicy="Delete"),
            DeletePath("/tmp/volume"),
            id="a path below /tmp",
        ),
        pytest.param(
            make_volume(persistentVolumeReclaimPolicy="Delete", hostPath={"path": "/srv/data"}),
            Fail(
                Event(
                    WARNING,
                    "VolumeFailedDelete",
                    "host_path deleter only supports /tmp/.+ but received provided /srv/data",
                )
            ),
            id="another path",
        ),
        pytest.param(
            make_volume(persistentVolumeReclaimPolicy="Delete", hostPath={"path": "/tmp/../etc"}),
            Fail(
                Event(
                    WARNING,
                    "VolumeFailedDelete",
                    "host_path deleter only supports /tmp/.+ but received provided /tmp/../etc",
                )
            ),
            id="a path that leads out of /tmp",
        ),
        pytest.param(
            make_volume(persistentVolumeReclaimPolicy="Delete", hostPath=None, local={"path": "/tmp/a"}),
            Fail(
                Event(
                    WARNING,
                    "VolumeFailedDelete",
                    'error getting deleter volume plugin for volume "volume": '
                    "no deletable volume plugin matched",
                )
            ),
            id="nobody deletes local volumes",
        ),
        pytest.param(
            make_volume(persistentVolumeReclaimPolicy="Recycle"),
            Fail(Event(WARNING, "VolumeFailedRecycle", "No recycler plugin found for the volume!")),
            id="nobody recycles",
        ),
    ],
)
def test_what_becomes_of_a_released_volume(volume: Object, expected: object) -> None:
    assert plan_reclaim(volume) == expected


def test_capacity_is_copied_when_a_claim_becomes_bound_and_not_later() -> None:
    bound = claim_status(CLAIM, "Bound", make_volume(size="5Gi"))
    assert bound == {"phase": "Bound", "accessModes": ["ReadWriteOnce"], "capacity": {"storage": "5Gi"}}
    claim = {**CLAIM, "status": bound}
    assert claim_status(claim, "Bound", make_volume(size="9Gi")) == bound
    assert claim_status(claim, "Lost", None) == {"phase": "Lost"}
