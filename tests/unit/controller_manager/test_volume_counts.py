"""What Prometheus learns of volumes and claims."""

from __future__ import annotations

from collections.abc import Iterable

from prometheus_client.metrics_core import Metric

from component_base.metrics import collected, render
from controller_manager.persistent_volume.metrics import VolumeCounts, claim_families, volume_families
from tests.unit.volumes import make_claim, make_volume


def samples(families: Iterable[Metric]) -> dict[tuple[str, ...], float]:
    """By the metric's name, less its prefix, and the values of its labels."""
    return {
        (each.name.removeprefix("pv_collector_"), *each.labels.values()): each.value
        for family in families
        for each in family.samples
    }


def test_volumes_are_counted_by_kind_and_by_class() -> None:
    volumes = [
        make_volume("a", class_name="fast", phase="Bound", hostPath={"path": "/a"}),
        make_volume("b", class_name="fast", phase="Available", hostPath={"path": "/b"}),
        make_volume("c", class_name="", phase="Released", hostPath={"path": "/c"}, volumeMode="Block"),
        make_volume("d", class_name="slow", phase="Bound", hostPath=None, nfs={"server": "s", "path": "/"}),
        make_volume(
            "e", class_name="slow", phase="Bound", hostPath=None, csi={"driver": "d", "volumeHandle": "1"}
        ),
    ]
    assert samples(volume_families(volumes)) == {
        ("total_pv_count", "kubernetes.io/host-path", "Filesystem"): 2,
        ("total_pv_count", "kubernetes.io/host-path", "Block"): 1,
        ("total_pv_count", "kubernetes.io/nfs", "Filesystem"): 1,
        ("total_pv_count", "N/A", "Filesystem"): 1,
        ("bound_pv_count", "fast"): 1,
        ("bound_pv_count", "slow"): 2,
        ("unbound_pv_count", "fast"): 1,
        ("unbound_pv_count", ""): 1,
    }


def test_claims_are_counted_by_namespace_and_classes() -> None:
    claims = [
        make_claim("a", phase="Bound"),
        make_claim("b", phase="Bound"),
        make_claim("c", class_name=None),
        make_claim("d", phase="Lost", volumeAttributesClassName="gold"),
    ]
    assert samples(claim_families(claims)) == {
        ("bound_pvc_count", "ns", "fast", ""): 2,
        ("unbound_pvc_count", "ns", "", ""): 1,
        ("unbound_pvc_count", "ns", "fast", "gold"): 1,
    }


def test_counts_are_shown_as_long_as_somebody_counts() -> None:
    counts = VolumeCounts(list, lambda: [make_claim(phase="Bound")])
    with collected(counts, VolumeCounts(list, list)):
        labels = b'namespace="ns",storage_class="fast",volume_attributes_class=""'
        assert b"pv_collector_bound_pvc_count{%b} 1.0" % labels in render()
    assert b"pv_collector" not in render()
