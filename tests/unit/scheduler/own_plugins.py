"""Plugins of one's own that wait, refuse, break and tell."""

from __future__ import annotations

from typing import Any

from scheduler.framework.interface import PreBindError, Verdict, Wait
from scheduler.framework.own import OwnPlugin
from scheduler.node_info import NodeInfo
from scheduler.pod_info import PodInfo
from tests.unit.scheduler.cluster import Cluster


class Slow(OwnPlugin):
    """Pods wait for its leave; args say how long, and what it says against them at once."""

    name = "Slow"

    def permit(self, pod: PodInfo, node: NodeInfo) -> Verdict | Wait | None:
        if refusal := self.args.get("refusal"):
            return Verdict(self.name, (refusal,))
        return Wait(self.args["seconds"]) if "seconds" in self.args else None


class Refuser(OwnPlugin):
    """Refuses pods at the last moment, but not for ever."""

    name = "Refuser"
    asked = 0

    def permit(self, pod: PodInfo, node: NodeInfo) -> Verdict | None:
        self.asked += 1
        return Verdict(self.name, ("not today",)) if self.asked < 9 else None


class Quota(OwnPlugin):
    """Sets one of few places aside."""

    name = "Quota"
    taken: list[str]

    def reserve(self, pod: PodInfo, node: NodeInfo, state: Any) -> str | Verdict:
        self.taken = [*getattr(self, "taken", ()), pod.key.name]
        return "a place" if len(self.taken) <= self.args["places"] else Verdict(self.name, ("no place left",))

    def unreserve(self, pod: PodInfo, reserved: str) -> None:
        assert reserved == "a place"
        self.taken.remove(pod.key.name)


class Careless(Quota):
    """Fails to give back what it has set aside."""

    name = "Careless"

    def unreserve(self, pod: PodInfo, reserved: str) -> None:
        raise ZeroDivisionError("broken")


class Teller(OwnPlugin):
    """Tells of what happens to pods, and fails when it is asked to."""

    name = "Teller"
    told: list[str]

    def tell(self, pod: PodInfo, what: str) -> None:
        self.told = [*getattr(self, "told", ()), f"{what} {pod.key.name}"]

    async def pre_bind(self, pod: PodInfo, reserved: Any) -> None:
        self.tell(pod, "pre_bind")
        if pod.labels.get("fail") == "expected":
            raise PreBindError("not ready")
        if "fail" in pod.labels:
            raise ZeroDivisionError("broken")

    async def bind(self, pod: PodInfo) -> bool:
        self.tell(pod, "bind")
        return "mine" in pod.labels

    def post_bind(self, pod: PodInfo) -> None:
        self.tell(pod, "post_bind")


def warnings(cluster: Cluster) -> list[str]:
    return [line.partition("FailedScheduling ")[2] for line in cluster.log if line.startswith("Warning")]


def at(point: str, name: str) -> Any:
    """That one and no other."""
    return {point: {"enabled": [{"name": name}], "disabled": [{"name": "*"}]}}
