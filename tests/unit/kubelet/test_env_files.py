"""Environment variables that come from files of the pod."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from kubelet.containers.env_files import EnvFileError, inside, parse_env, value_from_file
from kubelet.runtime.interface import CreateContainerConfigError


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("A=1", "1"),
        ("# about A\n\n \tA = 1 2 \t\r\nA=3", "1 2"),
        ("A=b=c", "b=c"),
        ('A="1"', '"1"'),
        ("A=1 \\\n  2\\ \n3\nB=4\n", "1 2 3"),
        ("AA=1\nB=", ""),
        ("A=1\nnonsense", "1"),
        ("", ""),
    ],
    ids=["plain", "blanks", "equals", "quotes", "continued", "absent", "wrong later", "nothing"],
)
def test_what_a_file_says_of_a_variable(text: str, value: str) -> None:
    assert parse_env(text, "A") == value


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("B=1\nnonsense", "invalid environment variable format at line 2$"),
        (" =1", "invalid environment variable format at line 1$"),
        ("B=1 \\\n\nA=1", "invalid environment variable format at line 2: blank line in continuation"),
        ("B=1 \\\n# no\nA=1", "invalid environment variable format at line 2: comment in continuation"),
        ("B=1 \\\n", "unexpected end of file: unfinished line continuation"),
    ],
)
def test_what_is_no_file_of_variables(text: str, complaint: str) -> None:
    with pytest.raises(EnvFileError, match=complaint):
        parse_env(text, "A")


def value(volume: Path, **reference: Any) -> str | None:
    return value_from_file({"key": "A", "path": "env", **reference}, str(volume))


def test_a_value_is_read(tmp_path: Path) -> None:
    (tmp_path / "env").write_text("A=1\nEMPTY=\n")
    assert value(tmp_path) == "1"
    assert value(tmp_path, key="B", optional=True) is None
    with pytest.raises(CreateContainerConfigError) as caught:
        value(tmp_path, key="EMPTY")
    assert str(caught.value) == f'environment variable key "EMPTY" not found in file "{tmp_path}/env"'


def test_what_cannot_be_read_is_not_optional(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(CreateContainerConfigError, match=r"^couldn't parse env file$"):
        value(tmp_path, optional=True)
    with pytest.raises(CreateContainerConfigError, match="not found in file"):
        value(tmp_path, path="pipe")


def test_neither_names_nor_values_are_endless(tmp_path: Path) -> None:
    (tmp_path / "env").write_text(f"A={'x' * (32 << 10)}y\n")
    with pytest.raises(CreateContainerConfigError) as caught:
        value(tmp_path)
    assert str(caught.value) == 'environment variable value for key "A" exceeds maximum size of 32KB'
    with pytest.raises(CreateContainerConfigError, match="exceeds maximum length of 128 characters"):
        value(tmp_path, key="A" * 129)
    (tmp_path / "env").write_text("\n" * (1 << 20) + "A=1")
    with pytest.raises(CreateContainerConfigError, match="couldn't parse env file"):
        value(tmp_path)


def test_no_link_leads_out_of_the_volume(tmp_path: Path) -> None:
    for name, target in {"up": "../../etc", "top": "/etc", "ring": "ring", "own": "a/../b"}.items():
        (tmp_path / name).symlink_to(target)
    assert inside(tmp_path, "up/passwd") == tmp_path / "etc/passwd"
    assert inside(tmp_path, "top/passwd") == tmp_path / "etc/passwd"
    assert inside(tmp_path, "own/c") == tmp_path / "b/c"
    assert inside(tmp_path, "../x") == tmp_path / "x"
    with pytest.raises(OSError, match="too many links"):
        inside(tmp_path, "ring")
