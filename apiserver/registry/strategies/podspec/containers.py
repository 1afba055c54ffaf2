"""Containers, init containers and ephemeral containers."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from apimachinery import names
from apimachinery.field import Errors, Path, duplicate, forbidden, invalid, not_found, required
from apimachinery.objects import Object
from apiserver.registry.strategies.checks import is_empty, matches, one_of, required_match
from apiserver.registry.strategies.podspec.env import validate_env, validate_env_from
from apiserver.registry.strategies.podspec.mounts import validate_devices, validate_mounts
from apiserver.registry.strategies.podspec.probes import validate_lifecycle, validate_probes
from apiserver.registry.strategies.podspec.resources import validate_requirements
from apiserver.registry.strategies.podspec.restarts import validate_restarts
from apiserver.registry.strategies.podspec.security import validate_container_security

_PROTOCOLS = ("SCTP", "TCP", "UDP")
PULL_POLICIES = ("Always", "IfNotPresent", "Never")
_MESSAGE_POLICIES = ("File", "FallbackToLogsOnError")
_SERVICE_FIELDS = ("ports", "resources", "livenessProbe", "readinessProbe", "startupProbe", "lifecycle")
_RESTART_FIELDS = ("restartPolicy", "restartPolicyRules")
_NOT_INIT = "may not be set for init containers without restartPolicy=Always"
_NOT_EPHEMERAL = "cannot be set for an Ephemeral Container"


@dataclass(frozen=True, slots=True)
class PodContext:
    """What a container's checks need of its pod."""

    volumes: Mapping[str, Object]
    claims: Collection[str]
    grace_period: int | None
    restart_policy: str
    host_users: bool
    os: str | None
    """spec.os.name; None without spec.os."""


def validate_containers(containers: Sequence[Object], pod: PodContext, path: Path) -> Errors:
    if not containers:
        yield required(path)
        return
    seen: set[str] = set()
    for index, container in enumerate(containers):
        at, name = path.index(index), container.get("name") or ""
        yield from _validate_any(container, pod, at)
        if name in seen:
            yield duplicate(at.child("name"), name)
        seen.add(name)
        yield from _validate_service(container, pod, at)
        yield from validate_restarts(container, at)
    yield from _host_ports(containers, path)


def validate_init_containers(
    containers: Sequence[Object], regular: Sequence[Object], pod: PodContext, path: Path
) -> Errors:
    seen = {container.get("name") or "" for container in regular}
    for index, container in enumerate(containers):
        at, name, policy = path.index(index), container.get("name") or "", container.get("restartPolicy")
        yield from _validate_any(container, pod, at)
        yield from validate_restarts(container, at)
        if name in seen:
            yield duplicate(at.child("name"), name)
        seen |= {name} - {""}
        yield from _host_ports([container], path)
        if policy == "Always":
            yield from _validate_service(container, pod, at)
            continue
        for field in ("lifecycle", "livenessProbe", "readinessProbe", "startupProbe"):
            if container.get(field) is not None:
                yield forbidden(at.child(field), _NOT_INIT)


def validate_ephemeral_containers(
    containers: Sequence[Object], others: Sequence[Object], pod: PodContext, path: Path
) -> Errors:
    targets = {container.get("name") or "" for container in others}
    seen = set(targets)
    for index, container in enumerate(containers):
        at, name = path.index(index), container.get("name") or ""
        yield from _validate_any(container, pod, at)
        yield from validate_image_text(container, at)
        if name in seen:
            yield duplicate(at.child("name"), name)
        seen.add(name)
        target = container.get("targetContainerName")
        if target and target not in targets:
            yield not_found(at.child("targetContainerName"), target)
        yield from _not_ephemeral(container, at)


def _not_ephemeral(container: Object, path: Path) -> Errors:
    for field in (*_SERVICE_FIELDS, *_RESTART_FIELDS):
        if not is_empty(container.get(field)):
            yield forbidden(path.child(field), _NOT_EPHEMERAL)
    for index, mount in enumerate(container.get("volumeMounts") or ()):
        for field in ("subPath", "subPathExpr"):
            if mount.get(field):
                yield forbidden(path.child("volumeMounts").index(index).child(field), _NOT_EPHEMERAL)


def _validate_any(container: Object, pod: PodContext, path: Path) -> Errors:
    """What holds for all three sorts of containers."""
    get = container.get
    yield from required_match(get("name"), path.child("name"), names.is_dns1123_label)
    if not get("image"):
        yield required(path.child("image"))
    at = path.child("terminationMessagePolicy")
    yield from one_of(get("terminationMessagePolicy"), at, _MESSAGE_POLICIES)
    yield from _ports(get("ports") or (), path.child("ports"))
    yield from validate_env(get("env") or (), path.child("env"))
    yield from validate_env_from(get("envFrom") or (), path.child("envFrom"))
    yield from validate_mounts(container, pod.volumes, path.child("volumeMounts"))
    yield from validate_devices(container, pod.volumes, path.child("volumeDevices"))
    yield from one_of(get("imagePullPolicy"), path.child("imagePullPolicy"), PULL_POLICIES)
    yield from validate_requirements(get("resources") or {}, path.child("resources"), pod.claims)
    yield from _resize_policies(get("resizePolicy") or (), pod.restart_policy, path.child("resizePolicy"))
    yield from validate_container_security(
        get("securityContext"), path.child("securityContext"), host_users=pod.host_users
    )


def _validate_service(container: Object, pod: PodContext, path: Path) -> Errors:
    """What only containers have that run as long as the pod."""
    if container.get("lifecycle") is not None:
        yield from validate_lifecycle(
            container["lifecycle"], path.child("lifecycle"), pod.grace_period, pod.os
        )
    yield from validate_probes(container, path)


def validate_image_text(container: Object, path: Path) -> Errors:
    image = container.get("image") or ""
    if image != image.strip():
        yield invalid(path.child("image"), image, "must not have leading or trailing whitespace")


def _ports(ports: Sequence[Object], path: Path) -> Errors:
    seen: set[str] = set()
    for index, port in enumerate(ports):
        at, name = path.index(index), port.get("name")
        if name:
            wrong = list(matches(name, at.child("name"), names.is_port_name))
            if not wrong and name in seen:
                wrong = [duplicate(at.child("name"), name)]
            yield from wrong
            seen |= set() if wrong else {name}
        if not port.get("containerPort"):
            yield required(at.child("containerPort"))
        for field in ("containerPort", "hostPort"):
            if port.get(field):
                yield from matches(port[field], at.child(field), names.is_valid_port_num)
        yield from one_of(port.get("protocol"), at.child("protocol"), _PROTOCOLS)


def _host_ports(containers: Sequence[Object], path: Path) -> Errors:
    taken: set[str] = set()
    for index, container in enumerate(containers):
        for place, port in enumerate(container.get("ports") or ()):
            if not port.get("hostPort"):
                continue
            key = f"{port.get('protocol') or ''}/{port.get('hostIP') or ''}/{port['hostPort']}"
            if key in taken:
                yield duplicate(path.index(index).child("ports").index(place).child("hostPort"), key)
            taken.add(key)


def _resize_policies(policies: Sequence[Object], restart_policy: str, path: Path) -> Errors:
    seen: set[str] = set()
    for index, policy in enumerate(policies):
        resource, restart = policy.get("resourceName") or "", policy.get("restartPolicy") or ""
        if resource in seen:
            yield duplicate(path.index(index), resource)
        seen.add(resource)
        yield from one_of(resource, path, ("cpu", "memory"))
        yield from one_of(restart, path, ("NotRequired", "RestartContainer"))
        if restart_policy == "Never" and restart != "NotRequired":
            yield invalid(path, restart, "must be 'NotRequired' when `restartPolicy` is 'Never'")
