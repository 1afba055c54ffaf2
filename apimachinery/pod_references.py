"""The objects of its namespace that a pod needs on its node.

Source: VisitPodSecretNames and VisitPodConfigmapNames in pkg/api/v1/pod/util.go of Kubernetes 1.34.
"""

from __future__ import annotations

from collections.abc import Iterator

from apimachinery.objects import Object, get_path

Reference = tuple[str, str]
"""(plural, name)"""

_SECRETS, _CONFIG_MAPS = "secrets", "configmaps"
_CLAIMS, _ACCOUNTS, _RESOURCE_CLAIMS = "persistentvolumeclaims", "serviceaccounts", "resourceclaims"
_CONTAINER_LISTS = ("initContainers", "containers", "ephemeralContainers")


def references_of(pod: Object) -> set[Reference]:
    """Secrets, ConfigMaps, claims of either kind and the ServiceAccount. Pure."""
    return {reference for reference in _all(pod) if reference[1]}


def _all(pod: Object) -> Iterator[Reference]:
    spec = pod.get("spec") or {}
    yield _ACCOUNTS, spec.get("serviceAccountName") or ""
    for secret in spec.get("imagePullSecrets") or ():
        yield _SECRETS, secret.get("name") or ""
    for containers in _CONTAINER_LISTS:
        for container in spec.get(containers) or ():
            yield from _of_environment(container)
    for volume in spec.get("volumes") or ():
        yield from _of_volume(pod["metadata"].get("name", ""), volume)
    for claim in spec.get("resourceClaims") or ():
        yield _RESOURCE_CLAIMS, claim.get("resourceClaimName") or ""
    for status in get_path(pod, "status.resourceClaimStatuses", ()):
        yield _RESOURCE_CLAIMS, status.get("resourceClaimName") or ""


def _of_environment(container: Object) -> Iterator[Reference]:
    for source in container.get("envFrom") or ():
        yield _CONFIG_MAPS, get_path(source, "configMapRef.name", "")
        yield _SECRETS, get_path(source, "secretRef.name", "")
    for entry in container.get("env") or ():
        yield _CONFIG_MAPS, get_path(entry, "valueFrom.configMapKeyRef.name", "")
        yield _SECRETS, get_path(entry, "valueFrom.secretKeyRef.name", "")


def _of_volume(pod_name: str, volume: Object) -> Iterator[Reference]:
    yield _SECRETS, get_path(volume, "secret.secretName", "")
    yield _CONFIG_MAPS, get_path(volume, "configMap.name", "")
    yield _CLAIMS, get_path(volume, "persistentVolumeClaim.claimName", "")
    if "ephemeral" in volume:
        yield _CLAIMS, f"{pod_name}-{volume['name']}"
    for source in get_path(volume, "projected.sources", ()):
        yield _SECRETS, get_path(source, "secret.name", "")
        yield _CONFIG_MAPS, get_path(source, "configMap.name", "")
    yield from ((_SECRETS, name) for name in _secrets_of_drivers(volume))


def _secrets_of_drivers(volume: Object) -> Iterator[str]:
    """What drivers log in with: `azureFile.secretName`, `csi.nodePublishSecretRef`, `rbd.secretRef`."""
    for driver, source in volume.items():
        if isinstance(source, dict):
            yield get_path(source, "secretRef.name", "")
            yield get_path(source, "nodePublishSecretRef.name", "")
            yield source.get("secretName") or "" if driver == "azureFile" else ""
