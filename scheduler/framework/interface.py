"""The extension points of a plugin, and the values that pass through them.

A plugin looks at one node at a time (`filter`, `score`). Where many nodes are to be looked at, `columns.py`
asks for all at once: a plugin whose answer depends on the Node object alone says so (`is_static`) and is
remembered; one with a fast way over all nodes offers `filter_columns` or `score_columns`. On the node that is
chosen it may set something aside (`reserve`), keep the pod waiting (`permit`), and have things made ready
before the pod is bound (`pre_bind`).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, runtime_checkable

from apimachinery.objects import Object
from scheduler.node_info import NodeInfo
from scheduler.pod_info import PodInfo

if TYPE_CHECKING:
    from scheduler.cache import Cache
    from scheduler.columns import Columns, IntArray, Mask
    from scheduler.framework.fit_error import FitError

MAX_NODE_SCORE = 100
# Stands for all extenders as the plugin that rejected a pod: nobody knows what would help.
EXTENDER = "Extender"


class Verdict(NamedTuple):
    """A plugin's no. `is_final`: removing pods from the node would not change it."""

    plugin: str
    reasons: tuple[str, ...]
    is_final: bool = False


def code_of(verdict: Verdict | None) -> str:
    """As upstream's framework, and with it its metrics, calls it."""
    if verdict is None:
        return "Success"
    return "UnschedulableAndUnresolvable" if verdict.is_final else "Unschedulable"


# What each plugin's pre_filter found out about the pod in hand.
States = dict[str, Any]


class Skip:
    """What `pre_filter` or `pre_score` returns when the plugin has nothing to say about the pod."""


SKIP = Skip()


class Normalize(StrEnum):
    """What becomes of a plugin's raw scores, over all nodes that fit."""

    NONE = "none"  # they are 0 to 100 already
    SCALE = "scale"  # the highest becomes 100
    REVERSE = "reverse"  # the highest becomes 0, none at all 100
    RANGE = "range"  # the highest becomes 100, the lowest 0
    SPREAD = "spread"  # few pods are good: 100 * (highest + lowest - own) / highest


class EventKind(StrEnum):
    """What happens in the cluster that may let a rejected pod in."""

    NODE_ADD = "NodeAdd"
    NODE_DELETE = "NodeDelete"
    NODE_ALLOCATABLE = "NodeUpdateNodeAllocatable"
    NODE_LABEL = "NodeUpdateNodeLabel"
    NODE_TAINT = "NodeUpdateNodeTaint"
    POD_ADD = "AssignedPodAdd"
    POD_DELETE = "AssignedPodDelete"
    POD_LABEL = "AssignedPodUpdatePodLabel"
    POD_SCALE_DOWN = "AssignedPodUpdatePodScaleDown"
    POD_ITSELF = "UnschedulablePodUpdate"  # the annotations of the pod that waits; other changes always help
    # The other objects; but for attachments it is whether one came or changed.
    CLAIM = "PersistentVolumeClaim"
    VOLUME = "PersistentVolume"
    STORAGE_CLASS = "storage.k8s.io/StorageClass"
    CSI_DRIVER = "storage.k8s.io/CSIDriver"
    CSI_CAPACITY = "storage.k8s.io/CSIStorageCapacity"
    CSI_NODE = "storage.k8s.io/CSINode"
    DETACHED = "storage.k8s.io/VolumeAttachmentDelete"
    RESOURCE_CLAIM = "resource.k8s.io/ResourceClaim"
    RESOURCE_SLICE = "resource.k8s.io/ResourceSlice"
    DEVICE_CLASS = "resource.k8s.io/DeviceClass"

    def label(self, subject: Subject) -> str:
        """As upstream's metrics call it, who tell what came from what changed."""
        if self not in _CAME_OR_CHANGED:
            return self.value
        return f"{self}{'Add' if subject.old_obj is None else 'Update'}"


_CAME_OR_CHANGED = frozenset({
    EventKind.CLAIM, EventKind.VOLUME, EventKind.STORAGE_CLASS, EventKind.CSI_DRIVER, EventKind.CSI_CAPACITY,
    EventKind.CSI_NODE, EventKind.RESOURCE_CLAIM, EventKind.RESOURCE_SLICE, EventKind.DEVICE_CLASS,
})  # fmt: skip


class Subject(NamedTuple):
    """The node or the pod, before and after, or the other object of an event."""

    node: NodeInfo | None = None
    old_node: NodeInfo | None = None
    old: PodInfo | None = None
    new: PodInfo | None = None
    obj: Object | None = None
    old_obj: Object | None = None


# Whether an event may let the (rejected) pod in.
Hint = Callable[[PodInfo, Subject], bool]
Hints = Mapping[EventKind, Hint]
NO_HINTS: Hints = MappingProxyType({})


def always(pod: PodInfo, subject: Subject) -> bool:
    return True


def node_hints(filter: Callable[[PodInfo, NodeInfo, Any], object], change: EventKind) -> Hints:
    """Of a node that came, or changed so: whether it passes the filter now, and did not before."""

    def hint(pod: PodInfo, subject: Subject) -> bool:
        node, before = subject.node, subject.old_node
        if node is None or filter(pod, node, None) is not None:
            return False
        return before is None or filter(pod, before, None) is not None

    return {EventKind.NODE_ADD: hint, change: hint}


class Plugin(Protocol):
    name: str

    @property
    def hints(self) -> Hints: ...


@runtime_checkable
class FilterPlugin(Protocol):
    """Says which nodes a pod can't go to."""

    name: str
    is_static: bool

    def filter(self, pod: PodInfo, node: NodeInfo, state: Any) -> Verdict | None: ...


@runtime_checkable
class PreFilterPlugin(Protocol):
    """Computes once per pod what `filter` needs; a Verdict rejects the pod everywhere."""

    name: str

    def pre_filter(self, pod: PodInfo, cache: Cache) -> Any: ...

    def replace_node(self, pod: PodInfo, state: Any, old: NodeInfo, new: NodeInfo) -> Any:
        """The state as if `old` were `new`, for questions of what if."""


@runtime_checkable
class NodeNamingPlugin(Protocol):
    """Knows the few nodes that a pod can go to, so that the others need not be looked at."""

    name: str

    def eligible_nodes(self, pod: PodInfo, state: Any) -> frozenset[str] | Verdict | None:
        """None: it may be any. A Verdict: it can be none."""


@runtime_checkable
class ColumnsFilterPlugin(Protocol):
    def filter_columns(self, pod: PodInfo, columns: Columns, mask: Mask) -> Mask: ...


@runtime_checkable
class ScorePlugin(Protocol):
    """Says how much a node suits a pod."""

    name: str
    normalize: Normalize
    is_static: bool

    def score(self, pod: PodInfo, node: NodeInfo, state: Any) -> int: ...


@runtime_checkable
class PreScorePlugin(Protocol):
    def pre_score(self, pod: PodInfo, cache: Cache, nodes: list[NodeInfo]) -> Any: ...


@runtime_checkable
class ColumnsScorePlugin(Protocol):
    def score_columns(self, pod: PodInfo, columns: Columns, rows: IntArray) -> IntArray | None:
        """Raw scores of these rows; None is the answer of a plugin that has nothing to say."""


@runtime_checkable
class PreEnqueuePlugin(Protocol):
    """Keeps pods from being tried at all; asked again when an event comes that its hints are about."""

    name: str

    def pre_enqueue(self, pod: PodInfo) -> Verdict | None: ...


class PostFiltered(NamedTuple):
    """What a plugin says of a pod that fits nowhere, and what it wants done for it.

    `is_final`: no other plugin is to try its hand. A `remedy` that fails lets the pod be tried again.
    """

    message: str
    remedy: Callable[[], Awaitable[None]] | None = None
    is_final: bool = False


@runtime_checkable
class PostFilterPlugin(Protocol):
    """Does something for a pod that fits nowhere."""

    name: str

    def post_filter(self, pod: PodInfo, error: FitError, state: Any) -> PostFiltered: ...


@runtime_checkable
class ReservePlugin(Protocol):
    """Sets aside what a pod needs on the node that was chosen for it."""

    name: str

    def reserve(self, pod: PodInfo, node: NodeInfo, state: Any) -> Any:
        """What was set aside, None for nothing; a Verdict rejects the pod."""

    def unreserve(self, pod: PodInfo, reserved: Any) -> None:
        """The pod won't be bound after all. Not called of who set nothing aside."""


class Wait(NamedTuple):
    """`permit` wants the pod to wait until the plugin allows it, but not longer than this."""

    seconds: float


@runtime_checkable
class PermitPlugin(Protocol):
    """Has a say before a pod goes to the node that was chosen for it."""

    name: str

    def permit(self, pod: PodInfo, node: NodeInfo) -> Verdict | Wait | None: ...


@runtime_checkable
class PreBindPlugin(Protocol):
    """Has ready what the pod needs before it is bound. Not asked if it has a `reserve` that found nothing."""

    name: str

    async def pre_bind(self, pod: PodInfo, reserved: Any) -> None:
        """Returns when all is ready. Raises PreBindError, or what the API refuses with."""


@runtime_checkable
class BindPlugin(Protocol):
    name: str

    async def bind(self, pod: PodInfo) -> bool:
        """Binds the pod to its `node_name`; False leaves it to the next plugin. Raises as `pre_bind` does."""


@runtime_checkable
class PostBindPlugin(Protocol):
    """Is told of pods that are bound."""

    name: str

    def post_bind(self, pod: PodInfo) -> None: ...


@runtime_checkable
class QueueSortPlugin(Protocol):
    """Says by what pods are tried, the least first. There is one, of all profiles."""

    name: str

    def sort_key(self, pod: PodInfo, since: float) -> tuple[float, ...]: ...


class PreBindError(Exception):
    """What was set aside can't be had, or the pod not be bound: it has to be scheduled anew."""
