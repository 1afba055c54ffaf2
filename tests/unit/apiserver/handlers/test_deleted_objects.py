"""What a DELETE answers with: the object that is gone, or a Status."""

from __future__ import annotations

from typing import Any

import pytest

from tests.fakes.api import Api

RESOURCE, STORAGE = "/apis/resource.k8s.io/v1", "/apis/storage.k8s.io/v1"


@pytest.mark.parametrize(
    ("collection", "fields", "kind"),
    [
        ("/api/v1/namespaces/default/configmaps", {}, "Status"),
        ("/api/v1/namespaces/default/serviceaccounts", {}, "ServiceAccount"),
        (f"{STORAGE}/storageclasses", {"provisioner": "p.example"}, "StorageClass"),
        (
            f"{STORAGE}/volumeattributesclasses",
            {"driverName": "d.example", "parameters": {"a": "b"}},
            "VolumeAttributesClass",
        ),
        (f"{RESOURCE}/deviceclasses", {"spec": {}}, "DeviceClass"),
        (f"{RESOURCE}/namespaces/default/resourceclaims", {"spec": {}}, "ResourceClaim"),
        (
            f"{RESOURCE}/namespaces/default/resourceclaimtemplates",
            {"spec": {"spec": {}}},
            "ResourceClaimTemplate",
        ),
        (
            f"{RESOURCE}/resourceslices",
            {
                "spec": {
                    "driver": "d.example",
                    "nodeName": "n",
                    "pool": {"name": "p", "generation": 1, "resourceSliceCount": 1},
                }
            },
            "ResourceSlice",
        ),
    ],
)
async def test_what_is_answered(api: Api, collection: str, fields: Any, kind: str) -> None:
    made = await api.request("POST", collection, {"metadata": {"name": "a"}, **fields})
    assert made.status == 201, made.json
    answer = await api.request("DELETE", f"{collection}/a")
    assert (answer.status, answer.json["kind"]) == (200, kind)
