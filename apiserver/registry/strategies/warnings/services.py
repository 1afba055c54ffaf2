"""Warnings about Services. Source: upstream's pkg/api/service/warnings.go."""

from __future__ import annotations

from collections.abc import Iterator

from apimachinery.objects import Object, annotations_of
from apimachinery.well_known import OLD_TOPOLOGY_MODE, TOPOLOGY_MODE
from apiserver.registry.strategies.warnings.addresses import cidr_warnings, ip_warnings


def service_warnings(service: Object) -> Iterator[str]:
    spec = service.get("spec") or {}
    if OLD_TOPOLOGY_MODE in annotations_of(service):
        yield f"annotation {OLD_TOPOLOGY_MODE} is deprecated, please use {TOPOLOGY_MODE} instead"
    if spec.get("clusterIP") not in (None, "", "None"):
        for index, ip in enumerate(spec.get("clusterIPs") or ()):
            yield from ip_warnings(f"spec.clusterIPs[{index}]", ip)
    if spec.get("type") == "ClusterIP" and spec.get("clusterIP") == "None":
        yield from _headless_warnings(spec)
    for index, ip in enumerate(spec.get("externalIPs") or ()):
        yield from ip_warnings(f"spec.externalIPs[{index}]", ip)
    yield from ip_warnings("spec.loadBalancerIP", spec.get("loadBalancerIP") or "")
    for index, cidr in enumerate(spec.get("loadBalancerSourceRanges") or ()):
        yield from cidr_warnings(f"spec.loadBalancerSourceRanges[{index}]", cidr)
    is_alias = spec.get("type") == "ExternalName"
    if is_alias and spec.get("externalIPs"):
        yield 'spec.externalIPs is ignored when spec.type is "ExternalName"'
    if not is_alias and spec.get("externalName"):
        yield 'spec.externalName is ignored when spec.type is not "ExternalName"'


def _headless_warnings(spec: Object) -> Iterator[str]:
    if spec.get("loadBalancerIP"):
        yield "spec.loadBalancerIP is ignored for headless services"
    if spec.get("externalIPs"):
        yield "spec.externalIPs is ignored for headless services"
    if (spec.get("sessionAffinity") or "None") != "None":
        yield "spec.SessionAffinity is ignored for headless services"
