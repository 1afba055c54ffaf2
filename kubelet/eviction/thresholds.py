"""Signals and the thresholds that the configuration sets for them. Pure.

Source of signals, resources and conditions: pkg/kubelet/eviction/helpers.go of Kubernetes 1.34.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from apimachinery.durations import parse_duration
from apimachinery.quantity import Quantity
from component_base.flag_values import parse_float
from kubelet.cgroups.policy import PODS

log = logging.getLogger(__name__)

MEMORY, NODEFS, IMAGEFS, PIDS = "memory.available", "nodefs.available", "imagefs.available", "pid.available"
NODEFS_INODES, IMAGEFS_INODES = "nodefs.inodesFree", "imagefs.inodesFree"
ALLOCATABLE_MEMORY = "allocatableMemory.available"
"""Of what all pods together may have."""
CONTAINERFS = ("containerfs.available", "containerfs.inodesFree")
"""Where containers write: on Docker where the images are, so that imagefs says it all."""
ON_IMAGEFS = (IMAGEFS, IMAGEFS_INODES)
CONDITIONS = {
    MEMORY: "MemoryPressure",
    ALLOCATABLE_MEMORY: "MemoryPressure",
    NODEFS: "DiskPressure",
    NODEFS_INODES: "DiskPressure",
    IMAGEFS: "DiskPressure",
    IMAGEFS_INODES: "DiskPressure",
    PIDS: "PIDPressure",
}
RESOURCES = {
    MEMORY: "memory",
    ALLOCATABLE_MEMORY: "memory",
    NODEFS: "ephemeral-storage",
    NODEFS_INODES: "inodes",
    IMAGEFS: "ephemeral-storage",
    IMAGEFS_INODES: "inodes",
    PIDS: "pids",
}


class ThresholdError(ValueError):
    """The configuration names a signal or amount that there is not; upstream's words."""


@dataclass(frozen=True, slots=True)
class Amount:
    """So many units, or a share (0 to 1) of the capacity."""

    quantity: int = 0
    share: float | None = None

    def of(self, capacity: int) -> int:
        return self.quantity if self.share is None else int(capacity * self.share)


@dataclass(frozen=True, slots=True)
class Threshold:
    """Pressure begins when less than `value` is available, and a hard one evicts at once."""

    signal: str
    value: Amount
    grace: float | None = None
    """Seconds; None of a hard threshold."""
    reclaim: Amount = Amount()
    """How much more than the threshold has to be free again."""

    @property
    def is_hard(self) -> bool:
        return self.grace is None

    @property
    def condition(self) -> str:
        return CONDITIONS[self.signal]

    @property
    def resource(self) -> str:
        return RESOURCES[self.signal]


@dataclass(frozen=True, slots=True)
class Observation:
    available: int
    capacity: int


def parse_thresholds(configuration: Mapping[str, Any]) -> tuple[Threshold, ...]:
    """Of evictionHard, evictionSoft and what belongs to them. Raises ThresholdError.

    Where what pods may have is enforced, a hard threshold of memory is one of it, too.
    """
    try:
        return tuple(_thresholds(configuration))
    except ValueError as error:
        raise ThresholdError(str(error)) from error


def _thresholds(configuration: Mapping[str, Any]) -> list[Threshold]:
    """Raises ValueError, of which ThresholdError is one."""
    reclaim = {
        signal: _reclaim(signal, text) for signal, text in configuration["evictionMinimumReclaim"].items()
    }
    hard = configuration["evictionHard"]
    soft, graces = configuration["evictionSoft"], configuration["evictionSoftGracePeriod"]
    for signal in graces.keys() - soft.keys():
        _check(signal)
    found = [*_parsed(hard, None, reclaim), *_parsed(soft, graces, reclaim)]
    if PODS in configuration["enforceNodeAllocatable"]:
        memory = [each for each in found if each.signal == MEMORY and each.is_hard]
        found += [replace(each, signal=ALLOCATABLE_MEMORY) for each in memory]
    return found


def _parsed(
    values: Mapping[str, str], graces: Mapping[str, str] | None, reclaim: Mapping[str, Amount]
) -> Iterator[Threshold]:
    for signal, text in values.items():
        if signal in CONTAINERFS:
            log.warning("Found %s for eviction, ignoring: imagefs says it all", signal)
            continue
        amount = _amount(signal, text)
        if amount == Amount():
            raise ThresholdError(f"eviction threshold {signal} must be positive: {text}")
        if amount.share in (0.0, 1.0):
            continue  # that is how a threshold is switched off
        if graces is not None and signal not in graces:
            raise ThresholdError(f"grace period must be specified for the soft eviction threshold {signal}")
        grace = None if graces is None else _grace(graces[signal])
        yield Threshold(signal, amount, grace, reclaim.get(signal, Amount()))


def _grace(text: str) -> float:
    seconds = parse_duration(text)
    if seconds < 0:
        raise ThresholdError(f"invalid eviction grace period specified: {text}, must be a positive value")
    return seconds


def _reclaim(signal: str, text: str) -> Amount:
    _check(signal)
    if text.endswith("%"):
        share = parse_float(text[:-1]) / 100
        if share <= 0:
            raise ThresholdError(f"eviction percentage minimum reclaim {signal} must be positive: {text}")
        return Amount(share=share)
    quantity = Quantity.parse(text)
    if quantity < Quantity():
        raise ThresholdError(f"negative eviction minimum reclaim specified for {signal}")
    return Amount(quantity.value())


def _check(signal: str) -> None:
    if signal not in CONDITIONS:
        raise ThresholdError(f"unsupported eviction signal {signal}")


def _amount(signal: str, text: str) -> Amount:
    _check(signal)
    if text.endswith("%"):
        share = parse_float(text[:-1]) / 100
        if not 0 <= share <= 1:
            bound = ">= 0%" if share < 0 else "<= 100%"
            raise ThresholdError(f"eviction percentage threshold {signal} must be {bound}: {text}")
        return Amount(share=share)
    quantity = Quantity.parse(text)
    if quantity < Quantity():
        raise ThresholdError(f"eviction threshold {signal} must be positive: {text}")
    return Amount(quantity.value())
