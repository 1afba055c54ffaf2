"""ServiceAccount: gives every pod an account, and the account's token, CA and namespace as a volume.

Source: plugin/pkg/admission/serviceaccount/admission.go of Kubernetes 1.34.
"""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable

from apimachinery.objects import Object, annotations_of
from apimachinery.scheme import PODS, Resource
from apimachinery.well_known import MIRROR_POD
from apiserver.admission.attributes import Attributes, Operation
from apiserver.admission.refusal import refuse
from apiserver.registry.generated_names import generate_name

DEFAULT_ACCOUNT = "default"
MOUNT_PATH = "/var/run/secrets/kubernetes.io/serviceaccount"
_VOLUME_PREFIX = "kube-api-access-"
_TOKEN_SECONDS = 3607
"""An hour and seven seconds: recognized when the token is asked for."""
_MODE = 0o644

AccountLookup = Callable[[str, str], Awaitable[Object | None]]
"""account(namespace, name): waits a little for an account that is about to be made."""


class ServiceAccount:
    name = "ServiceAccount"

    def __init__(self, account: AccountLookup, randomness: random.Random) -> None:
        self._account = account
        self._randomness = randomness

    def handles(self, operation: Operation, resource: Resource, subresource: str) -> bool:
        return resource == PODS and operation == "CREATE" and not subresource

    async def admit(self, attributes: Attributes) -> None:
        pod = attributes.object
        if pod is None or MIRROR_POD in annotations_of(pod):
            return
        spec: Object = pod["spec"]
        name = spec.get("serviceAccountName") or DEFAULT_ACCOUNT
        spec["serviceAccountName"] = spec["serviceAccount"] = name
        account = await self._account(attributes.namespace, name)
        if account is None:
            where = f"{attributes.namespace}/{name}"
            raise refuse(
                attributes, f'error looking up service account {where}: serviceaccount "{name}" not found'
            )
        if should_mount(account, spec):
            mount_token(spec, generate_name(_VOLUME_PREFIX, self._randomness))
        if not spec.get("imagePullSecrets") and account.get("imagePullSecrets"):
            spec["imagePullSecrets"] = [{"name": each["name"]} for each in account["imagePullSecrets"]]

    async def validate(self, attributes: Attributes) -> None:
        """A mirror pod is a copy of what a kubelet runs anyway: it may not ask the API for anything."""
        pod = attributes.object
        if pod is None or MIRROR_POD not in annotations_of(pod):
            return
        if pod["spec"].get("serviceAccountName"):
            raise refuse(attributes, "a mirror pod may not reference service accounts")
        for volume in pod["spec"].get("volumes") or ():
            for source in (volume.get("projected") or {}).get("sources") or ():
                if "serviceAccountToken" in source:
                    raise refuse(
                        attributes, "a mirror pod may not use ServiceAccountToken volume projections"
                    )


def should_mount(account: Object, spec: Object) -> bool:
    """The pod decides, else the account, else yes."""
    for said in (spec.get("automountServiceAccountToken"), account.get("automountServiceAccountToken")):
        if said is not None:
            return bool(said)
    return True


def mount_token(spec: Object, volume_name: str) -> None:
    """Mounts the token volume into every container that has nothing at that path, in place."""
    existing = _existing_token_volume(spec)
    name = existing or volume_name
    mounted = False
    for container in [*(spec.get("initContainers") or ()), *(spec.get("containers") or ())]:
        mounts = container.get("volumeMounts") or []
        if any(mount.get("mountPath") == MOUNT_PATH for mount in mounts):
            continue
        container["volumeMounts"] = [*mounts, {"name": name, "readOnly": True, "mountPath": MOUNT_PATH}]
        mounted = True
    if mounted and not existing:
        spec["volumes"] = [*(spec.get("volumes") or ()), token_volume(name)]


def _existing_token_volume(spec: Object) -> str:
    """A token volume that the pod brought along, as a copy of another pod does."""
    for volume in spec.get("volumes") or ():
        if volume.get("name", "").startswith(_VOLUME_PREFIX):
            return str(volume["name"])
    return ""


def token_volume(name: str) -> Object:
    namespace = {"apiVersion": "v1", "fieldPath": "metadata.namespace"}
    return {
        "name": name,
        "projected": {
            "defaultMode": _MODE,
            "sources": [
                {"serviceAccountToken": {"expirationSeconds": _TOKEN_SECONDS, "path": "token"}},
                {
                    "configMap": {
                        "name": "kube-root-ca.crt",
                        "items": [{"key": "ca.crt", "path": "ca.crt"}],
                    }
                },
                {"downwardAPI": {"items": [{"path": "namespace", "fieldRef": namespace}]}},
            ],
        },
    }
