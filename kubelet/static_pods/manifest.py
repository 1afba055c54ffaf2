"""A manifest becomes a static pod of the node: name, uid and annotations as upstream gives them. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import orjson

from apimachinery.decoding import DecodeError
from apimachinery.names import is_dns1123_subdomain
from apimachinery.objects import Object, deep_copy
from apimachinery.pods import all_containers
from apimachinery.schema import checker_for
from apimachinery.times import format_time
from apimachinery.yamlcodec import decode_all
from kubelet.referenced import references_of
from kubelet.static_pods.identity import HASH, SOURCE

SEEN = "kubernetes.io/config.seen"
TOLERATE_ALL = {"effect": "NoExecute", "operator": "Exists"}
"""A taint evicts no pod of a file: nothing would start it elsewhere."""


class ManifestError(ValueError):
    """The text is no pod that a node could run by itself."""


class UnreadableManifest(ManifestError):
    """It does not even look like one."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where manifests come from: `kind` is what pods are said to be of, `place` a path or a URL."""

    kind: Literal["file", "http"]
    place: str
    node: str

    @property
    def identity(self) -> tuple[str, ...]:
        """Tells pods of the same text apart; those of a URL bear the same uid on all nodes."""
        return (self.node, self.place) if self.kind == "file" else (self.place,)


def static_pod(text: bytes, origin: Origin, now: datetime) -> Object:
    """The pod of a manifest, JSON or YAML. Raises ManifestError."""
    return _static_pod(_checked(_decode(text)), origin, now)


def static_pods(text: bytes, origin: Origin, now: datetime) -> list[Object]:
    """Of a manifest that may as well be a PodList; what is wrong with one costs all. Raises ManifestError."""
    document = _decode(text)
    if (document["apiVersion"], document["kind"]) != ("v1", "PodList"):
        return [_static_pod(_checked(document), origin, now)]
    items = [] if document.get("items") is None else document["items"]
    if not isinstance(items, list) or not all(isinstance(each, dict) for each in items):
        raise UnreadableManifest("json: cannot unmarshal into Go struct field PodList.items of type []v1.Pod")
    pods = [_checked({**each, "apiVersion": "v1", "kind": "Pod"}) for each in items]
    return [_static_pod(each, origin, now) for each in pods]


def _static_pod(document: Object, origin: Origin, now: datetime) -> Object:
    pod = deep_copy(document)
    metadata = pod["metadata"]
    if not metadata.get("name"):
        raise ManifestError("invalid pod: name is needed for the pod")
    name = f"{metadata['name']}-{origin.node}"
    if problems := list(_problems(name, pod["spec"])):
        raise ManifestError(f"invalid pod: [{' '.join(problems)}]")
    if resource := _api_reference(pod):
        raise ManifestError(f"static pods may not reference {resource}")
    uid = metadata.get("uid") or _hash(document, origin)
    own = {HASH: uid, SEEN: format_time(now), SOURCE: origin.kind}
    metadata |= {
        "name": name,
        "namespace": metadata.get("namespace") or "default",
        "uid": uid,
        "annotations": {**(metadata.get("annotations") or {}), **own},
    }
    _default(pod["spec"], origin)
    return {**pod, "status": {"phase": "Pending"}}


def _decode(text: bytes) -> Object:
    """Something with an apiVersion and a kind. Raises UnreadableManifest."""
    try:
        documents = [each.value for each in decode_all(text) if each.value is not None]
    except DecodeError as error:
        raise UnreadableManifest(str(error)) from error
    document = documents[0] if documents else None
    if not isinstance(document, dict):
        raise UnreadableManifest("couldn't get version/kind; json parse error: it is no object")
    version, kind = document.get("apiVersion"), document.get("kind")
    if not kind or not version:
        missing = "apiVersion" if kind else "Kind"
        raise UnreadableManifest(f"Object '{missing}' is missing in '{orjson.dumps(document).decode()}'")
    return document


def _checked(document: Object) -> Object:
    """A Pod whose fields have their types. Raises UnreadableManifest."""
    version, kind = document["apiVersion"], document["kind"]
    if (version, kind) != ("v1", "Pod"):
        raise UnreadableManifest(f"invalid pod: it is a {kind} of version {version}")
    checker = checker_for("v1", "Pod")
    assert checker is not None, "Pods have a schema"
    if errors := checker.check(document, prune=True).type_errors:
        raise UnreadableManifest(f'Pod in version "v1" cannot be handled as a Pod: {errors[0].message}')
    return {**document, "metadata": document.get("metadata") or {}, "spec": document.get("spec") or {}}


def _problems(name: str, spec: Object) -> Iterator[str]:
    """What the API would refuse and a node cannot make up for."""
    for complaint in is_dns1123_subdomain(name):
        yield f'metadata.name: Invalid value: "{name}": {complaint}'
    if not spec.get("containers"):
        yield "spec.containers: Required value"


def _hash(document: Object, origin: Origin) -> str:
    """32 hexadecimal digits, as long as upstream's."""
    text = orjson.dumps([*origin.identity, document], option=orjson.OPT_SORT_KEYS)
    return hashlib.md5(text, usedforsecurity=False).hexdigest()


def _api_reference(pod: Object) -> str:
    """The first resource of the API that the pod needs; a static pod has to do without the API."""
    spec = pod["spec"]
    if spec.get("serviceAccountName") or spec.get("serviceAccount"):
        return "serviceaccounts"
    kinds = {each.kind for each in references_of(pod)}
    for kind in ("secret", "configmap"):
        if kind in kinds:
            return f"{kind}s"
    if spec.get("resourceClaims"):
        return "resourceclaims"
    return next(_volume_references(spec), "")


def _volume_references(spec: Object) -> Iterator[str]:
    for volume in spec.get("volumes") or ():
        if volume.get("persistentVolumeClaim") or volume.get("ephemeral"):
            yield "persistentvolumeclaims"
        for source in (volume.get("projected") or {}).get("sources") or ():
            if source.get("serviceAccountToken"):
                yield "serviceaccounts"
            if source.get("clusterTrustBundle"):
                yield "clustertrustbundles"


def _default(spec: Object, origin: Origin) -> None:
    """What the API would have filled in and a node cannot do without."""
    defaults: dict[str, Any] = {"restartPolicy": "Always", "terminationGracePeriodSeconds": 30}
    for key, value in defaults.items():
        if spec.get(key) is None:
            spec[key] = value
    spec["nodeName"] = origin.node
    if origin.kind == "file" and TOLERATE_ALL not in (spec.get("tolerations") or ()):
        spec["tolerations"] = [*(spec.get("tolerations") or ()), TOLERATE_ALL]
    for container in all_containers(spec):
        limits = (container.get("resources") or {}).get("limits") or {}
        if limits:
            requests = container["resources"].get("requests") or {}
            container["resources"]["requests"] = {**limits, **requests}
        for port in (container.get("ports") or ()) if spec.get("hostNetwork") else ():
            port.setdefault("hostPort", port["containerPort"])
