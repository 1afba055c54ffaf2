"""Which pods a node cannot do without."""

from __future__ import annotations

from apimachinery.objects import Object
from kubelet.static_pods.identity import is_mirror, is_static

SYSTEM_CRITICAL_PRIORITY = 2_000_000_000


def is_critical(pod: Object) -> bool:
    """Static pods, and those of the system's priority classes: never evicted, never turned away."""
    priority = (pod.get("spec") or {}).get("priority") or 0
    return is_static(pod) or is_mirror(pod) or priority >= SYSTEM_CRITICAL_PRIORITY
