"""A manifest on the node becomes a static pod: name, uid and annotations as upstream gives them. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import datetime
from typing import Any

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
"""A taint evicts no static pod: nothing would start it elsewhere."""


class ManifestError(ValueError):
    """The text is no pod that a node could run by itself."""


def static_pod(text: bytes, *, source: str, node: str, now: datetime) -> Object:
    """The pod of a manifest, JSON or YAML. `source` is the file's path. Raises ManifestError."""
    document = _decode(text)
    if resource := _api_reference(document):
        raise ManifestError(f"static pods may not reference {resource}")
    pod = deep_copy(document)
    metadata = pod["metadata"]
    uid = metadata.get("uid") or _hash(document, source=source, node=node)
    name = f"{metadata.get('name') or ''}-{node}"
    if complaints := is_dns1123_subdomain(name):
        raise ManifestError(f"metadata.name: Invalid value: {name!r}: {complaints[0]}")
    annotations = {**(metadata.get("annotations") or {}), HASH: uid, SEEN: format_time(now), SOURCE: "file"}
    metadata |= {
        "name": name,
        "namespace": metadata.get("namespace") or "default",
        "uid": uid,
        "annotations": annotations,
    }
    _default(pod["spec"], node)
    return {**pod, "status": {"phase": "Pending"}}


def _decode(text: bytes) -> Object:
    try:
        documents = [each.value for each in decode_all(text) if each.value is not None]
    except DecodeError as error:
        raise ManifestError(str(error)) from error
    document = documents[0] if documents else None
    if not isinstance(document, dict) or (document.get("apiVersion"), document.get("kind")) != ("v1", "Pod"):
        raise ManifestError("not a Pod of version v1")
    checker = checker_for("v1", "Pod")
    assert checker is not None, "Pods have a schema"
    if errors := checker.check(document, prune=True).type_errors:
        raise ManifestError(errors[0].message)
    if not isinstance(document.get("metadata"), dict) or not (document.get("spec") or {}).get("containers"):
        raise ManifestError("spec.containers: Required value")
    return document


def _hash(document: Object, *, source: str, node: str) -> str:
    """32 hexadecimal digits, as long as upstream's."""
    text = orjson.dumps([node, source, document], option=orjson.OPT_SORT_KEYS)
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


def _default(spec: Object, node: str) -> None:
    """What the API would have filled in and a node cannot do without."""
    defaults: dict[str, Any] = {"restartPolicy": "Always", "terminationGracePeriodSeconds": 30}
    for key, value in defaults.items():
        if spec.get(key) is None:
            spec[key] = value
    spec["nodeName"] = node
    if TOLERATE_ALL not in (spec.get("tolerations") or ()):
        spec["tolerations"] = [*(spec.get("tolerations") or ()), TOLERATE_ALL]
    for container in all_containers(spec):
        limits = (container.get("resources") or {}).get("limits") or {}
        if limits:
            requests = container["resources"].get("requests") or {}
            container["resources"]["requests"] = {**limits, **requests}
        for port in (container.get("ports") or ()) if spec.get("hostNetwork") else ():
            port.setdefault("hostPort", port["containerPort"])
