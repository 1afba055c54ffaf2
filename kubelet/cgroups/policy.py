"""What the configuration says of the tree. Pure; names are upstream's."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from apimachinery.pods import add_up
from apimachinery.quantity import Quantity, QuantityError
from kubelet.cgroups.cpu_lists import format_cpus, parse_cpus
from kubelet.cgroups.names import Name, all_pods, parse_path

PODS = "pods"
COMPRESSIBLE = "-compressible"
"""Ends the names of what is enforced of processors alone."""
RESERVED = {
    "system-reserved": ("System Reserved", "systemReserved", "systemReservedCgroup"),
    "kube-reserved": ("Kube Reserved", "kubeReserved", "kubeReservedCgroup"),
}
"""What else can be enforced: what Events call it, its amounts and its cgroup."""

_RESERVABLE = ("cpu", "memory", "ephemeral-storage", "pid")


class CgroupPolicyError(ValueError):
    """The configuration asks for what there is not."""


@dataclass(frozen=True, slots=True)
class Reserve:
    """A cgroup of others that is to be limited, too, and what was reserved for it."""

    title: str
    cgroup: str
    amounts: Mapping[str, Quantity]
    is_compressible: bool = False

    @property
    def name(self) -> Name:
        return parse_path(self.cgroup)


@dataclass(frozen=True, slots=True)
class CgroupPolicy:
    top: Name
    """Of all pods."""
    pids: int = 0
    """What a pod may have; 0 for any number."""
    enforce_cpu: bool = True
    reserved: Mapping[str, Quantity] = field(default_factory=dict)
    """What pods may not have of the node."""
    others: Sequence[Reserve] = ()


def policy_of(configuration: Mapping[str, Any]) -> CgroupPolicy | None:
    """None where pods get no tree (`cgroupsPerQOS: false`). Raises CgroupPolicyError."""
    reserved = reserved_of(configuration)
    enforced = [each for each in configuration["enforceNodeAllocatable"] if each != "none"]
    if not configuration["cgroupsPerQOS"]:
        return None
    return CgroupPolicy(
        top=all_pods(configuration["cgroupRoot"]),
        pids=max(configuration["podPidsLimit"], 0),
        enforce_cpu=configuration["cpuCFSQuota"],
        reserved=reserved if PODS in enforced else {},
        others=tuple(_other(configuration, each) for each in enforced if each != PODS),
    )


def reserved_of(configuration: Mapping[str, Any]) -> dict[str, Quantity]:
    """systemReserved and kubeReserved together."""
    return add_up(_amounts(configuration, each) for _, each, _ in RESERVED.values())


def _other(configuration: Mapping[str, Any], key: str) -> Reserve:
    plain = key.removesuffix(COMPRESSIBLE)
    if plain not in RESERVED:
        raise CgroupPolicyError(f'"{key}" of enforceNodeAllocatable is not there')
    title, field, cgroup = RESERVED[plain]
    amounts = _amounts(configuration, field)
    if plain == key:
        return Reserve(title, configuration[cgroup], amounts)
    processors = {name: each for name, each in amounts.items() if name == "cpu"}
    return Reserve(title, configuration[cgroup], processors, is_compressible=True)


def _amounts(configuration: Mapping[str, Any], key: str) -> dict[str, Quantity]:
    """Raises CgroupPolicyError, in upstream's words."""
    try:
        return {name: _amount(name, text) for name, text in _reservations(configuration, key).items()}
    except CgroupPolicyError as error:
        flag = f"--{key.removesuffix('Reserved')}-reserved"
        raise CgroupPolicyError(f"{flag} value failed to parse: {error}") from None


def _reservations(configuration: Mapping[str, Any], key: str) -> dict[str, str]:
    """Of processors as many as `reservedSystemCPUs` lists, if it does: they are the system's."""
    given = dict(configuration[key])
    if processors := _reserved_cpus(configuration):
        given.pop("cpu", None)
        given |= {"cpu": str(len(processors))} if key == "systemReserved" else {}
    return given


def check_reserved_cpus(configuration: Mapping[str, Any], online: Collection[int]) -> None:
    """Raises CgroupPolicyError for processors that the machine has not."""
    if not _reserved_cpus(configuration) <= set(online):
        listed = configuration["reservedSystemCPUs"]
        raise CgroupPolicyError(
            f"reserved-cpus: {listed} is not a subset of online-cpus: {format_cpus(online)}"
        )


def _reserved_cpus(configuration: Mapping[str, Any]) -> set[int]:
    try:
        return parse_cpus(configuration["reservedSystemCPUs"])
    except ValueError as error:
        raise CgroupPolicyError(f"unable to parse reserved-cpus list: {error}") from None


def _amount(resource: str, text: str) -> Quantity:
    if resource not in _RESERVABLE:
        raise CgroupPolicyError(f'cannot reserve "{resource}" resource')
    try:
        amount = Quantity.parse(text)
    except QuantityError as error:
        message = f'failed to parse quantity "{text}" for "{resource}" resource: {error}'
        raise CgroupPolicyError(message) from None
    if amount < Quantity():
        raise CgroupPolicyError(f'resource quantity for "{resource}" cannot be negative: {text}')
    return amount
