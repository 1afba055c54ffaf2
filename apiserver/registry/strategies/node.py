"""Nodes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from apimachinery.conditions import find_condition
from apimachinery.field import ErrorList, Errors, Path, duplicate, forbidden, invalid
from apimachinery.objects import Object, get_path, labels_of
from apimachinery.well_known import ROLE, ROLE_PREFIX
from apiserver.registry.strategies.checks import enumerate_repeats, quantity_of, same, valid_cidr
from apiserver.registry.strategies.podspec.defaults import canonical_amounts, fill_absent
from apiserver.registry.strategies.podspec.resources import resource_amount
from apiserver.registry.strategies.podspec.scheduling import validate_taints
from apiserver.registry.strategies.tables import NONE, UNKNOWN, age, columns
from apiserver.registry.strategies.warnings.addresses import cidr_warnings
from apiserver.registry.strategy import Column, Strategy

_NODE_INFO = (
    "machineID",
    "systemUUID",
    "bootID",
    "kernelVersion",
    "osImage",
    "containerRuntimeVersion",
    "kubeletVersion",
    "kubeProxyVersion",
    "operatingSystem",
    "architecture",
)
_POD_CIDRS = Path("spec", "podCIDRs")
# Upstream looks for taints under metadata, too.
_TAINTS = Path("metadata", "taints")


class NodeStrategy(Strategy):
    tracks_generation = False
    keeps_status_on_create = True
    columns: Sequence[Column] = (
        *columns("Status", "Roles"),
        Column("Version"),
        *(
            Column(name, priority=1)
            for name in ("Internal-IP", "External-IP", "OS-Image", "Kernel-Version", "Container-Runtime")
        ),
    )

    def default(self, obj: Object) -> None:
        """podCIDR is podCIDRs[0]; allocatable is capacity until somebody says less."""
        spec, status = obj.setdefault("spec", {}), obj.setdefault("status", {})
        if spec.get("podCIDR") and spec["podCIDR"] not in (spec.get("podCIDRs") or ())[:1]:
            spec["podCIDRs"] = [spec["podCIDR"]]
        elif spec.get("podCIDRs") and not spec.get("podCIDR"):
            spec["podCIDR"] = spec["podCIDRs"][0]
        canonical_amounts(status, "capacity", "allocatable")
        fill_absent(status, {"daemonEndpoints": {}, "nodeInfo": {}})
        fill_absent(status["daemonEndpoints"], {"kubeletEndpoint": {"Port": 0}})
        fill_absent(status["nodeInfo"], dict.fromkeys(_NODE_INFO, ""))
        if status.get("capacity") and status.get("allocatable") is None:
            status["allocatable"] = dict(status["capacity"])

    def prepare_for_create(self, obj: Object) -> None:
        """Nodes are not configured through the API any more."""
        obj["spec"].pop("configSource", None)
        obj["status"].pop("config", None)

    def prepare_for_update(self, new: Object, old: Object) -> None:
        new["status"] = old.get("status") or {}
        if get_path(old, "spec.configSource") is None:
            new.get("spec", {}).pop("configSource", None)

    def prepare_for_status_update(self, new: Object, old: Object) -> None:
        new["spec"] = old.get("spec") or {}
        if get_path(old, "status.config") is None:
            new.get("status", {}).pop("config", None)

    def validate(self, obj: Object) -> ErrorList:
        spec = obj.get("spec") or {}
        return [
            *validate_taints(spec.get("taints") or (), _TAINTS),
            *_amounts(obj),
            *_pod_cidrs(spec),
        ]

    def validate_update(self, new: Object, old: Object) -> ErrorList:
        return [*_amounts(new), *_changes(new, old)]

    def validate_status_update(self, new: Object, old: Object) -> ErrorList:
        return self.validate_update(new, old)

    def warnings(self, obj: Object, old: Object | None) -> list[str]:
        spec = obj.get("spec") or {}
        found = []
        if spec.get("configSource") is not None:
            found.append("spec.configSource: the feature is removed")
        if spec.get("externalID"):
            found.append("spec.externalID: this field is deprecated, and is unused by Kubernetes")
        for index, cidr in enumerate(spec.get("podCIDRs") or ()):
            found += cidr_warnings(f"spec.podCIDRs[{index}]", cidr)
        return found

    def selectable_fields(self, obj: Object) -> Mapping[str, str]:
        return {"spec.unschedulable": "true" if get_path(obj, "spec.unschedulable") else "false"}

    def cells(self, obj: Object, now: datetime) -> list[Any]:
        info = get_path(obj, "status.nodeInfo", {})
        addresses = {
            each.get("type"): each.get("address") for each in reversed(get_path(obj, "status.addresses", []))
        }
        return [
            obj["metadata"]["name"],
            _status_text(obj),
            ",".join(_roles(obj)) or NONE,
            age(obj, now),
            info.get("kubeletVersion") or "",
            addresses.get("InternalIP") or NONE,
            addresses.get("ExternalIP") or NONE,
            info.get("osImage") or UNKNOWN,
            info.get("kernelVersion") or UNKNOWN,
            info.get("containerRuntimeVersion") or UNKNOWN,
        ]


def _status_text(node: Object) -> str:
    ready = find_condition(get_path(node, "status.conditions", []), "Ready")
    text = "Unknown" if ready is None else "Ready" if ready.get("status") == "True" else "NotReady"
    return f"{text},SchedulingDisabled" if get_path(node, "spec.unschedulable") else text


def _roles(node: Object) -> list[str]:
    labels = labels_of(node)
    roles = {key.removeprefix(ROLE_PREFIX) for key in labels if key.startswith(ROLE_PREFIX)}
    return sorted((roles | {labels.get(ROLE, "")}) - {""})


def _amounts(node: Object) -> Errors:
    for field in ("capacity", "allocatable"):
        for name, value in get_path(node, f"status.{field}", {}).items():
            yield from resource_amount(name, quantity_of(value), Path("status", field, name))


def _pod_cidrs(spec: Object) -> Errors:
    cidrs = spec.get("podCIDRs") or []
    for index, cidr in enumerate(cidrs):
        yield from valid_cidr(cidr, _POD_CIDRS.index(index))
    if len(cidrs) > 1 and (len(cidrs) > 2 or {":" in cidr for cidr in cidrs} != {True, False}):
        yield invalid(_POD_CIDRS, cidrs, "may specify no more than one CIDR for each IP family")
    for index, cidr, is_repeated in enumerate_repeats(cidrs):
        if is_repeated:
            yield duplicate(_POD_CIDRS.index(index), cidr)


def _changes(new: Object, old: Object) -> Errors:
    spec, before = new.get("spec") or {}, old.get("spec") or {}
    addresses = get_path(new, "status.addresses", [])
    pairs = ((each.get("type"), each.get("address")) for each in addresses)
    for index, _, is_repeated in enumerate_repeats(pairs):
        if is_repeated:
            yield duplicate(Path("status", "addresses").index(index), addresses[index])
    if before.get("podCIDRs") and not same(spec.get("podCIDRs"), before["podCIDRs"]):
        yield forbidden(_POD_CIDRS, 'node updates may not change podCIDR except from "" to valid')
    if before.get("providerID") and spec.get("providerID") != before["providerID"]:
        detail = 'node updates may not change providerID except from "" to valid'
        yield forbidden(Path("spec", "providerID"), detail)
    yield from validate_taints(spec.get("taints") or (), _TAINTS)
    if not same(spec.get("externalID"), before.get("externalID")):
        yield forbidden(Path("spec", "externalID"), "may not be updated")
