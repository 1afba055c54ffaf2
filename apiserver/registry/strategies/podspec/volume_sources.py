"""Where a volume's content comes from: a check per source, for volumes of pods and for PersistentVolumes."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial

from apimachinery import names
from apimachinery.field import Errors, Path, invalid, not_supported, required, too_long
from apimachinery.objects import Object
from apiserver.registry.strategies.checks import between, dns_label, matches, one_of, present, required_match
from apiserver.registry.strategies.podspec.paths import local_path, no_backsteps

Source = Callable[[Object, Path], Errors]

_HOST_PATH_TYPES = (
    "",
    "BlockDevice",
    "CharDevice",
    "Directory",
    "DirectoryOrCreate",
    "File",
    "FileOrCreate",
    "Socket",
)
_ISCSI_NAMES = {
    "iqn": re.compile(r"iqn\.\d{4}-\d{2}\.([A-Za-z0-9\-.]+)(:[^,;*&$|\s]+)$"),
    "eui": re.compile(r"^eui.[A-Za-z0-9]{16}$"),
    "naa": re.compile(r"^naa.[A-Za-z0-9]{32}$"),
}
_HOST_PORTS = "must be a host:port pair or multiple pairs separated by commas"


def needs(*fields: str) -> Source:
    """A source that is right when these fields are there."""

    def check(source: Object, path: Path) -> Errors:
        return present(source, path, *fields)

    return check


def host_path(source: Object, path: Path) -> Errors:
    if not source.get("path"):
        yield required(path.child("path"))
        return
    yield from no_backsteps(source["path"], path.child("path"))
    if source.get("type"):
        yield from one_of(source["type"], path.child("type"), _HOST_PATH_TYPES)


def local(source: Object, path: Path) -> Errors:
    if not source.get("path"):
        yield required(path.child("path"))
        return
    yield from no_backsteps(source["path"], path.child("path"))


def _git_repo(source: Object, path: Path) -> Errors:
    yield from present(source, path, "repository")
    yield from local_path(source.get("directory") or "", path.child("directory"))


def _disk(identifier: str) -> Source:
    def check(source: Object, path: Path) -> Errors:
        yield from present(source, path, identifier)
        yield from between(source.get("partition"), path.child("partition"), 0, 255)

    return check


def _nfs(source: Object, path: Path) -> Errors:
    yield from present(source, path, "server", "path")
    if not (source.get("path") or "").startswith("/"):
        yield invalid(path.child("path"), source.get("path") or "", "must be an absolute path")


def _iscsi_name(name: str, path: Path, unknown: str) -> Errors:
    pattern = _ISCSI_NAMES.get(name[:3])
    if pattern is None:
        yield invalid(path, name, unknown)
    elif not pattern.search(name):
        yield invalid(path, name, "must be valid format")


def iscsi(
    source: Object, path: Path, unknown: str = "must be valid format starting with iqn, eui, or naa"
) -> Errors:
    yield from present(source, path, "targetPortal", "iqn")
    if source.get("iqn"):
        yield from _iscsi_name(source["iqn"], path.child("iqn"), unknown)
    yield from between(source.get("lun"), path.child("lun"), 0, 255)
    with_chap = source.get("chapAuthDiscovery") or source.get("chapAuthSession")
    if with_chap and source.get("secretRef") is None:
        yield required(path.child("secretRef"))
    if source.get("initiatorName") is not None:
        yield from _iscsi_name(source["initiatorName"], path.child("initiatorname"), unknown)


def _fibre_channel(source: Object, path: Path) -> Errors:
    targets, ids, lun = source.get("targetWWNs"), source.get("wwids"), source.get("lun")
    at = path.child("targetWWNs")
    if not targets and not ids:
        yield required(at, "must specify either targetWWNs or wwids, but not both")
    if targets and ids:
        yield invalid(at, targets, "targetWWNs and wwids can not be specified simultaneously")
    if targets and lun is None:
        yield required(path.child("lun"), "lun is required if targetWWNs is specified")
    elif targets:
        yield from between(lun, path.child("lun"), 0, 255)


def _quobyte(source: Object, path: Path) -> Errors:
    registry = source.get("registry") or ""
    if not registry:
        yield required(path.child("registry"), _HOST_PORTS)
    elif len(source.get("tenant") or "") > 64:
        yield required(path.child("tenant"), "must be a UUID and may not exceed a length of 64 characters")
    else:
        for pair in registry.split(","):
            if not re.fullmatch(r"(\[[^]]*\]|[^:\[\]]*):[^:]*", pair):
                yield invalid(path.child("registry"), registry, _HOST_PORTS)
    yield from present(source, path, "volume")


def _flocker(source: Object, path: Path) -> Errors:
    name, uuid = source.get("datasetName") or "", source.get("datasetUUID")
    if not name and not uuid:
        yield required(path, "one of datasetName and datasetUUID is required")
    if name and uuid:
        yield invalid(path, "resource", "datasetName and datasetUUID can not be specified simultaneously")
    if "/" in name:
        yield invalid(path.child("datasetName"), name, "must not contain '/'")


def _secret_ref(*fields: str) -> Source:
    def check(source: Object, path: Path) -> Errors:
        if source.get("secretRef") is not None:
            yield from present(source["secretRef"], path.child("secretRef"), *fields)

    return check


def both(*checks: Source) -> Source:
    def check(source: Object, path: Path) -> Errors:
        for each in checks:
            yield from each(source, path)

    return check


def _flex(source: Object, path: Path) -> Errors:
    yield from present(source, path, "driver")
    for key in source.get("options") or {}:
        if f".{key.partition('/')[0].lower()}".endswith((".kubernetes.io", ".k8s.io")):
            detail = "kubernetes.io and k8s.io namespaces are reserved"
            yield invalid(path.child("options").key(key), key, detail)


def _azure_disk(source: Object, path: Path) -> Errors:
    yield from present(source, path, "diskName", "diskURI")
    kind, uri = source.get("kind"), source.get("diskURI") or ""
    caching = ("None", "ReadOnly", "ReadWrite")
    yield from one_of(source.get("cachingMode"), path.child("cachingMode"), caching, optional=True)
    yield from one_of(kind, path.child("kind"), ("Dedicated", "Managed", "Shared"), optional=True)
    if kind == "Managed" and not uri.startswith("/subscriptions/"):
        form = (
            "/subscriptions/{sub-id}/resourcegroups/{group-name}/providers/microsoft.compute/disks/{disk-id}"
        )
        yield not_supported(path.child("diskURI"), uri, [form])
    if kind is not None and kind != "Managed" and not uri.startswith("https://"):
        form = "https://{account-name}.blob.core.windows.net/{container-name}/{disk-name}.vhd"
        yield not_supported(path.child("diskURI"), uri, [form])


def _storage_os(source: Object, path: Path) -> Errors:
    yield from required_match(source.get("volumeName"), path.child("volumeName"), names.is_dns1123_label)
    if source.get("volumeNamespace"):
        yield from dns_label(source["volumeNamespace"], path.child("volumeNamespace"))


def _glusterfs_persistent(source: Object, path: Path) -> Errors:
    yield from present(source, path, "endpoints", "path")
    namespace, at = source.get("endpointsNamespace"), path.child("endpointsNamespace")
    if namespace == "":
        yield invalid(at, "", "if the endpointnamespace is set, it must be a valid namespace name")
    elif namespace is not None:
        yield from dns_label(namespace, at)


def _azure_file_persistent(source: Object, path: Path) -> Errors:
    yield from present(source, path, "secretName", "shareName")
    if source.get("secretNamespace") == "":
        yield required(path.child("secretNamespace"))


def csi_driver_name(name: str, path: Path) -> Errors:
    if not name:
        yield required(path)
    if len(name) > 63:
        yield too_long(path, name, 63)
    yield from (invalid(path, name, text) for text in names.is_dns1123_subdomain(name.lower()))


def _csi(source: Object, path: Path) -> Errors:
    yield from csi_driver_name(source.get("driver") or "", path.child("driver"))
    ref = source.get("nodePublishSecretRef")
    if ref is None:
        return
    if not ref.get("name"):
        yield required(path.child("nodePublishSecretRef", "name"))
    else:
        yield from matches(ref["name"], path.child("name"), names.is_dns1123_subdomain)


def _csi_persistent(source: Object, path: Path) -> Errors:
    yield from csi_driver_name(source.get("driver") or "", path.child("driver"))
    yield from present(source, path, "volumeHandle")
    for stage in ("controllerPublish", "controllerExpand", "nodePublish", "nodeExpand"):
        ref, at = source.get(f"{stage}SecretRef"), path.child(f"{stage}SecretRef")
        if ref is not None:
            yield from required_match(ref.get("name"), at.child("name"), names.is_dns1123_subdomain)
            yield from required_match(ref.get("namespace"), at.child("namespace"), names.is_dns1123_label)


_GLUSTERFS = needs("endpoints", "path")
_RBD = needs("monitors", "image")
_SCALE_IO = needs("gateway", "system", "volumeName")
_CINDER = needs("volumeID")

# In upstream's order, which decides which of two sources is the one too many.
NETWORK_SOURCES: dict[str, Source] = {
    "hostPath": host_path,
    "gitRepo": _git_repo,
    "gcePersistentDisk": _disk("pdName"),
    "awsElasticBlockStore": _disk("volumeID"),
    "nfs": _nfs,
    "iscsi": iscsi,
    "glusterfs": _GLUSTERFS,
    "flocker": _flocker,
    "persistentVolumeClaim": needs("claimName"),
    "rbd": _RBD,
    "cinder": both(_CINDER, _secret_ref("name")),
    "cephfs": needs("monitors"),
    "quobyte": _quobyte,
    "fc": _fibre_channel,
    "flexVolume": _flex,
    "azureFile": needs("secretName", "shareName"),
    "vsphereVolume": needs("volumePath"),
    "photonPersistentDisk": needs("pdID"),
    "portworxVolume": needs("volumeID"),
    "azureDisk": _azure_disk,
    "storageos": both(_storage_os, _secret_ref("name")),
    "scaleIO": _SCALE_IO,
    "csi": _csi,
}

PERSISTENT_SOURCES: dict[str, Source] = {
    "hostPath": host_path,
    "gcePersistentDisk": _disk("pdName"),
    "awsElasticBlockStore": _disk("volumeID"),
    "glusterfs": _glusterfs_persistent,
    "flocker": _flocker,
    "nfs": _nfs,
    "rbd": _RBD,
    "quobyte": _quobyte,
    "cephfs": needs("monitors"),
    "iscsi": both(partial(iscsi, unknown="must be valid format"), _secret_ref("name")),
    "cinder": both(_CINDER, _secret_ref("name", "namespace")),
    "fc": _fibre_channel,
    "flexVolume": _flex,
    "azureFile": _azure_file_persistent,
    "vsphereVolume": needs("volumePath"),
    "photonPersistentDisk": needs("pdID"),
    "portworxVolume": needs("volumeID"),
    "azureDisk": _azure_disk,
    "scaleIO": _SCALE_IO,
    "local": local,
    "storageos": both(_storage_os, _secret_ref("name", "namespace")),
    "csi": _csi_persistent,
}

# Where upstream's paths differ from the field's name.
PATH_NAMES = {"gcePersistentDisk": "persistentDisk"}
