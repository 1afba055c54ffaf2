"""What `-f` finds in files."""

from __future__ import annotations

from pathlib import Path

import pytest

from apimachinery.objects import name_of
from kubectl import manifests
from kubectl.failures import CommandError

JSON = '{{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {{"name": "{}"}}}}'
FLOW = "{{apiVersion: v1, kind: ConfigMap, metadata: {{name: {}}}}}"


@pytest.mark.parametrize(
    ("text", "names"),
    [
        pytest.param(JSON.format("a"), ["a"], id="JSON"),
        pytest.param(f"{JSON.format('a')}\n{JSON.format('b')}", ["a", "b"], id="one after the other"),
        pytest.param(f"{FLOW.format('a')}\n---\n{FLOW.format('b')}", ["a", "b"], id="YAML like it"),
    ],
)
def test_objects_of_a_file(tmp_path: Path, text: str, names: list[str]) -> None:
    (tmp_path / "f.json").write_text(text)
    assert [name_of(each.obj) for each in manifests.read([str(tmp_path)])] == names


def test_what_is_no_object_keeps_the_others_only_where_nobody_notes_it(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text("{}")
    (tmp_path / "b.json").write_text(JSON.format("b"))
    with pytest.raises(CommandError, match=r"Object 'Kind' is missing in '\{\}'"):
        manifests.read([str(tmp_path)])
    failures: list[Exception] = []
    assert len(manifests.read([str(tmp_path)], failures=failures)) == len(failures) == 1
