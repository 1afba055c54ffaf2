"""CSI volumes with the real daemons and hollow nodes; the test is the external attacher."""

from __future__ import annotations

from typing import Any

from apimachinery import volumes
from apimachinery.objects import Object, get_path, key_of, name_of
from apimachinery.scheme import (
    EVENTS,
    NODES,
    PERSISTENT_VOLUME_CLAIMS,
    PERSISTENT_VOLUMES,
    PODS,
    SERVICE_ACCOUNTS,
    VOLUME_ATTACHMENTS,
)
from client.rest import Client
from tests.integration.plane import Plane, eventually

DRIVER = "disk.example.com"
UNIQUE = volumes.unique_csi_name(DRIVER, "disk-1")


async def bind_a_disk(client: Client) -> None:
    common = {"accessModes": ["ReadWriteOnce"], "storageClassName": "disks"}
    volume = {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": "disk"},
        "spec": {
            **common, "capacity": {"storage": "1Gi"}, "persistentVolumeReclaimPolicy": "Retain",
            "csi": {"driver": DRIVER, "volumeHandle": "disk-1"},
        },
    }  # fmt: skip
    await client.create(PERSISTENT_VOLUMES, volume)
    claim = {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": "data", "namespace": "default"},
        "spec": {**common, "resources": {"requests": {"storage": "1Gi"}}},
    }
    await client.create(PERSISTENT_VOLUME_CLAIMS, claim)
    await eventually(
        lambda: client.get(PERSISTENT_VOLUME_CLAIMS, "data", "default"),
        lambda it: get_path(it, "status.phase") == "Bound",
    )


async def create_pod(client: Client, name: str, node: str) -> None:
    await eventually(lambda: client.get(SERVICE_ACCOUNTS, "default", "default"))
    spec = {
        "nodeName": node,
        "containers": [{"name": "c", "image": "busybox:1"}],
        "terminationGracePeriodSeconds": 1,
        "tolerations": [{"operator": "Exists"}],  # a node that is late for a moment keeps it
        "volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": "data"}}],
    }
    metadata = {"name": name, "namespace": "default"}
    await client.create(PODS, {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec})


async def attachment_to(client: Client, node: str) -> Object:
    def is_there(found: Any) -> bool:
        return [each["spec"]["nodeName"] for each in found["items"]] == [node]

    found = await eventually(lambda: client.list(VOLUME_ATTACHMENTS), is_there, limit=120)
    return dict(found["items"][0])


async def node_shows(client: Client, node: str, *names: str) -> None:
    def does(found: Object) -> bool:
        return [each["name"] for each in get_path(found, "status.volumesAttached", [])] == list(names)

    await eventually(lambda: client.get(NODES, node), does, limit=120)


async def test_a_disk_is_attached_where_its_pod_is(plane: Plane, client: Client) -> None:
    await bind_a_disk(client)
    await create_pod(client, "first", "hollow-0")
    attachment = await attachment_to(client, "hollow-0")
    assert attachment["spec"]["attacher"] == DRIVER
    assert name_of(attachment).startswith("csi-")
    await client.update_status(VOLUME_ATTACHMENTS, {**attachment, "status": {"attached": True}})
    await node_shows(client, "hollow-0", UNIQUE)

    await create_pod(client, "second", "hollow-1")
    events = await eventually(
        lambda: client.list(EVENTS, "default", field_selector="reason=FailedAttachVolume"),
        lambda found: bool(found["items"]),
        limit=120,
    )
    assert events["items"][0]["message"] == (
        'Multi-Attach error for volume "disk" Volume is already used by pod(s) first'
    )
    await client.delete(PODS, "first", "default")
    moved = await attachment_to(client, "hollow-1")
    await node_shows(client, "hollow-0")
    await client.update_status(VOLUME_ATTACHMENTS, {**moved, "status": {"attached": True}})
    await node_shows(client, "hollow-1", UNIQUE)
    pod = await client.get(PODS, "second", "default")
    assert str(key_of(pod)) == "default/second"
