"""Devices with the real daemons and hollow nodes: claims from templates, handing out, giving back."""

from __future__ import annotations

from typing import Any

import pytest

from apimachinery.conditions import condition_of
from apimachinery.errors import InvalidError
from apimachinery.objects import Object, get_path
from apimachinery.resource_claims import FINALIZER
from apimachinery.scheme import (
    DEVICE_CLASSES,
    EVENTS,
    PODS,
    RESOURCE_CLAIM_TEMPLATES,
    RESOURCE_CLAIMS,
    RESOURCE_SLICES,
    SERVICE_ACCOUNTS,
    VOLUME_ATTRIBUTES_CLASSES,
    Resource,
)
from client.rest import Client
from tests.integration.plane import Plane, eventually

DRIVER = "gpu.example.com"
GPU = {"name": "gpu", "exactly": {"deviceClassName": "gpus"}}


async def create(client: Client, resource: Resource, name: str, spec: Object, **more: Any) -> Object:
    namespace = {"namespace": "default"} if resource.namespaced else {}
    obj = {"apiVersion": resource.api_version, "kind": resource.kind, "metadata": {"name": name, **namespace}}
    return await client.create(resource, {**obj, "spec": spec, **more})


async def create_pod(client: Client, name: str) -> Object:
    spec = {
        "containers": [{"name": "c", "image": "busybox:1", "resources": {"claims": [{"name": "gpu"}]}}],
        "resourceClaims": [{"name": "gpu", "resourceClaimTemplateName": "gpu"}],
        "terminationGracePeriodSeconds": 1,
        "tolerations": [{"operator": "Exists"}],
    }
    return await create(client, PODS, name, spec)


async def pod_when(client: Client, name: str, path: str) -> Object:
    return await eventually(
        lambda: client.get(PODS, name, "default"), lambda pod: bool(get_path(pod, path)), limit=120
    )


async def offer_one_gpu(client: Client) -> None:
    await eventually(lambda: client.get(SERVICE_ACCOUNTS, "default", "default"))
    expression = f'device.driver == "{DRIVER}" && device.attributes["{DRIVER}"].slots >= 2'
    await create(client, DEVICE_CLASSES, "gpus", {"selectors": [{"cel": {"expression": expression}}]})
    pool = {"name": "hollow-1", "generation": 1, "resourceSliceCount": 1}
    devices = [
        {"name": "gpu-0", "attributes": {"slots": {"int": 1}}},
        {"name": "gpu-1", "attributes": {"slots": {"int": 4}}},
    ]
    await create(
        client, RESOURCE_SLICES, "s",
        {"driver": DRIVER, "pool": pool, "nodeName": "hollow-1", "devices": devices},
    )  # fmt: skip
    await create(client, RESOURCE_CLAIM_TEMPLATES, "gpu", {"spec": {"devices": {"requests": [GPU]}}})


async def test_a_device_is_handed_out_and_given_back(plane: Plane, client: Client) -> None:
    await offer_one_gpu(client)
    await create_pod(client, "first")
    first = await pod_when(client, "first", "spec.nodeName")
    assert first["spec"]["nodeName"] == "hollow-1"
    (status,) = first["status"]["resourceClaimStatuses"]
    claim = await client.get(RESOURCE_CLAIMS, status["resourceClaimName"], "default")
    (result,) = claim["status"]["allocation"]["devices"]["results"]
    assert result == {"request": "gpu", "driver": DRIVER, "pool": "hollow-1", "device": "gpu-1"}
    assert claim["metadata"]["finalizers"] == [FINALIZER]
    assert [user["uid"] for user in claim["status"]["reservedFor"]] == [first["metadata"]["uid"]]

    await create_pod(client, "second")
    waiting = await eventually(
        lambda: client.get(PODS, "second", "default"),
        lambda pod: (
            "cannot allocate all claims" in ((condition_of(pod, "PodScheduled") or {}).get("message") or "")
        ),
        limit=120,
    )
    assert "nodeName" not in waiting["spec"]
    await client.delete(PODS, "first", "default")
    second = await pod_when(client, "second", "spec.nodeName")
    assert second["spec"]["nodeName"] == "hollow-1"
    await eventually(
        lambda: client.list(RESOURCE_CLAIMS, "default"), lambda claims: len(claims["items"]) == 1, limit=120
    )


async def test_a_kubelet_without_the_driver_says_so(plane: Plane, client: Client) -> None:
    await create_pod(client, "p")
    found = await eventually(
        lambda: client.list(EVENTS, "default", field_selector="reason=FailedPrepareDynamicResources"),
        lambda events: bool(events["items"]),
        limit=120,
    )
    assert found["items"][0]["message"] == (
        "Failed to prepare dynamic resources: prepare dynamic resources: "
        f"DRA driver {DRIVER} is not registered"
    )


async def test_what_is_no_claim_is_refused(plane: Plane, client: Client) -> None:
    request = {"name": "gpu", "exactly": {"deviceClassName": "gpus", "adminAccess": True}}
    with pytest.raises(InvalidError, match="admin access to devices requires"):
        await create(client, RESOURCE_CLAIMS, "c", {"devices": {"requests": [request]}})
    made = await create(client, RESOURCE_CLAIMS, "c", {"devices": {"requests": [GPU]}})
    (request,) = made["spec"]["devices"]["requests"]
    assert request["exactly"] == {"deviceClassName": "gpus", "allocationMode": "ExactCount", "count": 1}
    with pytest.raises(InvalidError, match="field is immutable"):
        await client.update(RESOURCE_CLAIMS, {**made, "spec": {"devices": {"requests": []}}})


async def test_an_attributes_class_that_is_deleted_goes_when_nobody_names_it(
    plane: Plane, client: Client
) -> None:
    made = await client.create(
        VOLUME_ATTRIBUTES_CLASSES,
        {
            "apiVersion": "storage.k8s.io/v1", "kind": "VolumeAttributesClass", "metadata": {"name": "gold"},
            "driverName": "d.example.com", "parameters": {"iops": "5000"},
        },
    )  # fmt: skip
    assert made["metadata"]["finalizers"] == ["kubernetes.io/vac-protection"]
    await client.delete(VOLUME_ATTRIBUTES_CLASSES, "gold")
    await eventually(
        lambda: client.list(VOLUME_ATTRIBUTES_CLASSES), lambda classes: not classes["items"], limit=120
    )
