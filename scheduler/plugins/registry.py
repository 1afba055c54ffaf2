"""The table of plugins, in the order they filter, with upstream's default weights."""

from __future__ import annotations

from collections.abc import Mapping

from scheduler.config import ProfileConfig
from scheduler.framework.interface import Plugin
from scheduler.framework.profile import Profile
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
from scheduler.pod_info import parse_spread
from scheduler.volumes.binder import VolumeBinder

WEIGHTS = {
    TaintToleration.name: 3,
    NodeAffinity.name: 2,
    PodTopologySpread.name: 2,
    InterPodAffinity.name: 2,
    NodeResourcesFit.name: 1,
    NodeResourcesBalancedAllocation.name: 1,
    ImageLocality.name: 1,
}


def build_profile(
    config: ProfileConfig,
    default_selector: DefaultSelector,
    namespaces: Mapping[str, Mapping[str, str]],
    binder: VolumeBinder,
) -> Profile:
    """The plugins as upstream enables them, less what the configuration disables ("*" is all)."""
    spread = (
        PodTopologySpread(default_selector)
        if config.default_constraints is None
        else PodTopologySpread(default_selector, tuple(map(parse_spread, config.default_constraints)))
    )
    plugins: list[Plugin] = [
        SchedulingGates(),
        NodeUnschedulable(),
        NodeName(),
        TaintToleration(),
        NodeAffinity(),
        NodePorts(),
        NodeResourcesFit(),
        VolumeRestrictions(binder.storage),
        NodeVolumeLimits(binder.storage),
        VolumeBinding(binder, config.bind_seconds),
        VolumeZone(binder.storage),
        spread,
        InterPodAffinity(namespaces),
        NodeResourcesBalancedAllocation(),
        ImageLocality(),
    ]
    return Profile(
        config.name,
        [each for each in plugins if not _is_in(each.name, config.disabled)],
        {**WEIGHTS, **config.weights},
        not_filtering=[each.name for each in plugins if _is_in(each.name, config.not_filtering)],
        not_scoring=[each.name for each in plugins if _is_in(each.name, config.not_scoring)],
        preempts=config.preempts,
    )


def _is_in(name: str, disabled: frozenset[str]) -> bool:
    return name in disabled or "*" in disabled
