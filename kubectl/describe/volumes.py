"""Volumes and their sources as `describe` shows them: a table of what to print of each type."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from apimachinery.objects import Object
from kubectl.describe.values import NONE, UNSET, truth
from kubectl.describe.writer import Writer

Fields = Sequence[tuple[str, Callable[[Object], Any]]]


def _get(name: str, default: Any = "") -> Callable[[Object], Any]:
    return lambda source: source.get(name, default)


def _flag(name: str) -> Callable[[Object], Any]:
    return lambda source: truth(source.get(name))


_TYPES: dict[str, tuple[str, Fields]] = {
    "hostPath": (
        "HostPath (bare host directory volume)",
        [("Path", _get("path")), ("HostPathType", _get("type"))],
    ),
    "emptyDir": (
        "EmptyDir (a temporary directory that shares a pod's lifetime)",
        [("Medium", _get("medium")), ("SizeLimit", _get("sizeLimit", UNSET))],
    ),
    "secret": (
        "Secret (a volume populated by a Secret)",
        [("SecretName", _get("secretName")), ("Optional", _flag("optional"))],
    ),
    "configMap": (
        "ConfigMap (a volume populated by a ConfigMap)",
        [("Name", _get("name")), ("Optional", _flag("optional"))],
    ),
    "persistentVolumeClaim": (
        "PersistentVolumeClaim (a reference to a PersistentVolumeClaim in the same namespace)",
        [("ClaimName", _get("claimName")), ("ReadOnly", _flag("readOnly"))],
    ),
    "nfs": (
        "NFS (an NFS mount that lasts the lifetime of a pod)",
        [("Server", _get("server")), ("Path", _get("path")), ("ReadOnly", _flag("readOnly"))],
    ),
    "csi": (
        "CSI (a Container Storage Interface (CSI) volume source)",
        [("Driver", _get("driver")), ("FSType", _get("fsType")), ("ReadOnly", _flag("readOnly"))],
    ),
    "local": (
        "LocalVolume (a persistent volume backed by local storage on a node)",
        [("Path", _get("path"))],
    ),
    "image": (
        "Image (a container image or OCI artifact)",
        [("Reference", _get("reference")), ("PullPolicy", _get("pullPolicy"))],
    ),
    "ephemeral": (
        "EphemeralVolume (an inline specification for a volume that gets created and deleted with the pod)",
        [],
    ),
}


def write_volumes(writer: Writer, volumes: Sequence[Object] | None, indent: str = "") -> None:
    if not volumes:
        writer.line(f"{indent}Volumes:\t{NONE}")
        return
    writer.line(f"{indent}Volumes:")
    for volume in volumes:
        writer.line(f"{' ' if indent else ''}{volume['name']}:", 1)
        write_source(writer, volume)


def write_source(writer: Writer, volume: Object) -> None:
    """The type and fields of the one source that a volume (or the spec of a PersistentVolume) has."""
    for name, (title, fields) in _TYPES.items():
        if name in volume:
            writer.line(f"Type:\t{title}", 2)
            for label, read in fields:
                writer.line(f"    {label}:\t{read(volume[name])}")
            return
    if "downwardAPI" in volume:
        _write_downward(writer, volume["downwardAPI"])
    elif "projected" in volume:
        _write_projected(writer, volume["projected"])
    else:
        writer.line("<unknown>", 1)


def _write_downward(writer: Writer, source: Object) -> None:
    writer.line("Type:\tDownwardAPI (a volume populated by information about the pod)\n    Items:", 2)
    for item in source.get("items") or ():
        field = (item.get("fieldRef") or {}).get("fieldPath") or (item.get("resourceFieldRef") or {})[
            "resource"
        ]
        writer.line(f"{field} -> {item['path']}", 3)


def _write_projected(writer: Writer, source: Object) -> None:
    writer.line("Type:\tProjected (a volume that contains injected data from multiple sources)", 2)
    for each in source.get("sources") or ():
        if secret := each.get("secret"):
            writer.field("SecretName", secret.get("name", ""), 2)
            writer.line(f"    Optional:\t{truth(secret.get('optional'))}")
        elif config := each.get("configMap"):
            writer.field("ConfigMapName", config.get("name", ""), 2)
            writer.line(f"    Optional:\t{truth(config.get('optional'))}")
        elif token := each.get("serviceAccountToken"):
            writer.field("TokenExpirationSeconds", token.get("expirationSeconds", 3600), 2)
        elif "downwardAPI" in each:
            writer.field("DownwardAPI", "true", 2)
