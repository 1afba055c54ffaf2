"""VolumeAttributesClasses stay while a claim or volume names them."""

import pytest

from apimachinery.objects import Object, name_of, namespace_of
from apimachinery.scheme import (
    PERSISTENT_VOLUME_CLAIMS,
    PERSISTENT_VOLUMES,
    VOLUME_ATTRIBUTES_CLASSES,
    Resource,
)
from controller_manager.volume_attributes_class_protection import (
    CLASS_PROTECTION,
    VolumeAttributesClassProtectionController,
)
from tests.unit.controller_manager.cluster import Cluster, running

GOLD: Object = {"metadata": {"name": "gold"}, "driverName": "d.example.com"}
CLAIM: Object = {"metadata": {"name": "data", "namespace": "ns"}, "spec": {}, "status": {}}
VOLUME: Object = {"metadata": {"name": "v"}, "spec": {"volumeAttributesClassName": "gold"}}


def cluster() -> Cluster:
    resources = [VOLUME_ATTRIBUTES_CLASSES, PERSISTENT_VOLUME_CLAIMS, PERSISTENT_VOLUMES]
    return Cluster([VolumeAttributesClassProtectionController], resources)


def finalizers(it: Cluster) -> list[str] | None:
    found = it.api.find(VOLUME_ATTRIBUTES_CLASSES)
    return found[0]["metadata"].get("finalizers", []) if found else None


@pytest.mark.parametrize(
    ("resource", "user"),
    [
        pytest.param(
            PERSISTENT_VOLUME_CLAIMS, CLAIM | {"spec": {"volumeAttributesClassName": "gold"}}, id="a claim"
        ),
        pytest.param(
            PERSISTENT_VOLUME_CLAIMS,
            CLAIM | {"status": {"currentVolumeAttributesClassName": "gold"}},
            id="a claim that has it still",
        ),
        pytest.param(
            PERSISTENT_VOLUME_CLAIMS,
            CLAIM | {"status": {"modifyVolumeStatus": {"targetVolumeAttributesClassName": "gold"}}},
            id="a claim on its way to it",
        ),
        pytest.param(PERSISTENT_VOLUMES, VOLUME, id="a volume"),
    ],
)
@pytest.mark.looptime
async def test_a_class_goes_when_its_last_user_has_let_it_go(resource: Resource, user: Object) -> None:
    it = cluster()
    await it.api.create(VOLUME_ATTRIBUTES_CLASSES, GOLD)
    await it.api.create(resource, user)
    async with running(it):
        await it.until(lambda: finalizers(it) == [CLASS_PROTECTION])
        await it.api.delete(VOLUME_ATTRIBUTES_CLASSES, "gold")
        with pytest.raises(AssertionError):
            await it.until(lambda: finalizers(it) is None)
        await it.api.delete(resource, name_of(user), namespace_of(user) or None)
        await it.until(lambda: finalizers(it) is None)
