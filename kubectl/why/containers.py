"""A pod's containers as the rules read them: spec beside status, and which of them are in trouble."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from apimachinery.objects import Object
from apimachinery.pods import is_sidecar

OOM_KILLED = "OOMKilled"


@dataclass(frozen=True, slots=True)
class Container:
    spec: Object
    status: Object
    is_init: bool
    """To be done before the others begin."""

    @property
    def name(self) -> str:
        return str(self.spec["name"])

    @property
    def label(self) -> str:
        """As headlines call it."""
        return f'{"init " if self.is_init else ""}container "{self.name}"'

    @property
    def field(self) -> str:
        group = "initContainerStatuses" if self.is_init else "containerStatuses"
        return f"status.{group}[{self.name}]"

    @property
    def waiting(self) -> Object:
        return (self.status.get("state") or {}).get("waiting") or {}

    @property
    def reason(self) -> str:
        return self.waiting.get("reason") or ""

    @property
    def message(self) -> str:
        return self.waiting.get("message") or ""

    @property
    def running(self) -> Object:
        return (self.status.get("state") or {}).get("running") or {}

    @property
    def ended(self) -> Object:
        """How it ended, now or the last time; empty if it never has."""
        state, last = self.status.get("state") or {}, self.status.get("lastState") or {}
        return state.get("terminated") or last.get("terminated") or {}

    @property
    def ended_field(self) -> str:
        now = (self.status.get("state") or {}).get("terminated")
        return f"{self.field}.{'state' if now else 'lastState'}.terminated"

    @property
    def restarts(self) -> int:
        return int(self.status.get("restartCount") or 0)

    @property
    def is_well(self) -> bool:
        """Ready; of an init container, done."""
        if not self.is_init:
            return bool(self.status.get("ready"))
        terminated = (self.status.get("state") or {}).get("terminated")
        return terminated is not None and terminated.get("exitCode") == 0


def containers_of(pod: Object) -> Iterator[Container]:
    """Init containers first."""
    spec, status = pod.get("spec") or {}, pod.get("status") or {}
    for group, statuses in (
        ("initContainers", "initContainerStatuses"),
        ("containers", "containerStatuses"),
    ):
        known = {each["name"]: each for each in status.get(statuses) or ()}
        for each in spec.get(group) or ():
            is_init = group == "initContainers" and not is_sidecar(each)
            yield Container(each, known.get(each["name"], {}), is_init)


def troubled(pod: Object) -> list[Container]:
    """Those that keep the pod from being ready."""
    return [each for each in containers_of(pod) if not each.is_well]
