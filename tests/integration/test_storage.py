"""Claims and volumes with the real daemons and hollow nodes: binding, protection, reclaiming."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from apimachinery import volumes
from apimachinery.errors import NotFoundError
from apimachinery.local_path import MADE, NODE_LABEL, PROVISIONER
from apimachinery.objects import Object, annotations_of, get_path, name_of
from apimachinery.scheme import (
    CSI_NODES,
    EVENTS,
    NODES,
    PERSISTENT_VOLUME_CLAIMS,
    PERSISTENT_VOLUMES,
    PODS,
    STORAGE_CLASSES,
)
from client.rest import Client
from tests.integration.plane import CONTROLLERS, SCHEDULER, Plane, eventually
from tests.unit.volumes import make_claim, make_class, make_volume


async def create_claim(client: Client, name: str, **wanted: Any) -> Object:
    metadata = {"namespace": "default", "uid": "", "resourceVersion": ""}
    return await client.create(PERSISTENT_VOLUME_CLAIMS, make_claim(name, metadata=metadata, **wanted))


async def create_volume(client: Client, name: str, **wanted: Any) -> Object:
    return await client.create(PERSISTENT_VOLUMES, make_volume(name, metadata={"uid": ""}, **wanted))


async def create_pod(client: Client, name: str, volume: Object, **spec: Any) -> Object:
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": "default"},
        "spec": {
            "containers": [{"name": "c", "image": "busybox:1"}],
            "terminationGracePeriodSeconds": 1,
            "tolerations": [{"operator": "Exists"}],  # however late a busy machine reports its nodes
            "volumes": [{"name": "data", **volume}],
            **spec,
        },
    }
    return await client.create(PODS, pod)


def claim_volume(claim: str) -> Object:
    return {"persistentVolumeClaim": {"claimName": claim}}


async def claim_in(client: Client, name: str, phase: str) -> Object:
    return await eventually(
        lambda: client.get(PERSISTENT_VOLUME_CLAIMS, name, "default"),
        lambda claim: get_path(claim, "status.phase") == phase,
    )


async def volume_in(client: Client, name: str, phase: str) -> Object:
    return await eventually(
        lambda: client.get(PERSISTENT_VOLUMES, name),
        lambda volume: get_path(volume, "status.phase") == phase,
    )


async def gone(client: Client, resource: Any, name: str, namespace: str | None = "default") -> None:
    async def is_gone() -> bool:
        try:
            await client.get(resource, name, namespace)
        except NotFoundError:
            return True
        return False

    await eventually(is_gone)


async def event_of(client: Client, name: str, reason: str) -> str:
    selector = f"involvedObject.name={name},reason={reason}"

    async def messages() -> list[str]:
        found = await client.list(EVENTS, "default", field_selector=selector)
        return [event["message"] for event in found["items"]]

    return (await eventually(messages))[0]


async def test_a_claim_gets_the_smallest_volume_that_fits(plane: Plane, client: Client) -> None:
    for name, size in (("tiny", "1Gi"), ("middle", "5Gi"), ("huge", "20Gi")):
        await create_volume(client, name, size=size, class_name="sizes")
    await create_claim(client, "sized", size="2Gi", class_name="sizes")
    claim = await claim_in(client, "sized", volumes.BOUND)
    volume = await volume_in(client, "middle", volumes.BOUND)
    assert claim["spec"]["volumeName"] == "middle"
    assert claim["status"] == {
        "phase": "Bound", "accessModes": ["ReadWriteOnce"], "capacity": {"storage": "5Gi"},
    }  # fmt: skip
    assert annotations_of(claim) == {volumes.BIND_COMPLETED: "yes", volumes.BOUND_BY_CONTROLLER: "yes"}
    assert volume["spec"]["claimRef"]["uid"] == claim["metadata"]["uid"]
    assert volume["status"]["lastPhaseTransitionTime"]
    await volume_in(client, "tiny", volumes.AVAILABLE)


async def test_a_claim_waits_for_its_volume_and_says_so(plane: Plane, client: Client) -> None:
    await create_claim(client, "early", class_name="later")
    text = 'storageclass.storage.k8s.io "later" not found'
    assert await event_of(client, "early", "ProvisioningFailed") == text
    await create_volume(client, "late", class_name="later")
    await claim_in(client, "early", volumes.BOUND)


async def test_a_claim_without_a_class_gets_the_default_when_there_is_one(
    plane: Plane, client: Client
) -> None:
    await create_claim(client, "classless", class_name=None)
    await event_of(client, "classless", "FailedBinding")
    await client.create(STORAGE_CLASSES, make_class("standard", default=True, delayed=True))
    text = "waiting for first consumer to be created before binding"
    assert await event_of(client, "classless", "WaitForFirstConsumer") == text
    claim = await client.get(PERSISTENT_VOLUME_CLAIMS, "classless", "default")
    assert claim["spec"]["storageClassName"] == "standard"
    await client.delete(STORAGE_CLASSES, "standard")


async def test_binding_goes_on_where_a_killed_controller_stopped(plane: Plane, client: Client) -> None:
    claim = await create_claim(client, "interrupted", class_name="halves")
    await create_volume(client, "half", class_name="halves", claim=claim, phase="")
    await plane.restart_leader(CONTROLLERS, client)
    bound = await claim_in(client, "interrupted", volumes.BOUND)
    assert bound["spec"]["volumeName"] == "half"


async def test_a_claim_in_use_does_not_vanish(plane: Plane, client: Client) -> None:
    await create_volume(client, "used", class_name="used")
    await create_claim(client, "used", class_name="used")
    await claim_in(client, "used", volumes.BOUND)
    await create_pod(client, "user", claim_volume("used"), nodeName="hollow-0")
    await client.delete(PERSISTENT_VOLUME_CLAIMS, "used", "default")
    await client.delete(PERSISTENT_VOLUMES, "used")
    await eventually(
        lambda: client.get(PODS, "user", "default"), lambda pod: get_path(pod, "status.phase") == "Running"
    )
    claim = await client.get(PERSISTENT_VOLUME_CLAIMS, "used", "default")
    assert claim["metadata"]["finalizers"] == ["kubernetes.io/pvc-protection"]
    assert (await client.get(PERSISTENT_VOLUMES, "used"))["metadata"]["deletionTimestamp"]
    await client.delete(PODS, "user", "default")
    await gone(client, PERSISTENT_VOLUME_CLAIMS, "used")
    await gone(client, PERSISTENT_VOLUMES, "used", None)


async def test_what_becomes_of_a_volume_whose_claim_is_deleted(
    plane: Plane, client: Client, tmp_path: Path
) -> None:
    """pytest's folders lie below /tmp, where the Delete policy may delete."""
    directory = tmp_path / "data"
    for name, policy in (("kept", "Retain"), ("deleted", "Delete"), ("recycled", "Recycle")):
        path = directory / name
        path.mkdir(parents=True)
        await create_volume(
            client,
            name,
            class_name=name,
            persistentVolumeReclaimPolicy=policy,
            hostPath={"path": str(path)},
        )
        await create_claim(client, name, class_name=name)
        await claim_in(client, name, volumes.BOUND)
        await client.delete(PERSISTENT_VOLUME_CLAIMS, name, "default")
    await volume_in(client, "kept", volumes.RELEASED)
    await gone(client, PERSISTENT_VOLUMES, "deleted", None)
    failed = await volume_in(client, "recycled", volumes.FAILED)
    assert failed["status"]["message"] == "No recycler plugin found for the volume!"
    assert {each.name for each in directory.iterdir()} == {"kept", "recycled"}


async def test_a_claim_loses_a_volume_that_is_taken_by_force(plane: Plane, client: Client) -> None:
    await create_volume(client, "doomed", class_name="doomed")
    await create_claim(client, "bereft", class_name="doomed")
    await claim_in(client, "bereft", volumes.BOUND)
    await client.delete(PERSISTENT_VOLUMES, "doomed")
    await client.patch(PERSISTENT_VOLUMES, "doomed", {"metadata": {"finalizers": None}})
    await claim_in(client, "bereft", volumes.LOST)
    text = "Bound claim has lost its PersistentVolume. Data on the volume is lost!"
    assert await event_of(client, "bereft", "ClaimLost") == text


async def test_an_ephemeral_volume_lives_as_long_as_its_pod(plane: Plane, client: Client) -> None:
    await create_volume(client, "scratch", class_name="scratch")
    spec = make_claim(class_name="scratch")["spec"]
    volume = {"ephemeral": {"volumeClaimTemplate": {"metadata": {"labels": {"a": "b"}}, "spec": spec}}}
    pod = await create_pod(client, "temporary", volume)
    claim = await claim_in(client, "temporary-data", volumes.BOUND)
    assert claim["metadata"]["labels"] == {"a": "b"}
    assert [each["uid"] for each in claim["metadata"]["ownerReferences"]] == [pod["metadata"]["uid"]]
    await client.delete(PODS, name_of(pod), "default")
    await gone(client, PERSISTENT_VOLUME_CLAIMS, "temporary-data")
    await volume_in(client, "scratch", volumes.RELEASED)


async def test_an_ephemeral_volume_takes_nobody_elses_claim(plane: Plane, client: Client) -> None:
    await create_claim(client, "thief-data", class_name="")
    spec = make_claim(class_name="")["spec"]
    volume = {"ephemeral": {"volumeClaimTemplate": {"spec": spec}}}
    await create_pod(client, "thief", volume, nodeName="hollow-0")
    assert await event_of(client, "thief", "FailedBinding") == (
        "ephemeral volume data: "
        "PVC default/thief-data was not created for pod default/thief (pod is not owner)"
    )


async def test_a_pod_goes_where_its_volume_can_be_had(plane: Plane, client: Client) -> None:
    """The claim is bound when its first pod is scheduled, to a volume on that node; the next pod follows."""
    no_provisioner = make_class("local", volumes.NO_PROVISIONER, delayed=True)
    await client.create(STORAGE_CLASSES, no_provisioner)
    await create_claim(client, "delayed", class_name="local")
    await create_pod(client, "first", claim_volume("delayed"))
    reason = await event_of(client, "first", "FailedScheduling")
    assert "3 node(s) didn't find available persistent volumes to bind" in reason
    assert await event_of(client, "delayed", "WaitForPodScheduled") == "waiting for pod first to be scheduled"
    await create_volume(client, "on-hollow-1", class_name="local", nodes=("hollow-1",))
    claim = await claim_in(client, "delayed", volumes.BOUND)
    assert claim["spec"]["volumeName"] == "on-hollow-1"
    await running_on(client, "first", "hollow-1")
    await create_pod(client, "second", claim_volume("delayed"))
    await running_on(client, "second", "hollow-1")


async def running_on(client: Client, pod: str, node: str) -> None:
    def is_so(seen: Object) -> bool:
        return get_path(seen, "status.phase") == "Running" and seen["spec"]["nodeName"] == node

    await eventually(lambda: client.get(PODS, pod, "default"), is_so)


async def test_every_node_says_which_drivers_it_has(plane: Plane, client: Client) -> None:
    node = await client.get(NODES, "hollow-0")
    csi_node = await client.get(CSI_NODES, "hollow-0")
    assert csi_node["spec"] == {"drivers": []}
    assert [each["uid"] for each in csi_node["metadata"]["ownerReferences"]] == [node["metadata"]["uid"]]


async def local_path_class(client: Client, name: str, **fields: Any) -> None:
    await client.create(STORAGE_CLASSES, make_class(name, PROVISIONER, delayed=True, **fields))


async def test_a_volume_is_made_on_the_node_of_its_first_pod_and_goes_with_its_claim(
    plane: Plane, client: Client
) -> None:
    await local_path_class(client, "made")
    await create_claim(client, "made", size="3Gi", class_name="made")
    await event_of(client, "made", "WaitForFirstConsumer")
    await create_pod(client, "maker", claim_volume("made"))
    claim = await claim_in(client, "made", volumes.BOUND)
    assert claim["status"]["capacity"] == {"storage": "3Gi"}
    pod = await eventually(
        lambda: client.get(PODS, "maker", "default"), lambda pod: get_path(pod, "status.phase") == "Running"
    )
    node = pod["spec"]["nodeName"]
    assert annotations_of(claim)[volumes.SELECTED_NODE] == node
    name = claim["spec"]["volumeName"]
    volume = await eventually(
        lambda: client.get(PERSISTENT_VOLUMES, name), lambda it: MADE in annotations_of(it)
    )
    assert volume["metadata"]["labels"] == {NODE_LABEL: node}
    assert (
        await event_of(client, "made", "ProvisioningSucceeded") == f"Successfully provisioned volume {name}"
    )
    await create_pod(client, "follower", claim_volume("made"))
    await running_on(client, "follower", node)
    for each in ("maker", "follower"):
        await client.delete(PODS, each, "default")
    await client.delete(PERSISTENT_VOLUME_CLAIMS, "made", "default")
    await gone(client, PERSISTENT_VOLUME_CLAIMS, "made")
    await gone(client, PERSISTENT_VOLUMES, name, None)


async def test_a_claim_grows_if_its_class_lets_it(plane: Plane, client: Client) -> None:
    await local_path_class(client, "growing", allowVolumeExpansion=True)
    await create_claim(client, "grown", class_name="growing")
    await create_pod(client, "grower", claim_volume("grown"))
    volume = (await claim_in(client, "grown", volumes.BOUND))["spec"]["volumeName"]
    wanted = {"spec": {"resources": {"requests": {"storage": "2Gi"}}}}
    await client.patch(PERSISTENT_VOLUME_CLAIMS, "grown", wanted, "default")
    await eventually(
        lambda: client.get(PERSISTENT_VOLUME_CLAIMS, "grown", "default"),
        lambda claim: claim["status"]["capacity"] == {"storage": "2Gi"},
    )
    assert (await client.get(PERSISTENT_VOLUMES, volume))["spec"]["capacity"] == {"storage": "2Gi"}
    text = "ExpandVolume succeeded for volume default/grown"
    assert await event_of(client, "grown", "VolumeResizeSuccessful") == text
    await client.delete(PODS, "grower", "default")


async def test_what_can_not_be_provisioned_is_told(plane: Plane, client: Client) -> None:
    await local_path_class(client, "narrow")
    await create_claim(client, "shared", class_name="narrow", modes=("ReadWriteMany",))
    await create_pod(client, "sharer", claim_volume("shared"))
    assert await event_of(client, "shared", "ProvisioningFailed") == (
        'failed to provision volume with StorageClass "narrow": '
        "only ReadWriteOnce and ReadWriteOncePod access modes are supported"
    )
    await client.delete(PODS, "sharer", "default")


async def test_volumes_of_a_node_that_is_gone_go_too(plane: Plane, client: Client) -> None:
    plane.run_nodes("mortal", 1)
    await eventually(lambda: client.get(NODES, "mortal"))
    await local_path_class(client, "mortal")
    await create_claim(client, "orphan", class_name="mortal")
    await create_pod(
        client, "doomed", claim_volume("orphan"), nodeSelector={"kubernetes.io/hostname": "mortal"}
    )
    await running_on(client, "doomed", "mortal")
    volume = (await claim_in(client, "orphan", volumes.BOUND))["spec"]["volumeName"]
    plane.kill("mortal")
    await client.delete(NODES, "mortal")
    options = {"gracePeriodSeconds": 0}
    await client.delete(PODS, "doomed", "default", options=options)
    await client.delete(PERSISTENT_VOLUME_CLAIMS, "orphan", "default")
    await gone(client, PERSISTENT_VOLUMES, volume, None)


async def test_many_claims_are_served_though_daemons_are_killed(plane: Plane, client: Client) -> None:
    """Every pod gets its own volume, none is made twice, and all go again."""
    await local_path_class(client, "many")
    names = [f"many-{number}" for number in range(30)]
    for name in names:
        await create_claim(client, name, class_name="many")
        await create_pod(client, name, claim_volume(name))
        if name.endswith(("4", "9")):
            await plane.restart_leader(CONTROLLERS, client)
            await plane.restart_leader(SCHEDULER, client)
    for name in names:
        await claim_in(client, name, volumes.BOUND)
        await eventually(
            lambda name=name: client.get(PODS, name, "default"),
            lambda pod: get_path(pod, "status.phase") == "Running",
        )
    made = await of_class(client, "many")
    assert sorted(each["spec"]["claimRef"]["name"] for each in made) == sorted(names)
    for name in names:
        await client.delete(PODS, name, "default")
        await client.delete(PERSISTENT_VOLUME_CLAIMS, name, "default")
    await plane.restart_leader(CONTROLLERS, client)
    await eventually(lambda: of_class(client, "many"), lambda left: not left)


async def of_class(client: Client, name: str) -> list[Object]:
    found = (await client.list(PERSISTENT_VOLUMES))["items"]
    return [volume for volume in found if volume["spec"]["storageClassName"] == name]
