"""References to pods and their containers, as Events carry them."""

from __future__ import annotations

from apimachinery.objects import Object, name_of, namespace_of, resource_version_of, uid_of


def pod_reference(pod: Object) -> Object:
    return {
        "kind": "Pod",
        "namespace": namespace_of(pod),
        "name": name_of(pod),
        "uid": uid_of(pod),
        "apiVersion": "v1",
        "resourceVersion": resource_version_of(pod),
    }


def node_reference(name: str) -> Object:
    """Events of nodes carry the name as uid, as upstream's do: that is how `describe node` finds them."""
    return {"kind": "Node", "name": name, "uid": name}


def container_reference(pod: Object, container: str) -> Object:
    """The pod with the path of one container: `spec.containers{web}`, upstream's form, braces and all."""
    return {**pod_reference(pod), "fieldPath": f"spec.{list_of(pod, container)}{{{container}}}"}


def list_of(pod: Object, container: str) -> str:
    """The field of the spec that the container stands in."""
    spec = pod.get("spec") or {}
    for field in ("initContainers", "ephemeralContainers"):
        if any(each.get("name") == container for each in spec.get(field) or ()):
            return field
    return "containers"


def pod_full_name(pod: Object) -> str:
    """`name_namespace(uid)`, as upstream names a pod in messages."""
    return f"{name_of(pod)}_{namespace_of(pod)}({uid_of(pod)})"
