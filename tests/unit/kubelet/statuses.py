"""Statuses of pods, and containers that several tests have them of."""

from __future__ import annotations

from typing import Any

from apimachinery.objects import Object
from kubelet.pods.container_status import StartFailure, StatusInputs
from kubelet.pods.status import pod_status
from kubelet.runtime.interface import RuntimePod
from tests.unit.kubelet.builders import make_container

NOW = "2026-01-02T03:04:05Z"
INIT = (make_container("i"),)
CRASH = {"web": StartFailure("CrashLoopBackOff", "back-off 10s")}
PROBED = make_container(readinessProbe={"exec": {}})
SLOW = make_container(startupProbe={"exec": {}})


def status_of(pod: Object, seen: RuntimePod | None = None, **inputs: Any) -> Object:
    return pod_status(pod, StatusInputs(seen=seen, **inputs), ("192.0.2.1",), NOW)


def brief(status: Object, field: str = "containerStatuses", index: int = 0) -> str:
    """`running ready=True restarts=0` or `waiting:Reason last=Error ...`."""
    container = status[field][index]
    kind, detail = next(iter(container["state"].items()))
    words = [kind + (f":{detail['reason']}" if "reason" in detail else "")]
    last = container["lastState"].get("terminated")
    words += [f"last={last['reason']}"] if last else []
    return " ".join([*words, f"ready={container['ready']}", f"restarts={container['restartCount']}"])
