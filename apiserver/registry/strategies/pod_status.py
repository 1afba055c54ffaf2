"""What a kubelet may write into a pod's status."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from apimachinery import names
from apimachinery.field import Errors, Path, duplicate, forbidden, invalid
from apimachinery.objects import Object
from apimachinery.pods import restarts_after
from apiserver.registry.strategies.checks import (
    MAX_INT32,
    between,
    enumerate_repeats,
    immutable,
    matches,
    qualified_name,
    valid_ip,
)

_STATUS = Path("status")
_SYSTEM_CONDITIONS = ("PodScheduled", "Ready", "Initialized")
_TOO_MANY_IPS = "may specify no more than one IP for each IP family"


def share_pod_ip(status: Object) -> None:
    """podIP is podIPs[0], in place; where they differ it goes by podIP."""
    ip, ips = status.get("podIP") or "", status.get("podIPs") or []
    if ip and ip != (ips[0].get("ip") if ips else None):
        status["podIPs"] = [{"ip": ip}]
    elif ips and not ip:
        status["podIP"] = ips[0].get("ip") or ""


def keep_observed_generations(status: Object, before: Object) -> None:
    """Puts back, in place, what a client left out that knows of no such field."""
    known: dict[str, list[int]] = {}
    for each in before.get("conditions") or ():
        known.setdefault(each.get("type") or "", []).append(each.get("observedGeneration") or 0)
    for holder, generation in (
        (status, before.get("observedGeneration") or 0),
        *((each, _first(known, each.get("type") or "")) for each in status.get("conditions") or ()),
    ):
        if generation and not holder.get("observedGeneration"):
            holder["observedGeneration"] = generation


def _first(known: dict[str, list[int]], kind: str) -> int:
    """Of the conditions of one type, which are told apart by their order."""
    return known[kind].pop(0) if known.get(kind) else 0


def validate_status(new: Object, old: Object) -> Errors:
    status, before = new.get("status") or {}, old.get("status") or {}
    spec = old.get("spec") or {}
    for index, condition in enumerate(status.get("conditions") or ()):
        at = _STATUS.child("conditions").index(index)
        yield from _counts_generations(condition, at)
        if condition.get("type") not in _SYSTEM_CONDITIONS:
            yield from qualified_name(condition.get("type") or "", at.child("Type"))
    nominated, at = status.get("nominatedNodeName"), _STATUS.child("nominatedNodeName")
    if nominated and nominated != before.get("nominatedNodeName"):
        yield from matches(nominated, at, names.is_dns1123_subdomain)
        if spec.get("nodeName"):
            yield forbidden(at, "may not be set on pods that are already bound to a node")
    yield from _counts_generations(status, _STATUS)
    yield from immutable(status.get("qosClass"), before.get("qosClass"), _STATUS.child("qosClass"))
    for field, containers in (
        ("containerStatuses", spec.get("containers") or ()),
        ("initContainerStatuses", spec.get("initContainers") or ()),
        ("ephemeralContainerStatuses", ()),
    ):
        policy = spec.get("restartPolicy") if containers else "Never"
        by_name = {each["name"]: each for each in containers}
        now, then = status.get(field) or (), before.get(field) or ()
        yield from _transitions(now, then, policy or "", by_name, _STATUS.child(field))
    claims = {each.get("name") for each in spec.get("resourceClaims") or ()}
    yield from _claim_statuses(status.get("resourceClaimStatuses") or (), claims)
    yield from _pod_ips([each.get("ip") or "" for each in status.get("podIPs") or ()])
    yield from _host_ips(status)
    for field in ("containerStatuses", "initContainerStatuses", "ephemeralContainerStatuses"):
        for index, each in enumerate(status.get(field) or ()):
            user = (each.get("user") or {}).get("linux")
            if user is not None:
                yield from _linux_user(user, spec, _STATUS.child(field).index(index).child("user", "linux"))


def _counts_generations(holder: Object, path: Path) -> Errors:
    if (holder.get("observedGeneration") or 0) < 0:
        at = path.child("observedGeneration")
        yield invalid(at, holder["observedGeneration"], "must be a non-negative integer")


def _claim_statuses(statuses: Sequence[Object], claims: Collection[str | None]) -> Errors:
    seen: set[str] = set()
    for index, status in enumerate(statuses):
        at, name = _STATUS.child("resourceClaimStatuses").index(index).child("name"), status.get("name") or ""
        if name not in claims:
            yield invalid(at, name, "must match the name of an entry in `spec.resourceClaims`")
        if name in seen:
            yield duplicate(at, name)
        seen.add(name)
        if status.get("resourceClaimName") is not None:
            yield from matches(status["resourceClaimName"], at, names.is_dns1123_subdomain)


def _linux_user(user: Object, spec: Object, path: Path) -> Errors:
    if (spec.get("os") or {}).get("name") == "windows":
        yield forbidden(path, "cannot be set for a windows pod")
        return
    for field in ("uid", "gid"):
        yield from between(user.get(field), path.child(field), 0, MAX_INT32)
    for index, group in enumerate(user.get("supplementalGroups") or ()):
        yield from between(group, path.child("supplementalGroups").index(index), 0, MAX_INT32)


def _transitions(
    new: Sequence[Object], old: Sequence[Object], policy: str, containers: Mapping[str, Object], path: Path
) -> Errors:
    """What has ended for good stays ended."""
    if policy == "Always":
        return
    now = {each.get("name"): each for each in new}
    for index, status in enumerate(old):
        ended = (status.get("state") or {}).get("terminated")
        container = containers.get(status.get("name") or "", {})
        if ended is None or restarts_after({"restartPolicy": policy}, container, ended.get("exitCode") or 0):
            continue
        current = now.get(status.get("name"))
        if current is not None and (current.get("state") or {}).get("terminated") is None:
            yield forbidden(
                path.index(index).child("state"), "may not be transitioned to non-terminated state"
            )


def _is_one_of_each_family(ips: Sequence[str]) -> bool:
    return len(ips) == 2 and {":" in ip for ip in ips} == {True, False}


def _pod_ips(ips: Sequence[str]) -> Errors:
    at = _STATUS.child("podIPs")
    for index, ip in enumerate(ips):
        yield from valid_ip(ip, at.index(index))
    if len(ips) > 1 and not _is_one_of_each_family(ips):
        yield invalid(at, [{"IP": ip} for ip in ips], _TOO_MANY_IPS)
    for index, ip, is_repeated in enumerate_repeats(ips):
        if is_repeated:
            yield duplicate(at.index(index), {"IP": ip})


def _host_ips(status: Object) -> Errors:
    ips, at = [each.get("ip") or "" for each in status.get("hostIPs") or ()], _STATUS.child("hostIPs")
    if ips and (status.get("hostIP") or "") != ips[0]:
        yield invalid(at.index(0).child("ip"), ips[0], "must be equal to `hostIP`")
    for index, ip, is_repeated in enumerate_repeats(ips):
        yield from valid_ip(ip, at.index(index))
        if is_repeated:
            yield duplicate(at.index(index), {"IP": ip})
    if len(ips) > 1 and not _is_one_of_each_family(ips):
        yield invalid(at, [{"IP": ip} for ip in ips], _TOO_MANY_IPS)
