"""The rules of Services."""

from __future__ import annotations

from collections.abc import Sequence

from apimachinery import names
from apimachinery.field import Errors, Path, duplicate, forbidden, invalid, not_supported, required
from apimachinery.metadata import validate_labels
from apimachinery.objects import Object, annotations_of
from apimachinery.well_known import OLD_TOPOLOGY_MODE, TOPOLOGY_MODE
from apiserver.registry.strategies.checks import (
    dns_label,
    dns_subdomain,
    enumerate_repeats,
    matches,
    non_special_ip,
    one_of,
    port_number,
    port_number_or_name,
    qualified_name,
    same,
    valid_cidr,
    valid_ip,
)
from apiserver.registry.strategies.service_fields import (
    is_externally_accessible,
    is_headless,
    needs_health_check,
)

_SPEC = Path("spec")
_IPS = _SPEC.child("clusterIPs")
_PROTOCOLS = ("SCTP", "TCP", "UDP")
_TYPES = ("ClusterIP", "ExternalName", "LoadBalancer", "NodePort")
_POLICIES = ("PreferDualStack", "RequireDualStack", "SingleStack")
_TRAFFIC = ("Cluster", "Local")
_DISTRIBUTIONS = ("PreferClose", "PreferSameZone", "PreferSameNode")  # upstream's order
_ONLY_LOAD_BALANCER = "may only be used when `type` is 'LoadBalancer'"
_SOURCE_RANGES = "service.beta.kubernetes.io/load-balancer-source-ranges"
_MAX_AFFINITY_SECONDS = 86400


def validate_service(service: Object) -> Errors:
    spec, sort = service["spec"], service["spec"].get("type") or ""
    ports, headless = spec.get("ports") or [], is_headless(spec)
    yield from _annotations(service)
    if not ports and not headless and sort != "ExternalName":
        yield required(_SPEC.child("ports"))
    yield from _by_type(spec, sort, headless=headless)
    yield from _ports(ports)
    yield from validate_labels(spec.get("selector") or {}, _SPEC.child("selector"))
    yield from _affinity(spec)
    yield from validate_cluster_ips(spec)
    for index, ip in enumerate(spec.get("externalIPs") or ()):
        at = _SPEC.child("externalIPs").index(index)
        yield from list(valid_ip(ip, at)) or non_special_ip(ip, at)
    yield from one_of(sort, _SPEC.child("type"), _TYPES)
    if sort == "ClusterIP":
        for index, port in enumerate(ports):
            if port.get("nodePort"):
                at = _SPEC.child("ports").index(index).child("nodePort")
                yield forbidden(at, "may not be used when `type` is 'ClusterIP'")
    yield from _unique_ports(ports)
    yield from _source_ranges(service, sort)
    yield from _load_balancer(spec, sort)
    yield from _traffic_policies(spec, sort)


def _annotations(service: Object) -> Errors:
    annotations = annotations_of(service)
    has_both = {OLD_TOPOLOGY_MODE, TOPOLOGY_MODE} <= annotations.keys()
    if has_both and annotations[OLD_TOPOLOGY_MODE] != annotations[TOPOLOGY_MODE]:
        at = Path("metadata", "annotations").key(TOPOLOGY_MODE)
        detail = f"must match annotations[{OLD_TOPOLOGY_MODE}] when both are specified"
        yield invalid(at, annotations[TOPOLOGY_MODE], detail)


def _by_type(spec: Object, sort: str, *, headless: bool) -> Errors:
    if sort in ("LoadBalancer", "NodePort") and headless:
        yield invalid(_IPS.index(0), "None", f"may not be set to 'None' for {sort} services")
    if sort != "ExternalName":
        return
    for field in ("clusterIPs", "ipFamilies", "ipFamilyPolicy"):
        if spec.get(field):
            yield forbidden(_SPEC.child(field), "may not be set for ExternalName services")
    name = (spec.get("externalName") or "").removesuffix(".")
    if name:
        yield from dns_subdomain(name, _SPEC.child("externalName"))
    else:
        yield required(_SPEC.child("externalName"))


def _ports(ports: Sequence[Object]) -> Errors:
    seen: set[str] = set()
    for index, port in enumerate(ports):
        at, name = _SPEC.child("ports").index(index), port.get("name") or ""
        if name:
            yield from dns_label(name, at.child("name"))
            if name in seen:
                yield duplicate(at.child("name"), name)
            seen.add(name)
        elif len(ports) > 1:
            yield required(at.child("name"))
        yield from port_number(port.get("port"), at.child("port"))
        yield from one_of(port.get("protocol"), at.child("protocol"), _PROTOCOLS)
        yield from port_number_or_name(port.get("targetPort"), at.child("targetPort"))
        if port.get("appProtocol") is not None:
            yield from qualified_name(port["appProtocol"], at.child("appProtocol"))


def _unique_ports(ports: Sequence[Object]) -> Errors:
    seen: set[tuple[object, object]] = set()
    for index, port in enumerate(ports):
        key = (port.get("protocol"), port.get("nodePort"))
        if port.get("nodePort") and key in seen:
            yield duplicate(_SPEC.child("ports").index(index).child("nodePort"), port["nodePort"])
        seen.add(key)
    seen = set()
    for index, port in enumerate(ports):
        key = (port.get("protocol"), port.get("port"))
        if key in seen:
            # Upstream shows the port as its internal type is written, zero values and all.
            shown = {"name": "", "protocol": key[0], "port": key[1], "targetPort": 0}
            yield duplicate(_SPEC.child("ports").index(index), shown)
        seen.add(key)


def _affinity(spec: Object) -> Errors:
    affinity, config = spec.get("sessionAffinity"), spec.get("sessionAffinityConfig")
    at = _SPEC.child("sessionAffinityConfig")
    yield from one_of(affinity, _SPEC.child("sessionAffinity"), ("ClientIP", "None"))
    if affinity == "None" and config is not None:
        yield forbidden(at, "must not be set when session affinity is None")
    if affinity != "ClientIP":
        return
    timeout = ((config or {}).get("clientIP") or {}).get("timeoutSeconds")
    at = at.child("clientIP", "timeoutSeconds")
    if timeout is None:
        yield required(at, "when session affinity type is ClientIP")
    elif not 0 < timeout <= _MAX_AFFINITY_SECONDS:
        yield invalid(at, timeout, f"must be greater than 0 and less than {_MAX_AFFINITY_SECONDS}")


def validate_cluster_ips(spec: Object) -> Errors:
    """clusterIP(s), ipFamilies and ipFamilyPolicy; also checked before anything is allocated."""
    if spec.get("type") == "ExternalName":
        return
    ip, ips = spec.get("clusterIP") or "", spec.get("clusterIPs") or []
    if ip and not ips:
        yield required(_IPS)
    elif ip and ips[0] != ip:
        yield invalid(_IPS, ips, "first value must match `clusterIP`")
    elif ips and not ip:
        yield invalid(_IPS, ips, "must be empty when `clusterIP` is not specified")
    yield from _families(spec)
    wrong = list(_addresses(ips))
    yield from wrong
    if len(ips) > 2:
        yield invalid(_IPS, ips, "may only hold up to 2 values")
    if wrong:
        return
    if len(ips) > 1 and {":" in each for each in ips} != {True, False}:
        yield invalid(_IPS, ips, "may specify no more than one IP for each IP family")
    if not is_headless(spec):
        for index, (family, each) in enumerate(zip(spec.get("ipFamilies") or (), ips, strict=False)):
            if family in ("IPv4", "IPv6") and (family == "IPv6") != (":" in each):
                detail = f"expected an {family} value as indicated by `ipFamilies[{index}]`"
                yield invalid(_IPS.index(index), each, detail)


def _families(spec: Object) -> Errors:
    for index, family, is_repeated in enumerate_repeats(spec.get("ipFamilies") or ()):
        at = _SPEC.child("ipFamilies").index(index)
        if family not in ("IPv4", "IPv6"):
            yield not_supported(at, family, ("IPv4", "IPv6"))
        if is_repeated:
            yield duplicate(at, family)
    if spec.get("ipFamilyPolicy") not in (None, *_POLICIES):
        yield not_supported(_SPEC.child("ipFamilyPolicy"), spec["ipFamilyPolicy"], _POLICIES)


def _addresses(ips: Sequence[str]) -> Errors:
    for index, ip in enumerate(ips):
        if index == 0 and ip == "None":
            if len(ips) > 1:
                yield invalid(_IPS, ips, "'None' must be the first and only value")
        else:
            yield from valid_ip(ip, _IPS.index(index))


def _source_ranges(service: Object, sort: str) -> Errors:
    ranges = service["spec"].get("loadBalancerSourceRanges") or []
    at = _SPEC.child("LoadBalancerSourceRanges")
    if ranges:
        if sort != "LoadBalancer":
            yield forbidden(at, _ONLY_LOAD_BALANCER)
        for index, value in enumerate(ranges):
            yield from valid_cidr(value.strip(), at.index(index))
    elif _SOURCE_RANGES in annotations_of(service):
        at = Path("metadata", "annotations").key(_SOURCE_RANGES)
        text = annotations_of(service)[_SOURCE_RANGES].strip()
        if sort != "LoadBalancer":
            yield forbidden(at, _ONLY_LOAD_BALANCER)
        for value in text.split(",") if text else ():
            yield from valid_cidr(value.strip(), at)


def _load_balancer(spec: Object, sort: str) -> Errors:
    allocate, kind = spec.get("allocateLoadBalancerNodePorts"), spec.get("loadBalancerClass")
    if sort != "LoadBalancer":
        for field, value in (("allocateLoadBalancerNodePorts", allocate), ("loadBalancerClass", kind)):
            if value is not None:
                yield forbidden(_SPEC.child(field), _ONLY_LOAD_BALANCER)
        return
    if allocate is None:
        yield required(Path("allocateLoadBalancerNodePorts"))
    if kind is not None:
        yield from qualified_name(kind, _SPEC.child("loadBalancerClass"))


def _traffic_policies(spec: Object, sort: str) -> Errors:
    external, at = spec.get("externalTrafficPolicy"), _SPEC.child("externalTrafficPolicy")
    if is_externally_accessible(spec):
        yield from one_of(external, at, _TRAFFIC)
    elif external:
        yield invalid(at, external, "may only be set for externally-accessible services")
    port, at = spec.get("healthCheckNodePort") or 0, _SPEC.child("healthCheckNodePort")
    if needs_health_check(spec):
        yield from [required(at)] if not port else port_number(port, at)
    elif port:
        detail = "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'"
        yield invalid(at, port, detail)
    internal, at = spec.get("internalTrafficPolicy"), _SPEC.child("internalTrafficPolicy")
    yield from one_of(internal, at, _TRAFFIC, optional=sort not in ("ClusterIP", "NodePort", "LoadBalancer"))
    at = _SPEC.child("trafficDistribution")
    if spec.get("trafficDistribution") not in (None, *_DISTRIBUTIONS):
        yield not_supported(at, spec["trafficDistribution"], _DISTRIBUTIONS)


def validate_service_update(service: Object, old: Object) -> Errors:
    new_spec, old_spec = service["spec"], old["spec"]
    if "ExternalName" not in (new_spec.get("type"), old_spec.get("type")):
        yield from _address_changes(new_spec, old_spec)
        yield from _family_changes(new_spec, old_spec)
    if new_spec.get("type") == old_spec.get("type") == "LoadBalancer":
        kind, before = new_spec.get("loadBalancerClass"), old_spec.get("loadBalancerClass")
        if not same(kind, before):
            yield invalid(_SPEC.child("loadBalancerClass"), kind, "may not change once set")
    if needs_health_check(old_spec) and needs_health_check(new_spec):
        field = "healthCheckNodePort"
        if not same(new_spec.get(field), old_spec.get(field)):
            yield forbidden(_SPEC.child(field), "field is immutable")
    yield from validate_service(service)


def _address_changes(new: Object, old: Object) -> Errors:
    ips, before = new.get("clusterIPs") or [], old.get("clusterIPs") or []
    if is_headless(new) and is_headless(old):
        return
    if len(ips) == len(before):
        for index, ip in enumerate(before):
            if ip != ips[index]:
                yield invalid(_IPS.index(index), ips, "may not change once set")
        return
    if not ips:
        yield invalid(_IPS.index(0), ips, "primary clusterIP can not be unset")
    elif before and ips[0] != before[0]:
        yield invalid(_IPS.index(0), ips, "may not change once set")
    if len(ips) == 1 and len(before) > 1 and new.get("ipFamilyPolicy") != "SingleStack":
        detail = "must be set to 'SingleStack' when releasing the secondary clusterIP"
        yield invalid(_SPEC.child("ipFamilyPolicy"), new.get("ipFamilyPolicy"), detail)


def _family_changes(new: Object, old: Object) -> Errors:
    families, before = new.get("ipFamilies") or [], old.get("ipFamilies") or []
    at = _SPEC.child("ipFamilies").index(0)
    if is_headless(new) or is_headless(old):
        return
    if len(families) == len(before):
        for family, previous in zip(families, before, strict=True):
            if family != previous:
                yield invalid(at, families, "may not change once set")
        return
    if not families and before and not new.get("clusterIPs"):
        yield invalid(at, families, "primary ipFamily can not be unset")
    if families and before and families[0] != before[0]:
        yield invalid(at, new.get("clusterIPs") or [], "may not change once set")
    if len(families) == 1 and len(before) > 1 and new.get("ipFamilyPolicy") != "SingleStack":
        detail = "must be set to 'SingleStack' when releasing the secondary ipFamily"
        yield invalid(_SPEC.child("ipFamilyPolicy"), new.get("ipFamilyPolicy"), detail)


def validate_load_balancer_status(status: Object, path: Path, sort: str) -> Errors:
    ingresses, at = (status.get("loadBalancer") or {}).get("ingress") or [], path.child("ingress")
    if sort != "LoadBalancer" and ingresses:
        yield forbidden(at, "may only be used when `spec.type` is 'LoadBalancer'")
        return
    for index, ingress in enumerate(ingresses):
        one, ip, mode = at.index(index), ingress.get("ip") or "", ingress.get("ipMode")
        if ip:
            yield from valid_ip(ip, one.child("ip"))
        if mode is None and ip:
            yield required(one.child("ipMode"), "must be specified when `ip` is set")
        elif mode is not None and not ip:
            yield forbidden(one.child("ipMode"), "may not be specified when `ip` is not set")
        else:
            yield from one_of(mode, one.child("ipMode"), ("Proxy", "VIP"), optional=True)
        yield from ingress_hostname(ingress.get("hostname") or "", one.child("hostname"))


def ingress_hostname(hostname: str, path: Path) -> Errors:
    if hostname:
        yield from matches(hostname, path, names.is_dns1123_subdomain)
        if not names.is_valid_ip(hostname):
            yield invalid(path, hostname, "must be a DNS name, not an IP address")
