"""The StorageClass that claims get without asking: directories on the nodes' own disks."""

from __future__ import annotations

from apimachinery.errors import AlreadyExistsError
from apimachinery.local_path import PATH_PARAMETER, PROVISIONER
from apimachinery.objects import Object
from apimachinery.scheme import STORAGE_CLASSES
from apimachinery.volumes import DEFAULT_CLASS
from client.rest import Client
from kubeadm.config import ClusterConfig

NAME = "standard"


def storage_class(config: ClusterConfig) -> Object:
    """Every node of the cluster keeps its volumes below the same directory, each on its own disk."""
    return {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "StorageClass",
        "metadata": {"name": NAME, "annotations": {DEFAULT_CLASS[0]: "true"}},
        "provisioner": PROVISIONER,
        "parameters": {PATH_PARAMETER: str(config.state_dir / "volumes")},
        "reclaimPolicy": "Delete",
        "volumeBindingMode": "WaitForFirstConsumer",
        "allowVolumeExpansion": True,
    }


async def ensure(client: Client, config: ClusterConfig) -> str:
    """Makes it unless it is there: its administrator may have changed it."""
    try:
        await client.create(STORAGE_CLASSES, storage_class(config))
    except AlreadyExistsError:
        return f"{NAME} unchanged"
    return NAME
