"""NodeMetrics and PodMetrics in OpenAPI. Source: k8s.io/metrics/pkg/apis/metrics/v1beta1/types.go."""

from __future__ import annotations

from functools import cache

from apimachinery.objects import Object
from apimachinery.resource_metrics import NODE_METRICS, POD_METRICS
from apimachinery.scheme import Resource
from apiserver.customresources.publishing import published
from apiserver.openapi.custom import definitions_of

_QUANTITY: Object = {"$ref": "#/definitions/io.k8s.apimachinery.pkg.api.resource.Quantity"}
_OF_CONTAINER: Object = {
    "type": "object",
    "description": "ContainerMetrics sets resource usage metrics of a container.",
    "required": ["name", "usage"],
    "properties": {
        "name": {
            "type": "string",
            "default": "",
            "description": "Container name corresponding to the one from pod.spec.containers.",
        },
        "usage": {
            "type": "object",
            "description": "The memory usage is the memory working set.",
            "additionalProperties": _QUANTITY,
        },
    },
}
_TAKEN: Object = {
    "timestamp": {
        "description": "The following fields define time interval from which metrics were collected from "
        "the interval [Timestamp-Window, Timestamp].",
        "$ref": "#/definitions/io.k8s.apimachinery.pkg.apis.meta.v1.Time",
    },
    "window": {"type": "string"},
}


@cache
def definitions(resources: tuple[Resource, ...]) -> dict[str, Object]:
    """Of those of the two kinds that are served, and of their lists, by name."""
    schemas = {NODE_METRICS: _node(), POD_METRICS: _pod()}
    found: dict[str, Object] = {}
    for each in resources:
        found |= definitions_of(each, published(schemas[each]))
    return found


def _node() -> Object:
    return _metrics("node", "usage", _OF_CONTAINER["properties"]["usage"])


def _pod() -> Object:
    listed = {
        "type": "array",
        "description": "Metrics for all containers are collected within the same time window.",
        "items": _OF_CONTAINER,
    }
    return _metrics("pod", "containers", listed)


def _metrics(of: str, name: str, field: Object) -> Object:
    return {
        "type": "object",
        "description": f"{of.capitalize()}Metrics sets resource usage metrics of a {of}.",
        "required": ["timestamp", "window", name],
        "properties": {**_TAKEN, name: field},
    }
