"""Which claims get a directory, what the volume says of it, and when it goes."""

from __future__ import annotations

from typing import Any

import pytest

from apimachinery import volumes
from apimachinery.local_path import FINALIZER, NODE_LABEL, PROVISIONER
from apimachinery.objects import Object
from controller_manager.local_path import Refuse, is_ours, is_to_be_deleted, plan_volume
from tests.unit.volumes import make_claim, make_class, make_volume

NODE: Object = {"metadata": {"name": "n1", "labels": {"kubernetes.io/hostname": "host-1"}}}
ASKED = {volumes.STORAGE_PROVISIONER: PROVISIONER}
CHOSEN = {**ASKED, volumes.SELECTED_NODE: "n1"}
DELETED = {"deletionTimestamp": "2026-01-01T00:00:00Z"}


def local_class(**fields: Any) -> Object:
    return make_class("standard", PROVISIONER, **{"delayed": True, **fields})


@pytest.mark.parametrize(
    ("claim", "storage_class", "expected"),
    [
        pytest.param(make_claim(annotations=CHOSEN), local_class(), True, id="asked, and told where"),
        pytest.param(
            make_claim(annotations=ASKED), local_class(), False, id="asked, but no pod wants it yet"
        ),
        pytest.param(make_claim(annotations=ASKED), local_class(delayed=False), True, id="asked, at once"),
        pytest.param(make_claim(), local_class(delayed=False), False, id="not asked"),
        pytest.param(make_claim(annotations=CHOSEN), make_class(), False, id="another's class"),
        pytest.param(make_claim(annotations=CHOSEN), None, False, id="no class"),
        pytest.param(make_claim(volume="v", annotations=CHOSEN), local_class(), False, id="served"),
        pytest.param(make_claim(annotations=CHOSEN, metadata=DELETED), local_class(), False, id="going"),
    ],
)
def test_whose_turn_it_is(claim: Object, storage_class: Object | None, expected: bool) -> None:
    assert is_ours(claim, storage_class) == expected


def test_a_volume_is_a_directory_on_the_node_of_the_pod() -> None:
    volume = plan_volume(make_claim(size="3Gi", annotations=CHOSEN), local_class(), NODE)
    assert isinstance(volume, dict)
    assert volume["metadata"] == {
        "name": "pvc-uid of claim",
        "labels": {NODE_LABEL: "n1"},
        "finalizers": [FINALIZER],
        "annotations": {volumes.PROVISIONED_BY: PROVISIONER},
    }
    spec = volume["spec"]
    assert spec["local"] == {"path": "/var/lib/sampan/volumes/pvc-uid of claim_ns_claim"}
    assert (spec["capacity"], spec["storageClassName"]) == ({"storage": "3Gi"}, "standard")
    assert spec["persistentVolumeReclaimPolicy"] == "Delete"
    assert volumes.is_usable_on(volume, "n1", {"kubernetes.io/hostname": "host-1"})
    assert not volumes.is_usable_on(volume, "n2", {"kubernetes.io/hostname": "host-2"})
    assert volumes.is_bound_to(volume, make_claim())


def test_a_class_may_say_where_and_what_becomes_of_it() -> None:
    wanted = local_class(parameters={"path": "/srv//data/"}, reclaimPolicy="Retain")
    volume = plan_volume(make_claim(annotations=CHOSEN), wanted, NODE)
    assert isinstance(volume, dict)
    assert volume["spec"]["local"]["path"].startswith("/srv/data/pvc-")
    assert volume["spec"]["persistentVolumeReclaimPolicy"] == "Retain"


def test_no_name_is_too_long_for_a_directory() -> None:
    volume = plan_volume(make_claim("c" * 253, annotations=CHOSEN), local_class(), NODE)
    assert isinstance(volume, dict)
    assert len(volume["spec"]["local"]["path"].rpartition("/")[2]) == 255


@pytest.mark.parametrize(
    ("claim", "storage_class", "node", "expected"),
    [
        pytest.param(
            make_claim(annotations=CHOSEN, modes=("ReadWriteMany",)),
            local_class(),
            NODE,
            Refuse("only ReadWriteOnce and ReadWriteOncePod access modes are supported"),
            id="for many nodes",
        ),
        pytest.param(
            make_claim(annotations=CHOSEN, volumeMode="Block"),
            local_class(),
            NODE,
            Refuse("block volume provisioning is not supported"),
            id="a device",
        ),
        pytest.param(
            make_claim(annotations=CHOSEN, selector={"matchLabels": {}}),
            local_class(),
            NODE,
            Refuse("claim Selector is not supported"),
            id="with a selector",
        ),
        pytest.param(
            make_claim(annotations=CHOSEN),
            local_class(parameters={"path": "data"}),
            NODE,
            Refuse("parameter path must be an absolute path"),
            id="nowhere in particular",
        ),
        pytest.param(
            make_claim(annotations=ASKED),
            local_class(delayed=False),
            None,
            Refuse("no node was selected: volumeBindingMode of the class must be WaitForFirstConsumer"),
            id="at once, on whatever node",
        ),
        pytest.param(
            make_claim(annotations=CHOSEN),
            local_class(),
            None,
            Refuse('failed to get target node: nodes "n1" not found', elsewhere=True),
            id="on a node that is gone",
        ),
    ],
)
def test_what_is_refused(claim: Object, storage_class: Object, node: Object | None, expected: Refuse) -> None:
    assert plan_volume(claim, storage_class, node) == expected


@pytest.mark.parametrize(
    ("volume", "expected"),
    [
        pytest.param(
            make_volume(phase="Released", persistentVolumeReclaimPolicy="Delete"), True, id="released"
        ),
        pytest.param(make_volume(phase="Released"), False, id="released, but retained"),
        pytest.param(make_volume(phase="Bound", persistentVolumeReclaimPolicy="Delete"), False, id="in use"),
        pytest.param(
            make_volume(phase="Released", persistentVolumeReclaimPolicy="Delete", metadata=DELETED),
            False,
            id="on its way",
        ),
    ],
)
def test_when_a_volume_goes(volume: Object, expected: bool) -> None:
    assert is_to_be_deleted(volume) == expected
