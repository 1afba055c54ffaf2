"""What to do about one object: pure. Source: garbagecollector.go, attemptToDeleteItem and its helpers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from controller_manager.garbage_collector.graph import Node, Owner


class OwnerState(StrEnum):
    SOLID = "solid"
    DANGLING = "dangling"
    """The owner is gone for good."""
    WAITING = "waiting"
    """The owner is in foreground deletion and waits for this object to go."""


@dataclass(frozen=True, slots=True)
class Nothing:
    """Leave it."""


@dataclass(frozen=True, slots=True)
class DropOwners:
    """Remove these owner references: another owner still holds the object."""

    uids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Delete:
    """Delete it; first its dependents' references to it stop blocking, if a circle would wait for ever."""

    propagation: str
    unblock: tuple[Node, ...] = ()


@dataclass(frozen=True, slots=True)
class OrphanDependents:
    """Take the reference to the object out of all its dependents, then its finalizer."""

    dependents: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class DropForegroundFinalizer:
    """Nothing blocks the owner any more."""


@dataclass(frozen=True, slots=True)
class LookAt:
    """Blocking dependents that are not on their way out yet."""

    uids: tuple[str, ...]


Plan = Nothing | DropOwners | Delete | OrphanDependents | DropForegroundFinalizer | LookAt


def plan(node: Node, dependents: Sequence[Node], owners: Sequence[tuple[Owner, OwnerState]]) -> Plan:
    """`owners` tells the state of each of the node's owners."""
    if node.orphaning:
        return OrphanDependents(tuple(dependents))
    if node.deleting_dependents:
        return _finish_foreground(node, dependents)
    if node.terminating or not owners:
        return Nothing()
    by_state = {state: [o for o, s in owners if s is state] for state in OwnerState}
    released = by_state[OwnerState.DANGLING] + by_state[OwnerState.WAITING]
    if by_state[OwnerState.SOLID]:
        return DropOwners(tuple(owner.uid for owner in released)) if released else Nothing()
    if by_state[OwnerState.WAITING] and dependents:
        circle = any(each.deleting_dependents for each in dependents)
        return Delete("Foreground", tuple(dependents) if circle else ())
    return Delete(_propagation(node))


def _finish_foreground(node: Node, dependents: Sequence[Node]) -> Plan:
    blocking = [each for each in dependents if each.blocks(node.uid)]
    if not blocking:
        return DropForegroundFinalizer()
    return LookAt(tuple(each.uid for each in blocking if not each.deleting_dependents))


def _propagation(node: Node) -> str:
    """Finalizers that the object carries already say how its own dependents are to be treated."""
    if "orphan" in node.finalizers:
        return "Orphan"
    return "Foreground" if "foregroundDeletion" in node.finalizers else "Background"
