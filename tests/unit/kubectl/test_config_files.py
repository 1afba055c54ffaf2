"""`config` where KUBECONFIG names several files: each property is changed where it stands."""

from __future__ import annotations

from pathlib import Path

import pytest

from kubectl.kubeconfigs import files
from kubectl.kubeconfigs.entries import named
from kubectl.verbs import config


@pytest.fixture
def both(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    """One file with a cluster, one with a context that is the current one."""
    first, second = tmp_path / "first", tmp_path / "second"
    first.write_text("clusters: [{name: a.b, cluster: {server: https://a}}]\n")
    second.write_text("contexts: [{name: c@d, context: {cluster: a.b, user: u}}]\ncurrent-context: c@d\n")
    monkeypatch.setenv("KUBECONFIG", f"{first}:{second}")
    return first, second


def test_a_property_is_set_in_the_file_that_has_its_entry(both: tuple[Path, Path]) -> None:
    first, second = both
    config.set_(["contexts.c@d.namespace", "n"])
    assert named(files.read(second), "contexts")["c@d"] == {"cluster": "a.b", "user": "u", "namespace": "n"}
    assert not named(files.read(first), "contexts")
    config.unset("contexts.c@d")
    assert not named(files.read(second), "contexts")


def test_the_current_context_is_unset_where_it_is_set(both: tuple[Path, Path]) -> None:
    config.unset("current-context")
    assert not files.merged()["current-context"]


def test_a_context_is_renamed_in_a_file_that_does_not_say_which_is_current(both: tuple[Path, Path]) -> None:
    config.unset("current-context")
    config.use_context("c@d")
    config.rename_context("c@d", "e")
    assert files.merged()["current-context"] == "e"
    assert list(named(files.merged(), "contexts")) == ["e"]
