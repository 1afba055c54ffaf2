"""The lab of docs/labs/why.md, pasted block by block: break, ask, compare the answer, mend, ask again."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from kubeadm.config import ClusterConfig
from tests.e2e.conftest import eventually
from tests.e2e.terminal import Terminal

pytestmark = pytest.mark.e2e

LAB = Path(__file__).parents[2] / "docs" / "labs" / "why.md"
_SECTION = re.compile(r"^## (\d+\. .+)$", re.M)
_BLOCK = re.compile(r"^```(\w+)(?: (\w+))?\n(.*?)^```$", re.M | re.S)
ANYTHING = "…"


@dataclass
class Disaster:
    title: str
    blocks: dict[str, str] = field(default_factory=dict)
    """break, ask, text (the answer), mend, clean."""

    def __str__(self) -> str:
        return self.title


def disasters() -> Iterator[Disaster]:
    parts = _SECTION.split(LAB.read_text())[1:]
    for title, text in zip(parts[::2], parts[1::2], strict=True):
        yield Disaster(title, {role or kind: body for kind, role, body in _BLOCK.findall(text)})


@pytest.fixture(scope="module")
def terminal(cluster: ClusterConfig, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Terminal]:
    """With a namespace to break."""
    around = {role: body for _, role, body in _BLOCK.findall(LAB.read_text()) if role in ("start", "end")}
    terminal = Terminal(tmp_path_factory.mktemp("lab"))
    paste(terminal, around["start"])
    eventually(lambda: terminal.paste("kubectl get serviceaccount default")[0] == 0)
    yield terminal
    paste(terminal, around["end"])
    terminal.close()


def paste(terminal: Terminal, text: str) -> None:
    code, printed = terminal.paste(text)
    assert code == 0, f"{text}\n{printed}"


def pattern(answer: str) -> re.Pattern[str]:
    """The lab shows the first lines; what follows them is not told."""
    return re.compile(re.escape(answer).replace(ANYTHING, ".*"))


@pytest.mark.parametrize("disaster", list(disasters()), ids=str)
def test_each_disaster_is_explained_and_mended(terminal: Terminal, disaster: Disaster) -> None:
    blocks = disaster.blocks
    assert blocks.keys() >= {"break", "ask", "text", "mend"}, f"the lab's section {disaster} lacks a block"
    paste(terminal, blocks["break"])

    def explained() -> bool:
        code, printed = terminal.paste(blocks["ask"])
        assert pattern(blocks["text"]).match(printed), printed
        assert code == 1
        return True

    def is_well() -> bool:
        code, printed = terminal.paste(blocks["ask"])
        assert code == 0, printed
        return True

    eventually(explained, every=0.5)
    paste(terminal, blocks["mend"])
    eventually(is_well, every=0.5)
    paste(terminal, blocks.get("clean", ""))


def test_the_lab_covers_all_ten() -> None:
    causes = {each.blocks["text"].split("cause")[1].split()[0] for each in disasters()}
    assert causes >= {
        "image", "resources", "config", "dependency", "probe", "network", "volume", "spec", "scheduling",
        "security",
    }  # fmt: skip
