"""Our pages, pasted block by block into a shell, each answer compared with what the page shows."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from kubeadm import supervisor
from kubeadm.config import ClusterConfig, state_dir_from_environment
from tests.e2e.conftest import SAMPAN, Kubectl, eventually
from tests.e2e.terminal import Terminal
from tests.pages import ROOT, Step, blocks, has_own_test, is_answer, pages, steps

pytestmark = pytest.mark.e2e

WITH_COMMANDS = [page for page in pages() if not has_own_test(page) and steps(blocks(page.read_text()))]
RAN_BEFORE = supervisor.is_running(state_dir_from_environment() / "run")
"""A cluster that was not made for the tests is not stopped."""


@pytest.fixture
def terminal(cluster: ClusterConfig, tmp_path: Path) -> Iterator[Terminal]:
    terminal = Terminal(tmp_path)
    yield terminal
    terminal.close()


@pytest.mark.parametrize("page", WITH_COMMANDS, ids=lambda page: str(page.relative_to(ROOT)))
def test_a_page_does_what_it_says(cluster: ClusterConfig, terminal: Terminal, page: Path) -> None:
    aside: list[Step] = []
    todo = steps(blocks(page.read_text()))
    if RAN_BEFORE:
        todo = [step for step in todo if step.block.role != "stops"]
    try:
        while todo:
            step = todo.pop(0)
            if step.block.role == "aside":
                _watch_aside(cluster, terminal, step)
                aside.append(step)
            else:
                _take(terminal, step, f"{page.relative_to(ROOT)}:{step.block.line}")
        for step in aside:
            eventually(lambda step=step: _answers(step, terminal.seen_aside(), str(page)))
    finally:
        for step in todo:  # it failed: what the page itself takes away is not left to the next page
            terminal.paste(step.block.text)


def _watch_aside(cluster: ClusterConfig, terminal: Terminal, step: Step) -> None:
    """Returns when the watch is under way; one of an earlier block may end meanwhile."""
    fewest = _watches_of_namespaces(cluster)
    terminal.paste_aside(step.block.text)

    def one_more() -> bool:
        nonlocal fewest
        now = _watches_of_namespaces(cluster)
        fewest = min(fewest, now)
        return now > fewest

    eventually(one_more)


def _watches_of_namespaces(cluster: ClusterConfig) -> float:
    """How many are under way. Our daemons watch whole clusters, people who read a page one namespace."""
    exposed = Kubectl((str(SAMPAN),), cluster.admin_kubeconfig)("get", "--raw", "/metrics")
    families = {family.name: family for family in text_string_to_metric_families(exposed)}
    labels = {"verb": "WATCH", "scope": "namespace"}
    return sum(
        sample.value
        for sample in families["apiserver_longrunning_requests"].samples
        if sample.labels.items() >= labels.items()
    )


def _take(terminal: Terminal, step: Step, place: str) -> None:
    if step.block.role == "soon":
        eventually(lambda: _answers(step, terminal.paste(step.block.text)[1], place))
        return
    code, printed = terminal.paste(step.block.text)
    assert code == 0, f"{place} ended with {code}:\n{printed}"
    _answers(step, printed, place)


def _answers(step: Step, printed: str, place: str) -> bool:
    wanted = step.answer.text if step.answer else "…"
    assert is_answer(wanted, printed), f"{place} is to print:\n{wanted}\nbut printed:\n{printed}"
    return True
