"""What makes a pod the n-th of its StatefulSet: name, labels, host name, and volumes from its claims. Pure.

Source: pkg/controller/statefulset/stateful_set_utils.go.
"""

from __future__ import annotations

import re

from apimachinery.objects import Object, deep_copy, get_path, labels_of, name_of, namespace_of
from controller_manager.history import REVISION_LABEL
from controller_manager.pod_control import pod_from_template

POD_NAME_LABEL = "statefulset.kubernetes.io/pod-name"
POD_INDEX_LABEL = "apps.kubernetes.io/pod-index"

_POD_NAME = re.compile(r"(.*)-([0-9]+)")


def parent_of(pod: Object) -> str:
    """The name of the StatefulSet that the pod's name speaks of; "" if of none."""
    match = _POD_NAME.fullmatch(name_of(pod))
    return match[1] if match else ""


def ordinal_of(pod: Object) -> int:
    """-1 if the name has none."""
    match = _POD_NAME.fullmatch(name_of(pod))
    return int(match[2]) if match and int(match[2]) < 2**31 else -1


def ordinals_of(stateful_set: Object) -> range:
    """The ordinals that the set is to have."""
    start = int(get_path(stateful_set, "spec.ordinals.start", 0))
    return range(start, start + int(get_path(stateful_set, "spec.replicas", 1)))


def revision_of(pod: Object) -> str:
    """The name of the revision that the pod was made from."""
    return labels_of(pod).get(REVISION_LABEL, "")


def new_pod(stateful_set: Object, template: Object, revision: str, ordinal: int) -> Object:
    """The pod of an ordinal, yet to be created."""
    pod = pod_from_template(stateful_set, template)
    pod["metadata"]["name"] = name = f"{name_of(stateful_set)}-{ordinal}"
    pod["metadata"]["labels"] = {**labels_of(pod), **_identity(pod), REVISION_LABEL: revision}
    pod["spec"] |= {"hostname": name, "subdomain": get_path(stateful_set, "spec.serviceName", "")}
    pod["spec"]["volumes"] = _volumes(stateful_set, pod)
    return pod


def _identity(pod: Object) -> dict[str, str]:
    return {POD_NAME_LABEL: name_of(pod), POD_INDEX_LABEL: str(ordinal_of(pod))}


def mended(stateful_set: Object, pod: Object) -> Object | None:
    """The pod with the labels and volumes that belong to its name; None if it has them."""
    has_labels = labels_of(pod).get(POD_NAME_LABEL) == name_of(pod)
    if has_labels and _has_storage(stateful_set, pod):
        return None
    metadata = {**pod["metadata"], "labels": {**labels_of(pod), **_identity(pod)}}
    return {**pod, "metadata": metadata, "spec": {**pod["spec"], "volumes": _volumes(stateful_set, pod)}}


def _has_storage(stateful_set: Object, pod: Object) -> bool:
    volumes = {each["name"]: each for each in get_path(pod, "spec.volumes", [])}
    return all(
        get_path(volumes.get(name), "persistentVolumeClaim.claimName") == claim
        for name, claim in claim_names(stateful_set, ordinal_of(pod)).items()
    )


def _volumes(stateful_set: Object, pod: Object) -> list[Object]:
    """The claims' volumes, which replace those of the template that have their names."""
    claims = claim_names(stateful_set, ordinal_of(pod))
    others = [each for each in get_path(pod, "spec.volumes", []) if each["name"] not in claims]
    mounted = [
        {"name": name, "persistentVolumeClaim": {"claimName": claim}} for name, claim in claims.items()
    ]
    return [*mounted, *others]


def claim_names(stateful_set: Object, ordinal: int) -> dict[str, str]:
    """By the name of its template, the name of each PersistentVolumeClaim of an ordinal."""
    templates = map(name_of, get_path(stateful_set, "spec.volumeClaimTemplates", []))
    return {name: f"{name}-{name_of(stateful_set)}-{ordinal}" for name in templates}


def new_claims(stateful_set: Object, ordinal: int) -> list[Object]:
    """The PersistentVolumeClaims of an ordinal, yet to be created."""
    selected = get_path(stateful_set, "spec.selector.matchLabels", {})
    names = claim_names(stateful_set, ordinal)
    claims = []
    for template in get_path(stateful_set, "spec.volumeClaimTemplates", []):
        claim = deep_copy(template)
        claim["metadata"] |= {
            "name": names[name_of(template)],
            "namespace": namespace_of(stateful_set),
            "labels": {**labels_of(template), **selected},
        }
        claims.append({"apiVersion": "v1", "kind": "PersistentVolumeClaim", **claim})
    return claims
