"""Facts: everything a rule may look at. Gathered once, then only read.

None stands for what could not be asked (another's cluster, no permission), and no rule may conclude anything
from it; `unknown` says what and why not. An object that is known not to be there is ABSENT.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from apimachinery.objects import Object, name_of, namespace_of
from apimachinery.times import parse_time
from kubectl.evidence.asker import Objects
from kubectl.evidence.daemons import NodeRecord
from kubectl.why.diagnosis import Diagnosis


@dataclass(frozen=True, slots=True)
class Owner:
    """What a pod comes from and what has to be changed to change it: its workload, or itself."""

    kind: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind.lower()}/{self.name}"


@dataclass(frozen=True, slots=True)
class Reference:
    """A ConfigMap or Secret that a pod needs: which keys it has, or where else one of that name is."""

    kind: str
    name: str
    keys: frozenset[str] | None = None
    """None if the object is not there, or not to be read."""
    revision: str = ""
    elsewhere: tuple[str, ...] = ()
    """Other namespaces that have one."""
    deletion: Object | None = None
    """The journal's line of its deletion."""


@dataclass(frozen=True, slots=True)
class ClaimFacts:
    """A PersistentVolumeClaim and what it asks for."""

    name: str
    claim: Object | None
    classes: Objects | None = ()
    volumes: Objects = ()
    events: Objects = ()


@dataclass(frozen=True, slots=True)
class Scheduling:
    """Gathered for pods that have no node."""

    nodes: Objects | None = ()
    pods: Objects | None = ()
    """All that are bound, for the room that is left."""
    attempts: Objects | None = None
    """The scheduler's own record, newest first."""
    lease: Object | None = None
    device_claims: Mapping[str, Object | None] = field(default_factory=dict)
    """The pod's ResourceClaims, by name."""


@dataclass(frozen=True, slots=True)
class Backend:
    """A pod behind a Service: what listens in it, if its kubelet tells."""

    pod: Object
    listeners: Objects | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceFacts:
    """A Service and the way to its pods."""

    service: Object
    slices: Objects = ()
    backends: Sequence[Backend] = ()
    """The pods that its selector finds."""
    others: Objects = ()
    """The namespace's other pods."""
    programmed: Mapping[str, Objects | None] = field(default_factory=dict)
    """By node: what its kube-proxy programmed for the Service, oldest first; None if it does not answer."""
    because: Diagnosis | None = None
    """If none of its pods is ready: why the first one is not."""
    events: Objects = ()
    now: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class PodFacts:
    pod: Object
    now: datetime
    owner: Owner
    events: Objects = ()
    node: Object | None = None
    node_lease: Object | None = None
    record: NodeRecord | None = None
    scheduling: Scheduling | None = None
    logs: Mapping[str, str] = field(default_factory=dict)
    """The last words of containers in trouble."""
    references: Sequence[Reference] = ()
    claims: Sequence[ClaimFacts] = ()
    services: Mapping[str, ServiceFacts] | None = None
    """Of the namespace, by name: gathered for pods that seem to wait for something."""
    unknown: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return name_of(self.pod)

    @property
    def namespace(self) -> str:
        return namespace_of(self.pod)


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkloadFacts:
    """Something that makes pods: a Deployment with its ReplicaSets, or any other."""

    kind: str
    obj: Object
    now: datetime
    sets: Objects = ()
    """Its ReplicaSets, the newest last."""
    pods: Objects = ()
    troubles: Sequence[Diagnosis] = ()
    """What is wrong with its pods, the best answer of each."""
    events: Objects = ()
    """Of the workload and of its ReplicaSets."""
    lease: Object | None = None
    """The controller-manager's."""
    unknown: tuple[str, ...] = ()


def seconds_since(text: str | None, now: datetime) -> float | None:
    return (now - parse_time(text)).total_seconds() if text else None
