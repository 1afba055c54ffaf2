"""Volumes as Prometheus is told of them."""

from __future__ import annotations

import pytest
from prometheus_client import REGISTRY

from kubelet.volumes.use import VolumeUse

PLUGIN = "kubernetes.io/empty-dir"


def volumes(state: str) -> float:
    labels = {"plugin_name": PLUGIN, "state": f"{state}_state_of_world"}
    return REGISTRY.get_sample_value("volume_manager_total_volumes", labels) or 0


def mounts(status: str) -> float:
    labels = {"volume_plugin": PLUGIN, "operation_name": "volume_mount", "status": status}
    name = "storage_operation_duration_seconds_count"
    return REGISTRY.get_sample_value(name, labels | {"migrated": "false"}) or 0


def test_a_volume_is_wanted_then_there_then_gone() -> None:
    use, volume = VolumeUse(), {"name": "data", "emptyDir": {}}
    before = volumes("desired"), volumes("actual"), mounts("success"), mounts("fail-unknown")

    def changes() -> tuple[float, ...]:
        now = volumes("desired"), volumes("actual"), mounts("success"), mounts("fail-unknown")
        return tuple(after - was for after, was in zip(now, before, strict=True))

    with pytest.raises(OSError, match="full"), use.setting_up("u1", volume):
        raise OSError("full")
    assert changes() == (1, 0, 0, 1)
    for _ in range(2):
        with use.setting_up("u1", volume):
            pass
    assert changes() == (1, 1, 1, 1)
    with use.setting_up("u2", volume):
        pass
    use.forget("u1")
    assert changes() == (1, 1, 2, 1)
    use.forget("u2")
    use.forget("u3")
    assert changes() == (0, 0, 2, 1)
