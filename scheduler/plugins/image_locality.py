"""ImageLocality: prefers nodes that have the pod's images already, big images counting more."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from scheduler.framework.interface import MAX_NODE_SCORE, NO_HINTS, SKIP, Normalize, Skip
from scheduler.node_info import NodeInfo
from scheduler.pod_info import PodInfo

if TYPE_CHECKING:
    from scheduler.cache import Cache
    from scheduler.columns import Columns, IntArray

_MEGABYTE = 1024 * 1024
# Below the first an image doesn't matter; above the second (for each container) it matters no more.
_MIN_BYTES, _MAX_BYTES_PER_CONTAINER = 23 * _MEGABYTE, 1000 * _MEGABYTE


class ImageLocality:
    name = "ImageLocality"
    hints = NO_HINTS
    is_static = False
    normalize = Normalize.NONE

    def pre_score(self, pod: PodInfo, cache: Cache, nodes: list[NodeInfo]) -> dict[str, float] | Skip:
        """image -> the share of nodes that have it: rare images count less, against piling up on one node."""
        total = len(cache.nodes)
        shares = {
            image: cache.image_counts[image] / total
            for image in map(normalized_name, pod.spec.images)
            if cache.image_counts.get(image)
        }
        return shares or SKIP

    def score(self, pod: PodInfo, node: NodeInfo, state: dict[str, float]) -> int:
        images = node.facts.images if node.facts else {}
        total = sum(
            int(images[image] * state[image])
            for image in map(normalized_name, pod.spec.images)
            if image in images and image in state
        )
        highest = _MAX_BYTES_PER_CONTAINER * len(pod.spec.images)
        total = min(max(total, _MIN_BYTES), highest)
        return MAX_NODE_SCORE * (total - _MIN_BYTES) // (highest - _MIN_BYTES)

    def score_columns(self, pod: PodInfo, columns: Columns, rows: IntArray) -> IntArray | None:
        """Kept until a node's images change."""
        found: Any = columns.remembered(
            (self.name, pod.spec.images), columns.cache.image_version, lambda: self._all(pod, columns)
        )
        return None if found is None else found[rows]

    def _all(self, pod: PodInfo, columns: Columns) -> IntArray | None:
        state = self.pre_score(pod, columns.cache, columns.cache.nodes)
        if isinstance(state, Skip):
            return None
        return columns.array([self.score(pod, node, state) for node in columns.cache.nodes])


@lru_cache(maxsize=4096)
def normalized_name(image: str) -> str:
    """With :latest where neither tag nor digest is given."""
    return image if ":" in image.rsplit("/", 1)[-1] else f"{image}:latest"
