"""Which flags of --prune go together, and what is pruned unless others are named."""

import pytest

from kubectl import pruning
from kubectl.arguments import UsageError
from kubectl.failures import CommandError
from kubectl.pruning import Pruning


@pytest.mark.parametrize(
    ("flags", "given", "message"),
    [
        (Pruning(prune=True), {}, "without explicitly passing --all"),
        (Pruning(prune=True, everything=True), {"selector": "a=b"}, "cannot set --all and --selector"),
        (Pruning(prune=True, everything=True), {"force": True}, "--force cannot be used with --prune"),
        (Pruning(prune=True), {"selector": "a=b", "server_side": True}, "server-side apply"),
    ],
)
def test_what_does_not_go_together_is_refused(flags: Pruning, given: dict[str, object], message: str) -> None:
    with pytest.raises(CommandError, match=message):
        flags.check(**{"selector": "", "force": False, "server_side": False, **given})  # type: ignore[arg-type]  # a table's row


@pytest.mark.parametrize(
    ("flags", "selector"),
    [(Pruning(), ""), (Pruning(everything=True), ""), (Pruning(prune=True), "a=b")],
)
def test_what_goes_together_is_not(flags: Pruning, selector: str) -> None:
    flags.check(selector=selector, force=False, server_side=False)


def test_apply_sets_are_unknown_until_they_are_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(pruning.APPLY_SETS, raising=False)
    with pytest.raises(UsageError, match="unknown flag: --applyset"):
        Pruning(prune=True, apply_set="set").check(selector="", force=False, server_side=False)


def test_every_kind_that_is_pruned_by_default_is_known(capsys: pytest.CaptureFixture[str]) -> None:
    assert len(pruning.by_default()) == len(pruning.KINDS)
    assert "prune.go:71] Deprecated" in capsys.readouterr().err
