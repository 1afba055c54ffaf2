"""Probes and lifecycle hooks: their handlers, thresholds and what goes together."""

from __future__ import annotations

from collections.abc import Callable

from apimachinery import names
from apimachinery.field import Errors, Path, invalid, required
from apimachinery.objects import Object
from apiserver.registry.strategies.checks import (
    matches,
    non_negative_fields,
    one_of,
    only_type,
    port_number,
    port_number_or_name,
)
from apiserver.registry.strategies.podspec.restarts import validate_stop_signal

_COUNTS = ("initialDelaySeconds", "timeoutSeconds", "periodSeconds", "successThreshold", "failureThreshold")


def _exec(action: Object, path: Path) -> Errors:
    if not action.get("command"):
        yield required(path.child("command"))


def _http_get(action: Object, path: Path) -> Errors:
    if not action.get("path"):
        yield required(path.child("path"))
    yield from port_number_or_name(action.get("port"), path.child("port"))
    yield from one_of(action.get("scheme"), path.child("scheme"), ("HTTP", "HTTPS"))
    for header in action.get("httpHeaders") or ():
        yield from matches(header.get("name") or "", path.child("httpHeaders"), names.is_http_header_name)


def _tcp_socket(action: Object, path: Path) -> Errors:
    return port_number_or_name(action.get("port"), path.child("port"))


def _grpc(action: Object, path: Path) -> Errors:
    return port_number(action.get("port"), path.child("port"))


_PROBE_HANDLERS: dict[str, Callable[[Object, Path], Errors]] = {
    "exec": _exec,
    "httpGet": _http_get,
    "tcpSocket": _tcp_socket,
    "grpc": _grpc,
}


def _sleep(grace_period: int | None) -> Callable[[Object, Path], Errors]:
    def check(action: Object, path: Path) -> Errors:
        seconds = action.get("seconds") or 0
        if grace_period is not None and not 0 <= seconds <= grace_period:
            yield invalid(
                path,
                seconds,
                f"must be non-negative and less than terminationGracePeriodSeconds ({grace_period})",
            )

    return check


def validate_lifecycle(lifecycle: Object, path: Path, grace_period: int | None, os: str | None) -> Errors:
    handlers = {
        "exec": _exec,
        "httpGet": _http_get,
        "tcpSocket": _tcp_socket,
        "sleep": _sleep(grace_period),
    }
    for hook in ("postStart", "preStop"):
        if lifecycle.get(hook) is not None:
            yield from only_type(lifecycle[hook], path.child(hook), handlers, "handler")
    if lifecycle.get("stopSignal") is not None:
        yield from validate_stop_signal(lifecycle["stopSignal"], path.child("stopSignal"), os)


def _validate_probe(probe: Object, path: Path) -> Errors:
    yield from only_type(probe, path, _PROBE_HANDLERS, "handler")
    yield from non_negative_fields(probe, path, *_COUNTS)
    grace = probe.get("terminationGracePeriodSeconds")
    if grace is not None and grace <= 0:
        yield invalid(path.child("terminationGracePeriodSeconds"), grace, "must be greater than 0")


def validate_probes(container: Object, path: Path) -> Errors:
    """Only readiness may ask for more than one success, only the others for a grace period."""
    for name in ("livenessProbe", "readinessProbe", "startupProbe"):
        probe = container.get(name)
        if probe is None:
            continue
        at = path.child(name)
        yield from _validate_probe(probe, at)
        if name == "readinessProbe":
            grace = probe.get("terminationGracePeriodSeconds")
            if grace is not None:
                yield invalid(
                    at.child("terminationGracePeriodSeconds"), grace, "must not be set for readinessProbes"
                )
        elif probe.get("successThreshold") != 1:
            yield invalid(at.child("successThreshold"), probe.get("successThreshold") or 0, "must be 1")
