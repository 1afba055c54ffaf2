"""The part of the tree that is made once: the node's limit, the classes of service, limits of others."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from apimachinery.pods import BEST_EFFORT, BURSTABLE
from client.events import NORMAL, WARNING
from component_base.os_errors import in_words
from kubelet.cgroups import names
from kubelet.cgroups.drivers import Driver
from kubelet.cgroups.files import is_forbidden
from kubelet.cgroups.limits import Limits, limits_of_class, limits_of_node, limits_of_resources
from kubelet.cgroups.policy import CgroupPolicy, Reserve


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the node's Events say of it."""

    type: str
    reason: str
    message: str


def make_top(driver: Driver, policy: CgroupPolicy, capacity: Mapping[str, str]) -> list[Outcome]:
    """Blocks. Raises OSError where there can be no tree at all."""
    sizes = driver.files.page_sizes
    outcomes = [_limit_node(driver, policy.top, limits_of_node(capacity, policy.reserved, sizes))]
    for quality in (BURSTABLE, BEST_EFFORT):
        driver.apply(names.of_class(policy.top, quality), limits_of_class(quality, (), sizes))
    outcomes += [
        _limit_other(driver, each, limits_of_resources(each.amounts, sizes)) for each in policy.others
    ]
    return outcomes


def _limit_node(driver: Driver, top: names.Name, limits: Limits) -> Outcome:
    """Pods that use more than that already make it fail for now: eviction sees to them."""
    try:
        driver.apply(top, limits)
    except OSError as error:
        if is_forbidden(error) or not driver.files.exists(driver.path(top)):
            raise
        return _failed(f"Failed to update Node Allocatable Limits {_shown(top)}: {in_words(error)}")
    return _enforced("Updated Node Allocatable limit across pods")


def _limit_other(driver: Driver, reserve: Reserve, limits: Limits) -> Outcome:
    """Another's cgroup is limited, never made."""
    path, title = driver.path(reserve.name), reserve.title
    what = f"{title} Compressible" if reserve.is_compressible else title
    failure = f'Failed to enforce {what} Cgroup Limits on "{reserve.cgroup}"'
    try:
        if not driver.files.exists(path):
            return _failed(f"{failure}: cgroup {_shown(reserve.name)} has some missing paths: {path}")
        driver.files.write(path, limits)
    except OSError as error:
        return _failed(f"{failure}: {in_words(error)}")
    return _enforced(f"Updated limits on {title.lower()} cgroup {reserve.cgroup}")


def _enforced(message: str) -> Outcome:
    return Outcome(NORMAL, "NodeAllocatableEnforced", message)


def _failed(message: str) -> Outcome:
    return Outcome(WARNING, "FailedNodeAllocatableEnforcement", message)


def _shown(name: names.Name) -> str:
    quoted = (f'"{each}"' for each in name)
    return f"[{' '.join(quoted)}]"
