"""The demo of several machines: what its README says to try. The highly available one is in test_chaos.py."""

from __future__ import annotations

import pytest

from tests.fakes.compose import project

pytestmark = pytest.mark.machines


def test_what_its_readme_tries() -> None:
    with project("nodes") as demo:
        printed = demo.try_out()
    assert "visits answered meanwhile, 0 failed" in printed
    assert "three copies on the others" in printed
