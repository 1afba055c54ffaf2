"""A process says how soon it may be killed."""

from __future__ import annotations

import subprocess
import sys

import pytest

BODY = """
from pathlib import Path
from component_base.oom_score import set_oom_score
set_oom_score({adjustment})
print(Path("/proc/self/oom_score_adj").read_text())
"""


@pytest.mark.parametrize(
    ("adjustment", "told"),
    [
        pytest.param(900, "", id="sooner, which is always allowed"),
        pytest.param(2000, "OOM score not adjusted: adjustment=2000", id="what the kernel refuses"),
    ],
)
def test_the_score_is_adjusted(adjustment: int, told: str) -> None:
    body = BODY.format(adjustment=adjustment)
    done = subprocess.run([sys.executable, "-c", body], capture_output=True, text=True, check=True)
    assert told in done.stderr
    assert (int(done.stdout) == adjustment) == (not told)
