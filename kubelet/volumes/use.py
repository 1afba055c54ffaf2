"""Which pods have which volumes, and how long setting each up took, for Prometheus under upstream's names.

Source: pkg/kubelet/volumemanager/metrics and pkg/volume/util/metrics.go of Kubernetes 1.34.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from time import perf_counter

from apimachinery.objects import Object
from kubelet.metrics import STORAGE_OPERATIONS, VOLUMES

_PLUGINS = {
    "emptyDir": "empty-dir",
    "configMap": "configmap",
    "secret": "secret",
    "downwardAPI": "downward-api",
    "projected": "projected",
    "hostPath": "host-path",
    "nfs": "nfs",
    "persistentVolumeClaim": "local-volume",
    "ephemeral": "local-volume",
}
"""By the field that says what a volume is. Claims are taken for what most of them are on a node of ours."""
_WANTED, _THERE = "desired_state_of_world", "actual_state_of_world"

_Key = tuple[str, str]
"""The pod's uid and the volume's name."""


class VolumeUse:
    def __init__(self) -> None:
        self._wanted: dict[_Key, str] = {}
        self._there: set[_Key] = set()

    @contextmanager
    def setting_up(self, uid: str, volume: Object) -> Iterator[None]:
        """Around it; bringing up to date what is there already does not count."""
        key = uid, volume["name"]
        if key in self._there:
            yield
            return
        plugin = self._want(key, volume)
        began, status = perf_counter(), "fail-unknown"
        try:
            yield
            status = "success"
            if key in self._wanted:
                self._there.add(key)
                VOLUMES.labels(plugin, _THERE).inc()
        finally:
            duration = STORAGE_OPERATIONS.labels(plugin, "volume_mount", status, "false")
            duration.observe(perf_counter() - began)

    def _want(self, key: _Key, volume: Object) -> str:
        if key not in self._wanted:
            kind = next((name for field, name in _PLUGINS.items() if field in volume), "unknown")
            self._wanted[key] = f"kubernetes.io/{kind}"
            VOLUMES.labels(self._wanted[key], _WANTED).inc()
        return self._wanted[key]

    def forget(self, uid: str) -> None:
        """The pod's volumes have been torn down."""
        for key in [each for each in self._wanted if each[0] == uid]:
            plugin = self._wanted.pop(key)
            VOLUMES.labels(plugin, _WANTED).dec()
            if key in self._there:
                self._there.remove(key)
                VOLUMES.labels(plugin, _THERE).dec()
