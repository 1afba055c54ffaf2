"""Configuration files, and what is told of those that are none."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from apimachinery.decoding import DecodeError
from component_base.config_file import read_document


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("a: {b: 1}", {"a": {"b": 1}}, id="YAML"),
        pytest.param('{"a": [true]}', {"a": [True]}, id="JSON"),
        pytest.param("# nothing", None, id="empty"),
        pytest.param("a: 2026-01-01", {"a": "2026-01-01"}, id="no dates"),
        pytest.param("a: 1:30", {"a": "1:30"}, id="no base 60"),
    ],
)
def test_a_document_is_read_as_kubernetes_reads_it(tmp_path: Path, text: str, expected: Any) -> None:
    file = tmp_path / "config"
    file.write_text(text)
    assert read_document(str(file)) == expected


def test_a_file_that_is_not_there_is_told_as_go_does(tmp_path: Path) -> None:
    with pytest.raises(DecodeError, match=rf"^open {re.escape(str(tmp_path))}/x: no such file or directory$"):
        read_document(f"{tmp_path}/x")


def test_what_is_no_yaml_is_refused_by_name(tmp_path: Path) -> None:
    file = tmp_path / "config"
    file.write_text("a: [")
    with pytest.raises(DecodeError, match=rf"^failed to load config file {re.escape(str(file))}: .*yaml: "):
        read_document(str(file))
