"""What a daemon is told of leader election: component-base's LeaderElectionConfiguration."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Election:
    """Whether there is one, about which Lease, and how patient all are.

    By upstream's defaults others may lead after 15 s, the leader gives up after 10 s, and all try every 2 s.
    """

    name: str
    namespace: str = "kube-system"
    enabled: bool = True
    lease_seconds: float = 15.0
    renew_seconds: float = 10.0
    retry_seconds: float = 2.0
