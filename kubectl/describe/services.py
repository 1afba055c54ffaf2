"""Services and what stands behind them; ingresses and network policies."""

from __future__ import annotations

from collections.abc import Sequence

from apimachinery.objects import Object, get_path
from kubectl.describe import values
from kubectl.describe.related import Related
from kubectl.describe.values import NONE, UNSET
from kubectl.describe.writer import Writer

_SHOWN_ADDRESSES = 3


def write_service(writer: Writer, obj: Object, related: Related) -> None:
    spec = obj["spec"]
    values.write_head(writer, obj)
    values.write_marks(writer, obj)
    writer.field("Selector", values.format_selector(spec.get("selector")))
    writer.field("Type", spec.get("type", ""))
    _write_addresses(writer, obj)
    for port in spec.get("ports") or ():
        _write_port(writer, port, related.get("endpointslices", []))
    writer.field("Session Affinity", spec.get("sessionAffinity", ""))
    for title, name in (
        ("External Traffic Policy", "externalTrafficPolicy"),
        ("Internal Traffic Policy", "internalTrafficPolicy"),
        ("HealthCheck NodePort", "healthCheckNodePort"),
        ("Traffic Distribution", "trafficDistribution"),
    ):
        if spec.get(name):
            writer.field(title, spec[name])
    if spec.get("loadBalancerSourceRanges"):
        writer.field("LoadBalancer Source Ranges", ",".join(spec["loadBalancerSourceRanges"]))


def _write_addresses(writer: Writer, obj: Object) -> None:
    spec = obj["spec"]
    if spec.get("ipFamilyPolicy"):
        writer.field("IP Family Policy", spec["ipFamilyPolicy"])
    writer.field("IP Families", ",".join(spec.get("ipFamilies") or ()) or NONE)
    writer.field("IP", spec.get("clusterIP") or "")
    writer.field("IPs", ",".join(spec.get("clusterIPs") or ()) or NONE)
    if spec.get("externalIPs"):
        writer.field("External IPs", ",".join(spec["externalIPs"]))
    for title, name in (("Desired LoadBalancer IP", "loadBalancerIP"), ("External Name", "externalName")):
        if spec.get(name):
            writer.field(title, spec[name])
    ingress = get_path(obj, "status.loadBalancer.ingress") or []
    if ingress:
        shown = [
            f"{each.get('ip') or each.get('hostname', '')} ({each.get('ipMode') or 'VIP'})"
            for each in ingress
        ]
        writer.field("LoadBalancer Ingress", ", ".join(shown))


def _write_port(writer: Writer, port: Object, slices: Sequence[Object]) -> None:
    name, protocol = port.get("name") or UNSET, port.get("protocol", "TCP")
    writer.line(f"Port:\t{name}\t{port['port']}/{protocol}")
    writer.field("TargetPort", f"{port.get('targetPort', 0)}/{protocol}")
    if port.get("nodePort"):
        writer.line(f"NodePort:\t{name}\t{port['nodePort']}/{protocol}")
    writer.field("Endpoints", format_endpoints(slices, port.get("name") or ""))


def format_endpoints(slices: Sequence[Object], port_name: str | None) -> str:
    """The first addresses with their port: `10.0.0.1:80,10.0.0.2:80,10.0.0.3:80 + 2 more...`"""
    if not slices:
        return NONE
    found = [
        f"[{address}]:{port}" if ":" in address else f"{address}:{port}" if port else address
        for each in slices
        for port in _ports(each, port_name)
        for endpoint in each.get("endpoints") or ()
        if (endpoint.get("conditions") or {}).get("ready", True)
        for address in endpoint["addresses"][:1]
    ]
    shown = ",".join(found[:_SHOWN_ADDRESSES])
    more = len(found) - _SHOWN_ADDRESSES
    return f"{shown} + {more} more..." if more > 0 else shown


def _ports(slice_: Object, name: str | None) -> list[int]:
    """0 stands for none: a headless service may have no ports."""
    ports = slice_.get("ports")
    if not ports:
        return [0]
    return [each.get("port") or 0 for each in ports if name is None or (each.get("name") or "") == name]


def write_endpoints(writer: Writer, obj: Object, _: Related) -> None:
    values.write_head(writer, obj)
    values.write_marks(writer, obj)
    writer.line("Subsets:")
    for subset in obj.get("subsets") or ():
        for title, name in (("Addresses", "addresses"), ("NotReadyAddresses", "notReadyAddresses")):
            listed = ",".join(each["ip"] for each in subset.get(name) or ())
            writer.field(f"  {title}", listed or NONE)
        if subset.get("ports"):
            _write_port_table(writer, subset["ports"], "    ")
        writer.line()


def _write_port_table(writer: Writer, ports: Sequence[Object], indent: str) -> None:
    writer.line(f"{indent[2:]}Ports:")
    writer.line(f"{indent}Name\tPort\tProtocol")
    writer.line(f"{indent}----\t----\t--------")
    for port in ports:
        number = port.get("port", UNSET)
        writer.line(f"{indent}{port.get('name') or UNSET}\t{number}\t{port.get('protocol', 'TCP')}")


def write_endpoint_slice(writer: Writer, obj: Object, _: Related) -> None:
    values.write_head(writer, obj)
    values.write_marks(writer, obj)
    writer.field("AddressType", obj.get("addressType", ""))
    if obj.get("ports"):
        _write_port_table(writer, obj["ports"], "  ")
    else:
        writer.line("Ports: <unset>")
    endpoints = obj.get("endpoints") or ()
    writer.line("Endpoints:" + ("" if endpoints else f" {NONE}"))
    for endpoint in endpoints:
        _write_endpoint(writer, endpoint)


def _write_endpoint(writer: Writer, endpoint: Object) -> None:
    writer.field("- Addresses", ",".join(endpoint.get("addresses") or ()), 1)
    writer.line("Conditions:", 2)
    ready = (endpoint.get("conditions") or {}).get("ready")
    writer.field("Ready", UNSET if ready is None else values.truth(ready), 3)
    writer.field("Hostname", endpoint.get("hostname") or UNSET, 2)
    if target := endpoint.get("targetRef"):
        writer.field("TargetRef", f"{target.get('kind')}/{target.get('name')}", 2)
    writer.field("NodeName", endpoint.get("nodeName") or UNSET, 2)
    writer.field("Zone", endpoint.get("zone") or UNSET, 2)


def write_ingress(writer: Writer, obj: Object, _: Related) -> None:
    spec = obj.get("spec") or {}
    writer.field("Name", obj["metadata"]["name"])
    values.write_labels(writer, "Labels", obj["metadata"].get("labels"))
    writer.field("Namespace", obj["metadata"].get("namespace", ""))
    addresses = get_path(obj, "status.loadBalancer.ingress") or []
    writer.field("Address", ",".join(each.get("ip") or each.get("hostname", "") for each in addresses))
    writer.field("Ingress Class", spec.get("ingressClassName") or NONE)
    backend = spec.get("defaultBackend")
    writer.field("Default backend", _backend(backend) if backend else "<default>")
    writer.line("Rules:\n  Host\tPath\tBackends")
    writer.line("----\t----\t--------", 1)
    for rule in spec.get("rules") or ():
        writer.line(f"{rule.get('host') or '*'}\t", 1)
        for path in (rule.get("http") or {}).get("paths") or ():
            writer.line(f"    \t{path.get('path', '')} \t{_backend(path['backend'])}")
    values.write_annotations(writer, "Annotations", obj["metadata"].get("annotations"))


def _backend(backend: Object) -> str:
    service = backend.get("service")
    if not service:
        other = backend.get("resource") or {}
        group = other.get("apiGroup", NONE)
        return f"APIGroup: {group}, Kind: {other.get('kind')}, Name: {other.get('name')}"
    port = service.get("port") or {}
    return f"{service['name']}:{port.get('number') or port.get('name', '')}"
