"""The status of a DaemonSet. Pure."""

from __future__ import annotations

from apimachinery.objects import Object, get_path
from apimachinery.pods import is_ready
from controller_manager.daemon_set.plan import Daemons


def calculate_status(it: Daemons, collisions: int) -> Object:
    """Counts nodes, each by its oldest pod. Counts that are zero and were not always there are absent.

    Conditions are other people's, and stay as they are.
    """
    first = {node: pods[0] for node, pods in it.pods.items()}
    placed = [pod for node, pod in first.items() if node in it.nodes.wanted]
    available = sum(is_ready(pod) and it.is_available(pod) for pod in placed)
    rest = {
        "updatedNumberScheduled": sum(map(it.is_updated, placed)),
        "numberAvailable": available,
        "numberUnavailable": len(it.nodes.wanted) - available,
        "collisionCount": collisions,
        "conditions": get_path(it.owner, "status.conditions"),
    }
    return {
        "observedGeneration": get_path(it.owner, "metadata.generation", 0),
        "desiredNumberScheduled": len(it.nodes.wanted),
        "currentNumberScheduled": len(placed),
        "numberMisscheduled": len(first) - len(placed),
        "numberReady": sum(map(is_ready, placed)),
        **{name: value for name, value in rest.items() if value},
    }
