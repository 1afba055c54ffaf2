"""The environment variables by which a container finds the Services of its namespace. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from apimachinery.objects import Object, name_of, namespace_of

MASTER_NAMESPACE, MASTER_SERVICES = "default", frozenset({"kubernetes"})


def service_environment(services: Iterable[Object], namespace: str, *, links: bool) -> dict[str, str]:
    """Of the pod's own namespace if it wants links, and always of the API server."""
    chosen = [each for each in services if _has_address(each) and _concerns(each, namespace, links=links)]
    # A Service of the pod's own namespace hides the API server's of the same name.
    chosen.sort(key=lambda each: (namespace_of(each) == namespace, name_of(each)))
    return dict(pair for each in chosen for pair in _variables(each))


def _has_address(service: Object) -> bool:
    return (service.get("spec") or {}).get("clusterIP") not in (None, "", "None")


def _concerns(service: Object, namespace: str, *, links: bool) -> bool:
    if namespace_of(service) == MASTER_NAMESPACE and name_of(service) in MASTER_SERVICES:
        return True
    return links and namespace_of(service) == namespace


def _variables(service: Object) -> Iterator[tuple[str, str]]:
    spec = service["spec"]
    address = spec["clusterIP"]
    ports = spec.get("ports") or []
    if not ports:
        return
    name = _env_name(name_of(service))
    yield f"{name}_SERVICE_HOST", address
    yield f"{name}_SERVICE_PORT", str(ports[0]["port"])
    for port in ports:
        if port.get("name"):
            yield f"{name}_SERVICE_PORT_{_env_name(port['name'])}", str(port["port"])
    yield from _links(name, address, ports)


def _links(name: str, address: str, ports: list[Object]) -> Iterator[tuple[str, str]]:
    """The variables of Docker's old links."""
    host = f"[{address}]" if ":" in address else address
    for index, port in enumerate(ports):
        protocol = port.get("protocol") or "TCP"
        url = f"{protocol.lower()}://{host}:{port['port']}"
        prefix = f"{name}_PORT_{port['port']}_{protocol.upper()}"
        if index == 0:
            yield f"{name}_PORT", url
        yield prefix, url
        yield f"{prefix}_PROTO", protocol.lower()
        yield f"{prefix}_PORT", str(port["port"])
        yield f"{prefix}_ADDR", address


def _env_name(name: str) -> str:
    return name.replace("-", "_").upper()
