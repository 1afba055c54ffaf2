"""`make e2e` runs modules that make machines of their own beside all those that take this machine."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.pages import ROOT

MAKERS = ("tests.fakes.machines", "tests.fakes.compose")


@pytest.mark.parametrize("module", sorted((ROOT / "tests/e2e").glob("test_*.py")), ids=lambda path: path.stem)
def test_who_makes_machines_is_marked_so_and_takes_no_cluster_of_this_one(module: Path) -> None:
    text = module.read_text()
    makes_machines = any(f"from {each} import" in text for each in MAKERS)
    assert ("pytest.mark.machines" in text) == makes_machines
    assert not (makes_machines and "from tests.e2e.conftest import" in text)
