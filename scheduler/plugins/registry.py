"""The table of plugins, in the order they filter, with upstream's default weights."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from types import MappingProxyType
from typing import Any

from scheduler.config import ConfigError, Configuration, ProfileConfig
from scheduler.devices.claims import DeviceClaims
from scheduler.framework.interface import Plugin
from scheduler.framework.own import OwnPlugin
from scheduler.framework.profile import Profile
from scheduler.plugins.choice import Choices, choose
from scheduler.plugins.dynamic_resources import DynamicResources
from scheduler.plugins.image_locality import ImageLocality
from scheduler.plugins.inter_pod_affinity import InterPodAffinity
from scheduler.plugins.node_affinity import NodeAffinity
from scheduler.plugins.node_name import NodeName
from scheduler.plugins.node_ports import NodePorts
from scheduler.plugins.node_resources_balanced import NodeResourcesBalancedAllocation
from scheduler.plugins.node_resources_fit import NodeResourcesFit
from scheduler.plugins.node_unschedulable import NodeUnschedulable
from scheduler.plugins.node_volume_limits import NodeVolumeLimits
from scheduler.plugins.pod_topology_spread import DefaultSelector, PodTopologySpread
from scheduler.plugins.scheduling_gates import SchedulingGates
from scheduler.plugins.taint_toleration import TaintToleration
from scheduler.plugins.volume_binding import VolumeBinding
from scheduler.plugins.volume_restrictions import VolumeRestrictions
from scheduler.plugins.volume_zone import VolumeZone
from scheduler.preemption import NAME as DEFAULT_PREEMPTION
from scheduler.volumes.binder import VolumeBinder

NONE: Mapping[Any, Any] = MappingProxyType({})
PLUGINS: tuple[type[Plugin], ...] = (
    SchedulingGates,
    NodeUnschedulable,
    NodeName,
    TaintToleration,
    NodeAffinity,
    NodePorts,
    NodeResourcesFit,
    VolumeRestrictions,
    NodeVolumeLimits,
    VolumeBinding,
    VolumeZone,
    PodTopologySpread,
    InterPodAffinity,
    DynamicResources,
    NodeResourcesBalancedAllocation,
    ImageLocality,
)
WEIGHTS = {
    TaintToleration.name: 3,
    NodeAffinity.name: 2,
    PodTopologySpread.name: 2,
    InterPodAffinity.name: 2,
    NodeResourcesFit.name: 1,
    NodeResourcesBalancedAllocation.name: 1,
    ImageLocality.name: 1,
}
# What the scheduler itself does, under upstream's names.
BUILT_IN = {"PrioritySort": "queueSort", DEFAULT_PREEMPTION: "postFilter", "DefaultBinder": "bind"}
_METHODS = {
    "queueSort": "sort_key", "preEnqueue": "pre_enqueue", "preFilter": "pre_filter", "filter": "filter",
    "postFilter": "post_filter", "preScore": "pre_score", "score": "score", "reserve": "reserve",
    "permit": "permit", "preBind": "pre_bind", "bind": "bind", "postBind": "post_bind",
}  # fmt: skip
DEFAULTS: Choices = {each.name: WEIGHTS.get(each.name, 0) for each in PLUGINS} | dict.fromkeys(BUILT_IN, 0)
OwnPlugins = Sequence[type[OwnPlugin]]


def points_of(own: OwnPlugins) -> dict[str, frozenset[str]]:
    """What each plugin that there is has something for. Raises ConfigError."""
    found = {name: frozenset((point,)) for name, point in BUILT_IN.items()}
    for each in (*PLUGINS, *own):
        if each.name in found:
            raise ConfigError(f"a plugin named {each.name} already exists")
        found[each.name] = frozenset(point for point, method in _METHODS.items() if hasattr(each, method))
    return found


def check_plugins(config: Configuration, own: OwnPlugins = ()) -> None:
    """Raises ConfigError where a profile's plugins can't be as it says."""
    known = points_of(own)
    sorting: dict[str, str] = {}
    for each in config.profiles:
        sorting[each.name] = choose(each.name, each.plugins, DEFAULTS, known).points["queueSort"][0]
        first = next(iter(sorting.values()))
        if sorting[each.name] != first:
            differs = f'different queue sort plugins for profile "{each.name}": "{sorting[each.name]}"'
            raise ConfigError(f'initializing profiles: {differs}, first: "{first}"')


def build_profile(
    config: ProfileConfig,
    default_selector: DefaultSelector,
    namespaces: Mapping[str, Mapping[str, str]],
    binder: VolumeBinder,
    devices: DeviceClaims,
    ignored_resources: frozenset[str] = frozenset(),
    own: Mapping[type[OwnPlugin], Callable[[dict[str, Any]], OwnPlugin]] = NONE,
) -> Profile:
    """The plugins that the configuration chooses, each with its args. Raises ConfigError.

    `ignored_resources` are for extenders to look after; `own`: how plugins of one's own are made of args.
    """
    chosen, args = choose(config.name, config.plugins, DEFAULTS, points_of(tuple(own))), config.args
    made: dict[type[Any], Callable[[], Plugin]] = {
        NodeAffinity: partial(NodeAffinity, args.added_nodes, args.added_preferences),
        NodeResourcesFit: partial(
            NodeResourcesFit, args.scoring, args.ignored_resources | ignored_resources, args.ignored_groups
        ),
        NodeResourcesBalancedAllocation: partial(NodeResourcesBalancedAllocation, args.balanced_resources),
        VolumeRestrictions: partial(VolumeRestrictions, binder.storage),
        NodeVolumeLimits: partial(NodeVolumeLimits, binder.storage),
        VolumeBinding: partial(VolumeBinding, binder, args.bind_seconds),
        VolumeZone: partial(VolumeZone, binder.storage),
        PodTopologySpread: partial(PodTopologySpread, default_selector, args.default_constraints),
        InterPodAffinity: partial(
            InterPodAffinity, namespaces, args.hard_affinity_weight, args.ignores_preferences_of_others
        ),
        DynamicResources: partial(DynamicResources, devices),
    }
    plugins: dict[str, Plugin] = {
        each.name: made.get(each, each)() for each in PLUGINS if each.name in chosen.names
    }
    for kind, make in own.items():
        if kind.name in chosen.names:
            plugins[kind.name] = make(dict(config.own_args.get(kind.name, {})))
    return Profile(
        config.name,
        plugins,
        chosen.points,
        chosen.weights,
        percentage=config.percentage,
        min_candidates=(args.min_candidates_percent, args.min_candidates),
    )
