"""When what was applied has come to rest. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from apimachinery.conditions import is_condition_true
from apimachinery.objects import Object
from apimachinery.pods import is_ready, is_terminal
from kubectl.failures import CommandError
from kubectl.rollouts import progress_of


def is_settled(obj: Object) -> bool:
    """Nothing more is to be expected of it; of kinds that have no life of their own, at once."""
    test = _TESTS.get(obj["kind"])
    return test is None or test(obj)


def _rolled_out(obj: Object) -> bool:
    try:
        return progress_of(obj).done
    except CommandError:  # failed for good, or a kind of update that nothing follows from
        return True


def _pod(obj: Object) -> bool:
    return is_ready(obj) or is_terminal(obj)


def _job(obj: Object) -> bool:
    return is_condition_true(obj, "Complete") or is_condition_true(obj, "Failed")


def _replicas(obj: Object) -> bool:
    status = obj.get("status") or {}
    return bool(status.get("readyReplicas", 0) == (obj.get("spec") or {}).get("replicas", 1))


_TESTS: Mapping[str, Callable[[Object], bool]] = {
    "Pod": _pod,
    "Deployment": _rolled_out,
    "StatefulSet": _rolled_out,
    "DaemonSet": _rolled_out,
    "ReplicaSet": _replicas,
    "ReplicationController": _replicas,
    "Job": _job,
}
