"""metrics.k8s.io/v1beta1, as its server, its clients and the kubelets know it.

Source: k8s.io/metrics/pkg/apis/metrics/v1beta1 and sigs.k8s.io/metrics-server.
"""

from __future__ import annotations

from apimachinery.resource import Resource

GROUP, VERSION = "metrics.k8s.io", "v1beta1"
_VERBS = ("get", "list")

NODE_METRICS = Resource(GROUP, VERSION, "nodes", "NodeMetrics", namespaced=False, verbs=_VERBS)
POD_METRICS = Resource(GROUP, VERSION, "pods", "PodMetrics", namespaced=True, verbs=_VERBS)
RESOURCE_METRICS = (NODE_METRICS, POD_METRICS)

PATH = "/metrics/resource"
"""Where a kubelet tells what is used."""
PATH_ANNOTATION = "metrics.k8s.io/resource-metrics-path"
"""On a Node: where its usage is to be asked for instead."""
