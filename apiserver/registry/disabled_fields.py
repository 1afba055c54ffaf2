"""Fields behind feature gates that are off: dropped from what is written, unless the object has them already.

The table says which fields belong to which gate; upstream has a function for each.
Source: https://github.com/kubernetes/kubernetes/blob/v1.34.0/pkg/api/pod/util.go
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, cast

from apimachinery import scheme
from apimachinery.objects import Object
from apimachinery.scheme import Resource
from component_base.features import FeatureGates

_CONTAINERS = ("containers", "initContainers", "ephemeralContainers")
_STATUSES = ("containerStatuses", "initContainerStatuses", "ephemeralContainerStatuses")


def _anything(value: Any) -> bool:
    return True


def _makes_no_sidecar(policy: Any) -> bool:
    """Always makes a sidecar of an init container, whatever the gate says."""
    return bool(policy != "Always")


@dataclass(frozen=True, slots=True)
class Gated:
    """A field below some root (`*`: every item of a list), and the gate that it is behind."""

    gate: str
    path: tuple[str, ...]
    counts: Callable[[Any], bool] = _anything
    """Whether this value of the field is behind the gate."""
    drops_empty_parent: bool = False
    drops_volume: bool = False
    """Whether the volume goes that has the field, and what mounts it."""
    keeps: bool = True
    """Whether an object that has the field may keep it, and use all others that are behind its gate."""


def _each(places: Sequence[str], gate: str, *path: str, **more: Any) -> Iterator[Gated]:
    yield from (Gated(gate, (place, "*", *path), **more) for place in places)


POD_SPEC: tuple[Gated, ...] = (
    *_each(("containers", "ephemeralContainers"), "ContainerRestartRules", "restartPolicy"),
    *_each(("initContainers",), "ContainerRestartRules", "restartPolicy", counts=_makes_no_sidecar),
    *_each(_CONTAINERS, "ContainerRestartRules", "restartPolicyRules"),
    *_each(_CONTAINERS, "ContainerStopSignals", "lifecycle", "stopSignal", drops_empty_parent=True),
    *_each(_CONTAINERS, "EnvFiles", "env", "*", "valueFrom", "fileKeyRef"),
    Gated("HostnameOverride", ("hostnameOverride",)),
    Gated("ImageVolume", ("volumes", "*", "image"), drops_volume=True),
    Gated(
        "ClusterTrustBundleProjection", ("volumes", "*", "projected", "sources", "*", "clusterTrustBundle")
    ),
    Gated("PodCertificateRequest", ("volumes", "*", "projected", "sources", "*", "podCertificate")),
    Gated("PodLevelResources", ("resources",)),
    Gated("UserNamespacesSupport", ("hostUsers",)),
    Gated("SupplementalGroupsPolicy", ("securityContext", "supplementalGroupsPolicy")),
    Gated("SELinuxChangePolicy", ("securityContext", "seLinuxChangePolicy")),
    Gated("MatchLabelKeysInPodTopologySpread", ("topologySpreadConstraints", "*", "matchLabelKeys")),
)

_POD_STATUS = (
    *_each(_STATUSES, "ResourceHealthStatus", "allocatedResourcesStatus", keeps=False),
    *_each(_STATUSES, "SupplementalGroupsPolicy", "user", keeps=False),  # the spec's field keeps it
    Gated("PodObservedGenerationTracking", ("observedGeneration",)),
    Gated("PodObservedGenerationTracking", ("conditions", "*", "observedGeneration")),
)


def _below(root: str, fields: Sequence[Gated]) -> tuple[Gated, ...]:
    prefix = tuple(root.split("."))
    return tuple(replace(each, path=(*prefix, *each.path)) for each in fields)


_TEMPLATE = _below("spec.template.spec", POD_SPEC)
_TERMINATING = Gated("DeploymentReplicaSetTerminatingReplicas", ("status", "terminatingReplicas"))
_BEHAVIOR = _below(
    "spec.behavior",
    [Gated("HPAConfigurableTolerance", (way, "tolerance")) for way in ("scaleUp", "scaleDown")],
)
_UPDATE = ("spec", "updateStrategy", "rollingUpdate", "maxUnavailable")

TABLE: dict[Resource, tuple[Gated, ...]] = {
    scheme.PODS: (*_below("spec", POD_SPEC), *_below("status", _POD_STATUS)),
    scheme.POD_TEMPLATES: _below("template.spec", POD_SPEC),
    scheme.REPLICATION_CONTROLLERS: _TEMPLATE,
    scheme.DAEMON_SETS: _TEMPLATE,
    scheme.DEPLOYMENTS: (*_TEMPLATE, _TERMINATING),
    scheme.REPLICA_SETS: (*_TEMPLATE, _TERMINATING),
    scheme.STATEFUL_SETS: (*_TEMPLATE, Gated("MaxUnavailableStatefulSet", _UPDATE)),
    scheme.JOBS: _TEMPLATE,
    scheme.CRON_JOBS: _below("spec.jobTemplate", _TEMPLATE),
    scheme.HORIZONTAL_POD_AUTOSCALERS: _BEHAVIOR,
    scheme.LEASES: _below(
        "spec",
        [Gated("CoordinatedLeaderElection", (field,)) for field in ("strategy", "preferredHolder")],
    ),
    scheme.CSI_DRIVERS: (
        Gated("MutableCSINodeAllocatableCount", ("spec", "nodeAllocatableUpdatePeriodSeconds")),
    ),
}


Tree = dict[str, "Gated | Tree"]
"""Steps of paths to the fields at their ends."""


@dataclass(slots=True)
class DisabledFields:
    """The fields that an apiserver with these gates drops."""

    gates: FeatureGates = field(default_factory=FeatureGates)
    _closed: dict[tuple[str, str], Tree] = field(init=False)

    def __post_init__(self) -> None:
        self._closed = {
            (resource.group, resource.plural): _tree(
                each for each in fields if not self.gates.enabled(each.gate)
            )
            for resource, fields in TABLE.items()
        }

    def drop(self, resource: Resource, new: Object, old: Object | None) -> None:
        """Changes `new` in place; what `old` uses of a gate's fields may be used on."""
        closed = self._closed.get((resource.group, resource.plural), {})
        used = dict.fromkeys(_used(new, closed))
        if not used:
            return
        kept = {each.gate for each in _used(old, closed) if each.keeps}
        for each in used:
            if each.gate in kept:
                continue
            if each.drops_volume:
                _drop_volumes(new, each)
            _drop(new, each)
            if each.drops_empty_parent:
                _drop_if_empty(new, each.path[:-1])


def _tree(fields: Iterable[Gated]) -> Tree:
    root: Tree = {}
    for each in fields:
        *way, name = each.path
        node = root
        for step in way:
            node = cast(Tree, node.setdefault(step, {}))
        node[name] = each
    return root


def _used(value: Any, tree: Tree) -> Iterator[Gated]:
    """The fields of the tree that there are below a value, some more than once: in one walk for all."""
    for step, below in tree.items():
        if step == "*":
            for item in value if isinstance(value, list) else ():
                yield from _used(item, cast(Tree, below))
        elif isinstance(value, dict) and (found := value.get(step)) is not None:
            if not isinstance(below, Gated):
                yield from _used(found, below)
            elif below.counts(found):
                yield below


def _has(holder: Any, name: str, gated: Gated) -> bool:
    return isinstance(holder, dict) and holder.get(name) is not None and gated.counts(holder[name])


def _drop(obj: Object, gated: Gated) -> None:
    *way, name = gated.path
    for holder in _holders(obj, way):
        if _has(holder, name, gated):
            del holder[name]


def _drop_volumes(obj: Object, gated: Gated) -> None:
    *to_spec, volumes, _, name = gated.path
    for spec in _holders(obj, to_spec):
        gone = {each.get("name") for each in spec.get(volumes) or () if _has(each, name, gated)}
        _keep_others(spec, volumes, gone)
        for containers in _CONTAINERS:
            for container in spec.get(containers) or ():
                _keep_others(container, "volumeMounts", gone)


def _keep_others(holder: Object, items: str, gone: set[str | None]) -> None:
    if items in holder:
        holder[items] = [each for each in holder[items] or () if each.get("name") not in gone]
        if not holder[items]:
            del holder[items]


def _drop_if_empty(obj: Object, path: Sequence[str]) -> None:
    *way, name = path
    for holder in _holders(obj, way):
        if isinstance(holder, dict) and holder.get(name) == {}:
            del holder[name]


def _holders(value: Any, way: Sequence[str]) -> Iterator[Any]:
    """Every value at the end of the way."""
    if not way:
        yield value
    elif way[0] == "*":
        for item in value if isinstance(value, list) else ():
            yield from _holders(item, way[1:])
    elif isinstance(value, dict) and value.get(way[0]) is not None:
        yield from _holders(value[way[0]], way[1:])
