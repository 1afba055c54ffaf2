"""kubectl's way with flags, as tables."""

import pytest

from kubectl.arguments import Globals, UsageError, normalise, split_globals


@pytest.mark.parametrize(
    ("words", "found", "rest"),
    [
        pytest.param(
            ["-n", "a", "get", "pods"], Globals(namespace="a"), ["get", "pods"], id="before the verb"
        ),
        pytest.param(
            ["get", "pods", "-n", "a"], Globals(namespace="a"), ["get", "pods"], id="after the verb"
        ),
        pytest.param(["get", "pods", "-na"], Globals(namespace="a"), ["get", "pods"], id="joined"),
        pytest.param(["get", "--kubeconfig=k"], Globals(kubeconfig="k"), ["get"], id="with an equals sign"),
        pytest.param(
            ["exec", "p", "--", "ls", "-n"], Globals(), ["exec", "p", "--", "ls", "-n"], id="not after --"
        ),
    ],
)
def test_global_flags_may_stand_anywhere(words: list[str], found: Globals, rest: list[str]) -> None:
    assert split_globals(words) == (found, rest)


def test_a_global_flag_without_its_value_is_refused() -> None:
    with pytest.raises(UsageError, match="flag needs an argument: -n"):
        split_globals(["get", "pods", "-n"])


BOOLEANS = {"--wait": "--no-wait", "--no-wait": "", "--watch": "", "-w": ""}


@pytest.mark.parametrize(
    ("words", "result"),
    [
        pytest.param(["--wait=false"], ["--no-wait"], id="off by the opposite"),
        pytest.param(["--watch=false", "pods"], ["pods"], id="off where off is the default"),
        pytest.param(["--watch=true"], ["--watch"], id="on"),
        pytest.param(["--dry-run"], ["--dry-run=unchanged"], id="an optional value left out"),
        pytest.param(["--dry-run=server"], ["--dry-run=server"], id="an optional value given"),
        pytest.param(["--", "--wait=false"], ["--", "--wait=false"], id="nothing after --"),
    ],
)
def test_booleans_and_optional_values_are_rewritten(words: list[str], result: list[str]) -> None:
    assert normalise(words, BOOLEANS) == result


def test_a_boolean_that_is_neither_is_refused() -> None:
    with pytest.raises(UsageError, match='invalid argument "maybe" for "--wait" flag'):
        normalise(["--wait=maybe"], BOOLEANS)
