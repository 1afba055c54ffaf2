"""How many volumes and claims there are, bound or not, for Prometheus under upstream's names.

Source: pkg/controller/volume/persistentvolume/metrics of Kubernetes 1.34.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence

from prometheus_client.core import Metric
from prometheus_client.registry import Collector

from apimachinery import volumes
from apimachinery.objects import Object, get_path, namespace_of
from component_base.metric_families import gauge

_PLUGINS = {"hostPath": "kubernetes.io/host-path", "nfs": "kubernetes.io/nfs"}
"""Those that upstream's controller has, to delete and recycle volumes; it knows no other names."""
_UNKNOWN_PLUGIN = "N/A"

_Labels = tuple[str, ...]


class VolumeCounts(Collector):
    """Counts when Prometheus asks."""

    def __init__(
        self, all_volumes: Callable[[], Iterable[Object]], all_claims: Callable[[], Iterable[Object]]
    ) -> None:
        self._volumes = all_volumes
        self._claims = all_claims

    def describe(self) -> Iterator[Metric]:
        """Claims no names: several managers may live in one process."""
        return iter(())

    def collect(self) -> Iterator[Metric]:
        yield from volume_families(list(self._volumes()))
        yield from claim_families(list(self._claims()))


def volume_families(found: Sequence[Object]) -> Iterator[Metric]:
    labels = ("plugin_name", "volume_mode")
    kinds = ((_plugin_of(each), volumes.mode_of(each)) for each in found)
    yield _family("total_pv_count", "total number of persistent volumes", labels, kinds)
    for state, those in _by_state(found):
        text = f"number of persistent volume currently {state}"
        classes = ((get_path(each, "spec.storageClassName", ""),) for each in those)
        yield _family(f"{state}_pv_count", text, ("storage_class",), classes)


def claim_families(found: Sequence[Object]) -> Iterator[Metric]:
    labels = ("namespace", "storage_class", "volume_attributes_class")
    for state, those in _by_state(found):
        text = f"number of persistent volume claim currently {state}"
        classes = ((namespace_of(x), volumes.class_of(x), volumes.attributes_class_of(x)) for x in those)
        yield _family(f"{state}_pvc_count", text, labels, classes)


def _by_state(found: Sequence[Object]) -> Iterator[tuple[str, list[Object]]]:
    bound = [get_path(each, "status.phase") == volumes.BOUND for each in found]
    yield "bound", [each for each, is_bound in zip(found, bound, strict=True) if is_bound]
    yield "unbound", [each for each, is_bound in zip(found, bound, strict=True) if not is_bound]


def _plugin_of(volume: Object) -> str:
    return next((name for field, name in _PLUGINS.items() if volume["spec"].get(field)), _UNKNOWN_PLUGIN)


def _family(name: str, text: str, labels: _Labels, found: Iterable[_Labels]) -> Metric:
    return gauge(f"pv_collector_{name}", f"Gauge measuring {text}", labels, Counter(found).items())
