"""Which ConfigMaps, Secrets and claims a pod needs. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from apimachinery.objects import Object
from apimachinery.pods import all_containers

CONFIG_MAP, SECRET = "ConfigMap", "Secret"


def references_of(pod: Object) -> list[tuple[str, str]]:
    """(kind, name), each once."""
    return list(dict.fromkeys(each for each in _references(pod.get("spec") or {}) if each[1]))


def _references(spec: Object) -> Iterator[tuple[str, str]]:
    for container in all_containers(spec):
        for source in container.get("envFrom") or ():
            yield CONFIG_MAP, (source.get("configMapRef") or {}).get("name", "")
            yield SECRET, (source.get("secretRef") or {}).get("name", "")
        for entry in container.get("env") or ():
            value = entry.get("valueFrom") or {}
            yield CONFIG_MAP, (value.get("configMapKeyRef") or {}).get("name", "")
            yield SECRET, (value.get("secretKeyRef") or {}).get("name", "")
    for volume in spec.get("volumes") or ():
        for source in (volume, *((volume.get("projected") or {}).get("sources") or ())):
            yield CONFIG_MAP, (source.get("configMap") or {}).get("name", "")
            secret = source.get("secret") or {}
            yield SECRET, secret.get("secretName") or secret.get("name") or ""


def claims_of(pod: Object) -> list[str]:
    """The names of its PersistentVolumeClaims; an ephemeral one bears the pod's name."""
    names = []
    for volume in (pod.get("spec") or {}).get("volumes") or ():
        if "persistentVolumeClaim" in volume:
            names.append(volume["persistentVolumeClaim"]["claimName"])
        elif "ephemeral" in volume:
            names.append(f"{pod['metadata']['name']}-{volume['name']}")
    return names
