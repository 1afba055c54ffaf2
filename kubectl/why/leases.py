"""What a Lease tells of the one who should renew it: a leader, or a node's kubelet."""

from __future__ import annotations

from datetime import datetime

from apimachinery.objects import Object, get_path
from kubectl.why.diagnosis import Evidence, seen
from kubectl.why.facts import seconds_since

DEFAULT_SECONDS = 15


def lease_trouble(lease: Object | None, now: datetime) -> str:
    """What is wrong; empty if it is being renewed, or can't be read."""
    if lease is None:
        return ""
    if not lease:
        return "has no lease"
    if not get_path(lease, "spec.holderIdentity"):
        return "has a lease that nobody holds"
    seconds = seconds_since(get_path(lease, "spec.renewTime"), now)
    if seconds is None:
        return "has a lease that was never renewed"
    limit = get_path(lease, "spec.leaseDurationSeconds") or DEFAULT_SECONDS
    return f"has not renewed its lease for {seconds:.0f} s" if seconds > limit else ""


def lease_evidence(name: str, lease: Object | None) -> Evidence:
    if not lease:
        told = "not known" if lease is None else "not found"
        return Evidence(f"lease/{name}", "metadata.name", told)
    holder = get_path(lease, "spec.holderIdentity") or "nobody"
    return seen("lease", lease, "spec", f"renewed at {get_path(lease, 'spec.renewTime')} by {holder}")
