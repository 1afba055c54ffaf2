"""The fields of KubeSchedulerConfiguration and of plugins' args, and strict decoding against them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

ANY = object()
"""A field that is not looked into: it is another API's, or of no use here."""
_NAMES = {bool: "bool", int: "number", float: "number", str: "string", list: "array", dict: "object"}

_PLUGIN_SET = {"enabled": [{"name": str, "weight": int}], "disabled": [{"name": str, "weight": int}]}
POINTS = (
    "preFilter", "filter", "postFilter", "reserve", "preScore", "score", "preBind", "bind", "postBind",
    "permit", "preEnqueue", "queueSort",
)  # fmt: skip
_PROFILE = {
    "schedulerName": str,
    "percentageOfNodesToScore": int,
    "plugins": dict.fromkeys((*POINTS, "multiPoint"), _PLUGIN_SET),
    "pluginConfig": [{"name": str, "args": ANY}],
}
_EXTENDER = {
    "urlPrefix": str, "filterVerb": str, "preemptVerb": str, "prioritizeVerb": str, "weight": int,
    "bindVerb": str, "enableHTTPS": bool, "httpTimeout": str, "nodeCacheCapable": bool, "ignorable": bool,
    "managedResources": [{"name": str, "ignoredByScheduler": bool}],
    "tlsConfig": {
        "insecure": bool, "serverName": str, "certFile": str, "keyFile": str, "caFile": str,
        "certData": str, "keyData": str, "caData": str,
    },
}  # fmt: skip
CONFIGURATION = {
    "apiVersion": str,
    "kind": str,
    "clientConnection": {
        "kubeconfig": str, "acceptContentTypes": str, "contentType": str, "qps": float, "burst": int,
    },
    "leaderElection": {
        "leaderElect": bool, "leaseDuration": str, "renewDeadline": str, "retryPeriod": str,
        "resourceLock": str, "resourceName": str, "resourceNamespace": str,
    },
    "podInitialBackoffSeconds": int,
    "podMaxBackoffSeconds": int,
    "percentageOfNodesToScore": int,
    "profiles": [_PROFILE],
    "extenders": [_EXTENDER],
    "parallelism": int,
    "delayCacheUntilActive": bool,
    "enableProfiling": bool,
    "enableContentionProfiling": bool,
}  # fmt: skip
_SHAPE = [{"utilization": int, "score": int}]
_RESOURCES = [{"name": str, "weight": int}]
ARGS: Mapping[str, Mapping[str, Any]] = {
    "DefaultPreemption": {"minCandidateNodesPercentage": int, "minCandidateNodesAbsolute": int},
    "DynamicResources": {"filterTimeout": str},
    "InterPodAffinity": {"hardPodAffinityWeight": int, "ignorePreferredTermsOfExistingPods": bool},
    "NodeAffinity": {"addedAffinity": ANY},
    "NodeResourcesBalancedAllocation": {"resources": _RESOURCES},
    "NodeResourcesFit": {
        "ignoredResources": [str],
        "ignoredResourceGroups": [str],
        "scoringStrategy": {
            "type": str, "resources": _RESOURCES, "requestedToCapacityRatio": {"shape": _SHAPE},
        },
    },
    "PodTopologySpread": {"defaultConstraints": [ANY], "defaultingType": str},
    "VolumeBinding": {"bindTimeoutSeconds": int, "shape": _SHAPE},
}  # fmt: skip


def misfits(value: Any, shape: Any, path: str = "") -> Iterator[str]:
    """What of a value the shape has no place for: unknown fields, and values of another type."""
    if value is None or shape is ANY:
        return
    kind = type(shape) if isinstance(shape, list | dict) else shape
    if type(value) is not kind and not (kind is float and type(value) is int):
        held = _NAMES.get(type(value), "value")
        yield f"json: cannot unmarshal {held} into Go struct field {path} of type {_NAMES[kind]}"
    elif isinstance(value, list):
        for index, each in enumerate(value):
            yield from misfits(each, shape[0], f"{path}[{index}]")
    elif isinstance(value, dict):
        for name, each in value.items():
            below = f"{path}.{name}" if path else str(name)
            if name in shape:
                yield from misfits(each, shape[name], below)
            else:
                yield f'unknown field "{below}"'
