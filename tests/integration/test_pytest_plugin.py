"""The fixture `sampan_cluster`, as our pages show it and where it matters that nothing is left of a test."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.pages import ROOT, blocks

TESTING, CONTROLLER = ROOT / "docs" / "testing.md", ROOT / "docs" / "your-own-controller.md"
AS_NEW = """
import time

import pytest

LEFT_BEHIND = '''
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: things.example.com, finalizers: [example.com/never]}
spec:
  group: example.com
  scope: Cluster
  names: {plural: things, singular: thing, kind: Thing}
  versions: [{name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object}}}]
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, finalizers: [example.com/never]}
spec:
  replicas: 30
  selector: {matchLabels: {app: web}}
  template: {metadata: {labels: {app: web}}, spec: {containers: [{name: c, image: c}]}}
'''
pytestmark = pytest.mark.sampan(nodes=3)


@pytest.fixture
def fast_reset():
    yield
    # Torn down after the cluster, which is put back in between.
    assert time.monotonic() - ended < 20  # a moment, of a busy machine


@pytest.mark.parametrize("turn", [1, 2])
def test_each_finds_a_new_cluster(fast_reset, sampan_cluster, turn):
    global ended
    kubectl = sampan_cluster.kubectl
    assert kubectl("get", "crd,pods", "-A", "-o", "name") == ""
    assert "SchedulingDisabled" not in kubectl("get", "nodes")
    sampan_cluster.apply(LEFT_BEHIND)
    kubectl("rollout", "status", "deployment/web", "--timeout=180s")
    kubectl("cordon", "hollow-0")
    kubectl("delete", "clusterrole", "view")
    kubectl("delete", "deployment/web", "--wait=false")
    ended = time.monotonic()


TALKER = '''
apiVersion: v1
kind: Pod
metadata: {name: talker, annotations: {hollow.sampan.io/log: hello}}
spec: {containers: [{name: c, image: c}]}
'''


def test_hollow_pods_can_be_looked_into(sampan_cluster):
    kubectl = sampan_cluster.kubectl
    sampan_cluster.apply(TALKER)
    kubectl("wait", "--for=condition=Ready", "pod/talker", "--timeout=180s")
    assert kubectl("logs", "talker") == "hello\\n"
    assert kubectl("exec", "talker", "--", "echo", "yes") == "yes\\n"
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    if shutil.which("etcd") is None:
        pytest.skip("etcd is not installed: apt-get install etcd-server")
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    return tmp_path


def write_programs(page: Path, folder: Path) -> None:
    """The page's Python, each block into the file that its first line names."""
    for block in blocks(page.read_text()):
        if block.language == "python":
            name = block.text.splitlines()[0].removeprefix("# ")
            (folder / name).write_text(block.text)


def run_tests(folder: Path, *words: str) -> str:
    """As somebody else runs them, in a folder that knows nothing of us, with this plugin alone."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "pytest_sampan.plugin", *words]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=900)
    return done.stdout + done.stderr


def test_every_test_of_a_session_finds_a_new_cluster(folder: Path) -> None:
    """The examples of our pages among them."""
    write_programs(TESTING, folder)
    write_programs(CONTROLLER, folder)
    (folder / "test_as_new.py").write_text(AS_NEW)
    printed = run_tests(folder)
    assert "7 passed" in printed, printed


def test_a_cluster_that_does_not_start_says_why_to_every_test(folder: Path) -> None:
    (folder / "test_it.py").write_text(
        "import pytest\n"
        "@pytest.fixture(scope='session', autouse=True)\n"
        "def no_etcd():\n"
        "    import pytest_sampan.hosted as hosted\n"
        "    hosted.missing = list\n"
        "def test_one(sampan_cluster): ...\n"
        "def test_two(sampan_cluster): ...\n"
    )
    printed = run_tests(folder)
    assert printed.count("Failed: sampan_cluster: ") == 2, printed


def test_a_number_of_nodes_that_is_none_is_refused(folder: Path) -> None:
    (folder / "test_it.py").write_text("def test_it(sampan_cluster): ...")
    assert 'sampan_nodes is a number or docker, not "few"' in run_tests(folder, "--sampan-nodes=few")


def test_a_marker_that_says_no_number_of_nodes_is_a_mistake(folder: Path) -> None:
    (folder / "test_it.py").write_text(
        "import pytest\n@pytest.mark.sampan()\ndef test_one(sampan_cluster): ...\n"
    )
    assert "pytest.mark.sampan needs nodes=" in run_tests(folder)
