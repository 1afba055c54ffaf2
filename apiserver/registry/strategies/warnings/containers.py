"""Warnings about containers: variables that hide others, parts of bytes, ports in each other's way."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from apimachinery.field import format_value
from apimachinery.objects import Object
from apiserver.registry.strategies.warnings.claims import fraction_warnings

Placed = tuple[Object, str]
"""A container or a port, and where it is."""

_BYTES = ("memory", "ephemeral-storage")
_MOST_COMPARED = 16
"""Ports of the same number, of which each is compared with all others."""


def container_warnings(containers: Sequence[Placed]) -> Iterator[str]:
    for container, path in containers:
        resources = container.get("resources") or {}
        for side in ("limits", "requests"):
            yield from fraction_warnings(f"{path}.resources.{side}", resources.get(side), _BYTES)
        yield from _variable_warnings(container, path)
    ports = [
        (port, f"{path}.ports[{index}]")
        for container, path in containers
        for index, port in enumerate(container.get("ports") or ())
    ]
    yield from _port_warnings(ports)
    yield from _port_name_warnings(ports)


def _variable_warnings(container: Object, path: str) -> Iterator[str]:
    seen: set[str] = set()
    for index, variable in enumerate(container.get("env") or ()):
        name, value = variable.get("name") or "", variable.get("value") or ""
        reference = f"$({name})"
        uses_it = reference in value and value != reference and variable.get("valueFrom") is None
        if name in seen and not uses_it:
            text = f"hides previous definition of {format_value(name)}, which may be dropped when using apply"
            yield f"{path}.env[{index}]: {text}"
        seen.add(name)


def _port_warnings(ports: Sequence[Placed]) -> Iterator[str]:
    """Of ports of the same number and protocol, in whatever container."""
    known: dict[tuple[object, object], list[Placed]] = {}
    for port, path in ports:
        if port.get("hostIP") and not port.get("hostPort"):
            yield f"{path}: hostIP set without hostPort: {_go_text(port)}"
        others = known.setdefault((port.get("containerPort"), port.get("protocol")), [])
        for other, where in others:
            if conflict := _conflict(port, other):
                yield f"{path}: {conflict} with {where}"
        if len(others) < _MOST_COMPARED:
            others.append((port, path))


def _conflict(port: Object, other: Object) -> str:
    ips = [each.get("hostIP") or "" for each in (port, other)]
    numbers = [each.get("hostPort") or 0 for each in (port, other)]
    if ips[0] == ips[1] and numbers[0] == numbers[1]:
        return "duplicate port definition"
    if 0 in numbers:
        return "overlapping port definition"
    if numbers[0] == numbers[1] and "" in ips:
        return "dangerously ambiguous port definition"
    return ""


def _port_name_warnings(ports: Sequence[Placed]) -> Iterator[str]:
    first: dict[str, str] = {}
    for port, path in ports:
        name = port.get("name")
        if name and first.setdefault(name, path) != path:
            text = f"services and probes that select ports by name will use {first[name]}"
            yield f"{path}: duplicate port name {format_value(name)} with {first[name]}, {text}"


def _go_text(port: Object) -> str:
    """As Go shows a struct."""
    name, protocol, ip = (port.get(field) or "" for field in ("name", "protocol", "hostIP"))
    host, number = (port.get(field) or 0 for field in ("hostPort", "containerPort"))
    return f"{{Name:{name} HostPort:{host} ContainerPort:{number} Protocol:{protocol} HostIP:{ip}}}"
