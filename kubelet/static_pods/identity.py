"""Which pods are static or mirrors, and how the two know of one another. Pure.

A static pod's uid is a hash of where it came from and what it says; its mirror in the API carries that
hash as an annotation and has a uid of its own.
"""

from __future__ import annotations

from apimachinery.objects import Object, annotations_of, labels_of, name_of, namespace_of, uid_of
from apimachinery.well_known import MIRROR_POD

SOURCE = "kubernetes.io/config.source"
HASH = "kubernetes.io/config.hash"


def is_mirror(pod: Object) -> bool:
    return MIRROR_POD in annotations_of(pod)


def is_static(pod: Object) -> bool:
    """Not of the API, so the API can neither change nor delete it."""
    return annotations_of(pod).get(SOURCE, "api") != "api" and not is_mirror(pod)


def node_uid(pod: Object) -> str:
    """The uid that the pod has on its node: of a mirror, its static pod's."""
    return annotations_of(pod).get(MIRROR_POD) or uid_of(pod)


def mirror_of(pod: Object, node: Object) -> Object:
    """What the API is shown of a static pod: it belongs to the node and goes with it."""
    owner = {
        "apiVersion": "v1",
        "kind": "Node",
        "name": name_of(node),
        "uid": uid_of(node),
        "controller": True,
    }
    metadata = {
        "name": name_of(pod),
        "namespace": namespace_of(pod),
        "labels": labels_of(pod),
        "annotations": {**annotations_of(pod), MIRROR_POD: annotations_of(pod)[HASH]},
        "ownerReferences": [owner],
    }
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": pod["spec"]}
