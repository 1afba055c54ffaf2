"""The flags of leader election, which the controller manager and the scheduler share."""

from __future__ import annotations

from dataclasses import dataclass

from component_base.election import Election
from component_base.flags import duration, flag


def _lock(text: str) -> str:
    if text != "leases":
        raise ValueError('resourceLock value must be "leases"')
    return text


@dataclass(frozen=True)
class ElectionOptions:
    leader_elect: bool = flag(
        True, "Start a leader election client and gain leadership before the main loop."
    )
    leader_elect_lease_duration: float = duration(15, "How long non-leaders wait before they take over.")
    leader_elect_renew_deadline: float = duration(10, "How long the leader tries to renew before it stops.")
    leader_elect_retry_period: float = duration(2, "How long to wait between tries.")
    leader_elect_resource_lock: str = flag(
        "leases", "The type of resource object that is used for locking: leases.", parse=_lock
    )
    leader_elect_resource_name: str = flag("", "The name of the Lease.")
    leader_elect_resource_namespace: str = flag("kube-system", "The namespace of the Lease.")


def election_of(options: ElectionOptions) -> Election:
    return Election(
        enabled=options.leader_elect,
        lease_seconds=options.leader_elect_lease_duration,
        renew_seconds=options.leader_elect_renew_deadline,
        retry_seconds=options.leader_elect_retry_period,
        name=options.leader_elect_resource_name,
        namespace=options.leader_elect_resource_namespace,
    )
