"""When a directory is made and deleted, and which never is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from apimachinery.local_path import FINALIZER, MADE
from apimachinery.objects import Object
from kubelet.volumes.local_path import Delete, LetGo, Make, NodeDisk, Plan, is_proper, plan_directory
from tests.unit.volumes import make_volume

PATH = "/srv/pv_ns_claim"
PROTECTION = "kubernetes.io/pv-protection"


def volume(
    *finalizers: str, going: bool = False, made: bool = True, path: str = PATH, **fields: Any
) -> Object:
    metadata: Object = {"finalizers": list(finalizers), "annotations": {MADE: "true"} if made else {}}
    if going:
        metadata["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    wanted = {"persistentVolumeReclaimPolicy": "Delete", "local": {"path": path}, **fields}
    return make_volume("pv", metadata=metadata, **wanted)


@pytest.mark.parametrize(
    ("volume", "expected"),
    [
        pytest.param(volume(PROTECTION, FINALIZER, made=False), Make(PATH), id="new"),
        pytest.param(volume(PROTECTION, FINALIZER), None, id="made"),
        pytest.param(volume(PROTECTION, FINALIZER, going=True), None, id="going, but somebody holds it"),
        pytest.param(volume(FINALIZER, going=True), Delete(PATH), id="given up by all"),
        pytest.param(
            volume(FINALIZER, going=True, persistentVolumeReclaimPolicy="Retain"),
            LetGo(),
            id="given up, but what is in it is kept",
        ),
        pytest.param(
            volume(FINALIZER, going=True, made=False), Delete(PATH), id="perhaps made, and nobody knows"
        ),
        pytest.param(volume(going=True), None, id="not ours any more"),
    ],
)
def test_a_directory_lives_as_long_as_its_volume(volume: Object, expected: Plan) -> None:
    assert plan_directory(volume) == expected


@pytest.mark.parametrize(
    ("path", "expected"),
    [(PATH, True), ("/etc", False), ("/srv/pvc_ns", False), ("/srv/../etc/pv_x", False), ("pv_x", False)],
)
def test_no_other_path_is_touched(path: str, expected: bool) -> None:
    assert is_proper(volume(path=path)) == expected


def test_any_user_may_write_into_a_new_directory(tmp_path: Path) -> None:
    disk, path = NodeDisk(), tmp_path / "deep" / "pv_ns_claim"
    disk.make(str(path))
    disk.make(str(path))
    assert (path.stat().st_mode & 0o777, path.parent.stat().st_mode & 0o777) == (0o777, 0o700)
    (path / "file").write_text("x")
    disk.delete(str(path))
    disk.delete(str(path))
    assert not path.exists()
