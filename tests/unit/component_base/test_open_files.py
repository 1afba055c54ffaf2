"""A limit of open files is set in a process of its own, or told of."""

from __future__ import annotations

import subprocess
import sys

import pytest

BODY = """
import logging, resource
from component_base.open_files import set_open_files
logging.basicConfig(level=logging.WARNING)
set_open_files({number})
print(resource.getrlimit(resource.RLIMIT_NOFILE))
"""


@pytest.mark.parametrize(
    ("number", "limits", "told"),
    [
        pytest.param(100, "(100, 100)", "", id="fewer"),
        pytest.param(1 << 40, "", "Limit of open files not set: limit=1099511627776", id="more than any may"),
    ],
)
def test_a_limit_is_set_or_told_of(number: int, limits: str, told: str) -> None:
    command = [sys.executable, "-c", BODY.format(number=number)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert limits in done.stdout
    assert told in done.stderr
