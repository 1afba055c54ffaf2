"""Persistent volumes, their claims, and storage classes."""

from __future__ import annotations

from collections.abc import Sequence

from apimachinery.objects import Object, annotations_of, get_path, name_of
from apimachinery.volumes import DEFAULT_CLASS, modes_text
from kubectl.describe import values
from kubectl.describe.related import Related
from kubectl.describe.values import NONE, UNSET
from kubectl.describe.volumes import write_source
from kubectl.describe.writer import Writer


def _finalizers(obj: Object) -> str:
    return f"[{' '.join(obj['metadata'].get('finalizers') or ())}]"


def write_volume(writer: Writer, obj: Object, _: Related) -> None:
    spec, status = obj["spec"], obj.get("status") or {}
    writer.field("Name", name_of(obj))
    values.write_marks(writer, obj)
    writer.field("Finalizers", _finalizers(obj))
    writer.field("StorageClass", spec.get("storageClassName") or "")
    terminating = obj["metadata"].get("deletionTimestamp")
    if terminating:
        writer.field("Status", f"Terminating (lasts {values.age(terminating, values.now())})")
    else:
        writer.field("Status", status.get("phase", ""))
    claim = spec.get("claimRef")
    writer.field("Claim", f"{claim.get('namespace', '')}/{claim.get('name', '')}" if claim else "")
    writer.field("Reclaim Policy", spec.get("persistentVolumeReclaimPolicy", ""))
    writer.field("Access Modes", modes_text(spec.get("accessModes")))
    if spec.get("volumeMode"):
        writer.field("VolumeMode", spec["volumeMode"])
    writer.field("Capacity", get_path(spec, "capacity.storage", ""))
    _write_affinity(writer, get_path(spec, "nodeAffinity.required"))
    writer.field("Message", status.get("message", ""))
    writer.line("Source:")
    write_source(writer, spec)


def _write_affinity(writer: Writer, required: Object | None) -> None:
    terms = (required or {}).get("nodeSelectorTerms")
    if not terms:
        writer.field("Node Affinity", NONE)
        return
    writer.field("Node Affinity", "")
    writer.line("Required Terms:\t", 1)
    for index, term in enumerate(terms):
        writer.raw(f"Term {index}:\t", 2)
        expressions = term.get("matchExpressions") or ()
        if not expressions:
            writer.line(NONE)
        for position, each in enumerate(expressions):
            text = f"{each['key']} {each['operator'].lower()}"
            if each.get("values"):
                text += f" [{', '.join(each['values'])}]"
            writer.line(text if position == 0 else f"    \t{text}")


def write_claim(writer: Writer, obj: Object, related: Related) -> None:
    spec, status = obj["spec"], obj.get("status") or {}
    values.write_head(writer, obj)
    writer.field("StorageClass", spec.get("storageClassName") or "")
    terminating = obj["metadata"].get("deletionTimestamp")
    if terminating:
        writer.field("Status", f"Terminating (lasts {values.age(terminating, values.now())})")
    else:
        writer.field("Status", status.get("phase", ""))
    writer.field("Volume", spec.get("volumeName") or "")
    values.write_marks(writer, obj)
    writer.field("Finalizers", _finalizers(obj))
    bound = bool(spec.get("volumeName"))
    writer.field("Capacity", get_path(status, "capacity.storage", "") if bound else "")
    writer.field("Access Modes", modes_text(status.get("accessModes")) if bound else "")
    if spec.get("volumeMode"):
        writer.field("VolumeMode", spec["volumeMode"])
    values.write_lines(writer, "Used By", _users(obj, related.get("pods", [])))
    values.write_conditions(writer, status.get("conditions"))


def _users(claim: Object, pods: Sequence[Object]) -> list[str]:
    return [
        name_of(pod)
        for pod in pods
        for volume in get_path(pod, "spec.volumes") or ()
        if (volume.get("persistentVolumeClaim") or {}).get("claimName") == name_of(claim)
    ]


def write_storage_class(writer: Writer, obj: Object, _: Related) -> None:
    annotations = annotations_of(obj)
    writer.field("Name", name_of(obj))
    writer.field("IsDefaultClass", "Yes" if annotations.get(DEFAULT_CLASS[0]) == "true" else "No")
    writer.field(
        "Annotations", ",".join(f"{key}={value}" for key, value in sorted(annotations.items())) or NONE
    )
    writer.field("Provisioner", obj.get("provisioner", ""))
    writer.field("Parameters", values.format_selector(obj.get("parameters")))
    writer.field("AllowVolumeExpansion", obj.get("allowVolumeExpansion", UNSET))
    options = obj.get("mountOptions")
    writer.line("MountOptions:" + ("" if options else f"\t{NONE}"))
    for option in options or ():
        writer.line(option, 1)
    writer.field("ReclaimPolicy", obj.get("reclaimPolicy", UNSET))
    writer.field("VolumeBindingMode", obj.get("volumeBindingMode", UNSET))
