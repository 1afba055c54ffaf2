"""The lab of docs/labs/why.md, pasted block by block: break, ask, compare the answer, mend, ask again."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from kubeadm.config import ClusterConfig
from tests.e2e.conftest import SAMPAN, eventually, real_kubectl

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
def shell(cluster: ClusterConfig, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shell]:
    """A shell as the lab's reader has it: both programs on the PATH, a namespace to break."""
    folder = tmp_path_factory.mktemp("lab")
    (folder / "sampan").symlink_to(SAMPAN)
    (folder / "kubectl").symlink_to(real_kubectl() or SAMPAN)
    kubeconfig = folder / "config"
    kubeconfig.write_bytes(cluster.admin_kubeconfig.read_bytes())
    kubeconfig.chmod(0o600)
    made = Shell({**os.environ, "KUBECONFIG": str(kubeconfig), "PATH": f"{folder}:{os.environ['PATH']}"})
    made.paste("kubectl create namespace lab && kubectl config set-context --current --namespace=lab")
    eventually(lambda: made.run("kubectl get serviceaccount default").returncode == 0)
    yield made
    made.paste("kubectl delete namespace lab --wait=false")


@dataclass(frozen=True)
class Shell:
    environment: dict[str, str]

    def run(self, text: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["bash", "-e"], input=text, env=self.environment, capture_output=True, text=True, timeout=120
        )

    def paste(self, text: str) -> None:
        done = self.run(text)
        assert done.returncode == 0, f"{text}\n{done.stdout}{done.stderr}"


def pattern(answer: str) -> re.Pattern[str]:
    """The lab shows the first lines; what follows them is not told."""
    return re.compile(re.escape(answer).replace(ANYTHING, ".*"))


@pytest.mark.parametrize("disaster", list(disasters()), ids=str)
def test_each_disaster_is_explained_and_mended(shell: Shell, disaster: Disaster) -> None:
    blocks = disaster.blocks
    assert blocks.keys() >= {"break", "ask", "text", "mend"}, f"the lab's section {disaster} lacks a block"
    shell.paste(blocks["break"])

    def explained() -> bool:
        done = shell.run(blocks["ask"])
        assert pattern(blocks["text"]).match(done.stdout), f"{done.stdout}{done.stderr}"
        assert done.returncode == 1
        return True

    def is_well() -> bool:
        done = shell.run(blocks["ask"])
        assert done.returncode == 0, done.stdout + done.stderr
        return True

    eventually(explained, limit=60, every=0.5)
    shell.paste(blocks["mend"])
    eventually(is_well, limit=90, every=0.5)
    shell.paste(blocks.get("clean", ""))


def test_the_lab_covers_all_ten() -> None:
    causes = {each.blocks["text"].split("cause")[1].split()[0] for each in disasters()}
    assert causes >= {
        "image", "resources", "config", "dependency", "probe", "network", "volume", "spec", "scheduling",
        "security",
    }  # fmt: skip
