"""Claims of devices: which belong to a pod, and who may use them. Pure.

Controllers, the scheduler and kubelets must agree on it.
Source: staging/src/k8s.io/dynamic-resource-allocation/resourceclaim/resourceclaim.go of Kubernetes 1.34.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import cast

from apimachinery.objects import NamespacedName, Object, controller_of, get_path, key_of, namespace_of, uid_of

FINALIZER = "resource.kubernetes.io/delete-protection"
"""On a claim with devices: they are given back before it goes."""
POD_CLAIM_NAME = "resource.kubernetes.io/pod-claim-name"
"""On a claim that was made for a pod: what the pod calls it."""
NOT_NEEDED = ""
MAX_USERS = 256
"""Of one claim."""


def references_of(pod: Object) -> list[Object]:
    """The entries of spec.resourceClaims."""
    return cast(list[Object], get_path(pod, "spec.resourceClaims", []))


def claim_name(pod: Object, reference: Object) -> str | None:
    """What a pod's claim is called in its namespace: None while it is not made, NOT_NEEDED if it never is."""
    if reference.get("resourceClaimName") is not None:
        return cast(str, reference["resourceClaimName"])
    for status in get_path(pod, "status.resourceClaimStatuses", []):
        if status["name"] == reference["name"]:
            return status.get("resourceClaimName") or NOT_NEEDED
    return None


def claims_of_pod(pod: Object) -> Iterable[NamespacedName]:
    """Those whose names are known."""
    names = (claim_name(pod, each) for each in references_of(pod))
    return [NamespacedName(namespace_of(pod), name) for name in names if name]


def is_from_template(reference: Object) -> bool:
    return reference.get("resourceClaimTemplateName") is not None


def why_not_for_pod(pod: Object, claim: Object) -> str:
    """Why a claim that has the name of one made for the pod is not that; "" if it is."""
    owner = controller_of(claim)
    if owner is not None and owner["uid"] == uid_of(pod):
        return ""
    return f"ResourceClaim {key_of(claim)} was not created for pod {key_of(pod)} (pod is not owner)"


def is_allocated(claim: Object) -> bool:
    return get_path(claim, "status.allocation") is not None


def is_reserved_for(claim: Object, pod_uid: str) -> bool:
    return any(each["uid"] == pod_uid for each in get_path(claim, "status.reservedFor", []))


def is_full(claim: Object) -> bool:
    """Whether nobody else may use it."""
    return len(get_path(claim, "status.reservedFor", [])) >= MAX_USERS


def is_idle(claim: Object, pod_uid: str) -> bool:
    """Whether nobody but perhaps this pod uses it."""
    return all(each["uid"] == pod_uid for each in get_path(claim, "status.reservedFor", []))


def reserved(claim: Object, pod: Object) -> Object:
    """The claim with the pod among those that use it."""
    user = {"resource": "pods", "name": pod["metadata"]["name"], "uid": uid_of(pod)}
    status = claim.get("status") or {}
    return {**claim, "status": {**status, "reservedFor": [*(status.get("reservedFor") or ()), user]}}
