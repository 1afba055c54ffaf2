"""`sampan why` beyond the lab: exit codes, JSON, a plugin of kubectl, few permissions, what is gone."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import replace
from typing import Any

import pytest

from kubeadm.config import ClusterConfig
from tests.e2e.conftest import LIMIT, SAMPAN, Kubectl, eventually, real_kubectl

pytestmark = pytest.mark.e2e

BROKEN = """
apiVersion: v1
kind: Pod
metadata: {name: broken}
spec:
  terminationGracePeriodSeconds: 0
  containers:
    - {name: main, image: 'busybox:1.36', command: [sleep, '10000'], envFrom: [{secretRef: {name: nothing}}]}
"""
HEADLINE = 'container "main" needs Secret "nothing", which does not exist in namespace'


@pytest.fixture
def sampan(kubectl: Kubectl) -> Kubectl:
    return replace(kubectl, command=(str(SAMPAN),))


def explained(sampan: Kubectl, *arguments: str, code: int) -> Any:
    done = sampan.run("why", *arguments, "-o", "json")
    assert done.returncode == code, done.stdout + done.stderr
    return json.loads(done.stdout)


@pytest.fixture
def broken(sampan: Kubectl) -> Any:
    sampan.apply(BROKEN)

    def item() -> Any:
        found = explained(sampan, "pod/broken", code=1)["items"][0]
        assert HEADLINE in found["findings"][0]["headline"]
        return found

    return eventually(item)


def test_json_says_all_and_the_exit_code_whether_it_is_well(sampan: Kubectl, broken: Any) -> None:
    assert (broken["subject"], broken["healthy"], broken["unknown"]) == ("pod/broken", False, [])
    finding = broken["findings"][0]
    assert (finding["cause"], finding["confidence"]) == ("config", "certain")
    evidence = finding["evidence"][0]
    assert evidence["object"] == "pod/broken"
    assert evidence["revision"].isdigit()
    assert finding["fix"]["command"].startswith("kubectl create secret generic nothing ")
    sampan("create", "secret", "generic", "nothing")
    eventually(lambda: sampan.run("why", "pod/broken").returncode == 0)
    listed = explained(sampan, "pods", code=0)
    assert (listed["healthy"], [each["subject"] for each in listed["items"]]) == (True, ["pod/broken"])


def test_who_may_read_little_is_told_less(sampan: Kubectl, broken: Any) -> None:
    """As on another's cluster: without the daemons' records and without Secrets."""
    account = f"{sampan.namespace}:default"
    sampan("create", "rolebinding", "viewer", "--clusterrole=view", f"--serviceaccount={account}")
    viewer = f"--as=system:serviceaccount:{account}"
    eventually(lambda: sampan.run("auth", "can-i", "get", "pods", viewer).returncode == 0)
    found = explained(sampan, "pod/broken", viewer, code=1)["items"][0]
    assert HEADLINE in found["findings"][0]["headline"]
    assert any("forbidden" in each for each in found["unknown"])


def test_what_is_gone_was_deleted_by_somebody(sampan: Kubectl, broken: Any) -> None:
    sampan("delete", "pod", "broken")
    done = sampan.run("why", "pod/broken")
    assert done.returncode == 1
    assert done.stdout.startswith("pod/broken: it is gone: deleted by ")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        pytest.param(["pod/never-there"], 'pods "never-there" not found', id="no such pod"),
        pytest.param(["configmap/kube-root-ca.crt"], "why knows nothing of configmaps", id="no such rules"),
        pytest.param(["pods", "-o", "yaml"], "unable to match a printer", id="no such format"),
    ],
)
def test_what_could_not_be_found_out(sampan: Kubectl, arguments: list[str], words: str) -> None:
    done = sampan.run("why", *arguments)
    assert done.returncode == 2
    assert words in done.stderr


def test_kubectl_finds_it_as_a_plugin(cluster: ClusterConfig) -> None:
    kubectl = real_kubectl()
    if kubectl is None:
        pytest.skip("no real kubectl of 1.31 or newer is on the PATH")
    environment = {
        **os.environ,
        "KUBECONFIG": str(cluster.admin_kubeconfig),
        "PATH": f"{SAMPAN.parent}:{os.environ['PATH']}",
    }
    command = [kubectl, "why", "node", cluster.node_name]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=LIMIT)
    assert (done.stdout, done.returncode) == (f"node/{cluster.node_name} is well: Ready\n", 0)
