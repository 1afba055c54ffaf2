"""Claims and volumes with the minimum of fields."""

from __future__ import annotations

from typing import Any

from apimachinery.objects import Object


def make_claim(
    name: str = "claim",
    size: str = "1Gi",
    *,
    modes: tuple[str, ...] = ("ReadWriteOnce",),
    class_name: str | None = "fast",
    volume: str = "",
    annotations: dict[str, str] | None = None,
    phase: str = "Pending",
    metadata: Object | None = None,
    **spec: Any,
) -> Object:
    resources = {"requests": {"storage": size}}
    wanted: Object = {"accessModes": list(modes), "resources": resources, "volumeMode": "Filesystem", **spec}
    if class_name is not None:
        wanted["storageClassName"] = class_name
    if volume:
        wanted["volumeName"] = volume
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {
            "name": name, "namespace": "ns", "uid": f"uid of {name}", "annotations": annotations or {},
            "resourceVersion": "1", **(metadata or {}),
        },
        "spec": wanted,
        "status": {"phase": phase},
    }  # fmt: skip


def make_volume(
    name: str = "volume",
    size: str = "1Gi",
    *,
    modes: tuple[str, ...] = ("ReadWriteOnce",),
    class_name: str = "fast",
    claim: Object | None = None,
    reserved_for: str = "",
    annotations: dict[str, str] | None = None,
    labels: dict[str, str] | None = None,
    phase: str = "Available",
    nodes: tuple[str, ...] = (),
    metadata: Object | None = None,
    **spec: Any,
) -> Object:
    wanted: Object = {
        "capacity": {"storage": size}, "accessModes": list(modes), "storageClassName": class_name,
        "persistentVolumeReclaimPolicy": "Retain", "volumeMode": "Filesystem",
        "hostPath": {"path": f"/tmp/{name}"}, **spec,
    }  # fmt: skip
    if claim is not None:
        known = claim["metadata"]
        wanted["claimRef"] = {field: known[field] for field in ("namespace", "name", "uid")}
    if reserved_for:
        wanted["claimRef"] = {"namespace": "ns", "name": reserved_for}
    if nodes:
        expression = {"key": "kubernetes.io/hostname", "operator": "In", "values": list(nodes)}
        wanted["nodeAffinity"] = {"required": {"nodeSelectorTerms": [{"matchExpressions": [expression]}]}}
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {
            "name": name, "uid": f"uid of {name}", "annotations": annotations or {}, "labels": labels or {},
            **(metadata or {}),
        },
        "spec": wanted,
        "status": {"phase": phase},
    }  # fmt: skip


def make_class(
    name: str = "fast",
    provisioner: str = "example.com/disk",
    *,
    delayed: bool = False,
    default: bool = False,
    created: str = "2026-01-01T00:00:00Z",
    **fields: Any,
) -> Object:
    annotations = {"storageclass.kubernetes.io/is-default-class": "true"} if default else {}
    return {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "StorageClass",
        "metadata": {"name": name, "annotations": annotations, "creationTimestamp": created},
        "provisioner": provisioner,
        "reclaimPolicy": "Delete",
        "volumeBindingMode": "WaitForFirstConsumer" if delayed else "Immediate",
        **fields,
    }
