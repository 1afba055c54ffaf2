"""Services and ingresses out of flags."""

from __future__ import annotations

import re
from collections.abc import Sequence

from apimachinery.objects import Object
from kubectl.failures import CommandError
from kubectl.generators.objects import named, number_or_text


def service(
    name: str,
    kind: str,
    tcp: Sequence[str],
    *,
    cluster_ip: str = "",
    node_port: int = 0,
    external_name: str = "",
) -> Object:
    """What `create service` makes of `--tcp=port[:targetPort]`."""
    labels = {"app": name}
    spec: Object = {}
    if tcp:
        spec["ports"] = [_tcp_port(each, node_port) for each in tcp]
    spec["selector"] = labels
    if cluster_ip:
        spec["clusterIP"] = cluster_ip
    spec["type"] = kind
    if external_name:
        spec["externalName"] = external_name
    return _with_status(named("Service", "v1", name, labels), spec)


def _with_status(obj: Object, spec: Object) -> Object:
    return {**obj, "spec": spec, "status": {"loadBalancer": {}}}


def _tcp_port(text: str, node_port: int) -> Object:
    port, _, target = text.partition(":")
    if not port.isdigit():
        raise CommandError(f'strconv.Atoi: parsing "{port}": invalid syntax')
    result = {
        "name": text.replace(":", "-"), "protocol": "TCP", "port": int(port),
        "targetPort": number_or_text(target or port),
    }  # fmt: skip
    return result | ({"nodePort": node_port} if node_port else {})


def exposing(
    name: str,
    selector: dict[str, str],
    ports: Sequence[tuple[int, str]],
    *,
    labels: dict[str, str],
    target_port: str = "",
    kind: str = "",
    cluster_ip: str = "",
    external_ip: str = "",
    load_balancer_ip: str = "",
    affinity: str = "",
) -> Object:
    """What `expose` makes; `ports` are (number, protocol)."""
    listed = [
        {
            **({"name": f"port-{index + 1}"} if len(ports) > 1 else {}),
            "protocol": protocol,
            "port": port,
            "targetPort": number_or_text(target_port) if target_port else port,
        }
        for index, (port, protocol) in enumerate(ports)
    ]
    spec: Object = {"ports": listed, "selector": selector}
    for field, value in (("clusterIP", cluster_ip), ("type", kind), ("sessionAffinity", affinity)):
        if value:
            spec[field] = value
    if external_ip:
        spec["externalIPs"] = [external_ip]
    if load_balancer_ip:
        spec["loadBalancerIP"] = load_balancer_ip
    return _with_status(named("Service", "v1", name, labels), spec)


def service_of_pod(pod: Object, port: int) -> Object:
    """What `run --expose` makes."""
    ports = [{"protocol": "TCP", "port": port, "targetPort": port}]
    spec = {"ports": ports, "selector": pod["metadata"]["labels"]}
    return _with_status(named("Service", "v1", pod["metadata"]["name"]), spec)


_RULE = re.compile(
    r"(?P<host>[^/=]*)(?P<path>/[^=]*)?=(?P<service>[^:,]+):(?P<port>[^,]+)(?P<tls>,tls(=(?P<secret>.*))?)?"
)


def ingress(name: str, rules: Sequence[str], *, class_name: str = "", default_backend: str = "") -> Object:
    """Rules look like `host/path=service:port[,tls[=secret]]`; a star at the end of a path means a prefix."""
    spec: Object = {}
    if class_name:
        spec["ingressClassName"] = class_name
    if default_backend:
        service_name, _, port = default_backend.partition(":")
        spec["defaultBackend"] = _backend(service_name, port)
    matches = [_match(rule) for rule in rules]
    tls = [match for match in matches if match["tls"]]
    if tls:
        spec["tls"] = [
            ({"hosts": [each["host"]]} if each["host"] else {})
            | ({"secretName": each["secret"]} if each["secret"] else {})
            for each in tls
        ]
    if matches:
        spec["rules"] = _rules(matches)
    return _with_status(named("Ingress", "networking.k8s.io/v1", name), spec)


def _match(rule: str) -> re.Match[str]:
    match = _RULE.fullmatch(rule)
    if match is None:
        raise CommandError(
            f"rule {rule} is invalid and should be in format host/path=svcname:svcport[,tls[=secret]]"
        )
    return match


def _rules(matches: Sequence[re.Match[str]]) -> list[Object]:
    paths: dict[str, list[Object]] = {}
    for match in matches:
        path = match["path"] or "/"
        kind = "Prefix" if path.endswith("*") else "Exact"
        entry = {
            "path": path.rstrip("*") or "/",
            "pathType": kind,
            "backend": _backend(match["service"], match["port"]),
        }
        paths.setdefault(match["host"], []).append(entry)
    return [({"host": host} if host else {}) | {"http": {"paths": each}} for host, each in paths.items()]


def _backend(service_name: str, port: str) -> Object:
    number = {"number": int(port)} if port.isdigit() else {"name": port}
    return {"service": {"name": service_name, "port": number}}
