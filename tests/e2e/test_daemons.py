"""kill -9 of any daemon disturbs nothing that runs, and work goes on."""

from __future__ import annotations

import pytest

from kubeadm import supervisor
from kubeadm.config import ClusterConfig
from tests.e2e.conftest import Kubectl, eventually, kill

pytestmark = pytest.mark.e2e

DEPLOYMENT = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: steady}
spec:
  replicas: 2
  selector: {matchLabels: {app: steady}}
  template:
    metadata: {labels: {app: steady}}
    spec:
      terminationGracePeriodSeconds: 0
      containers: [{name: c, image: 'busybox:1.36', command: [sleep, '100000']}]
"""

DAEMONS = [
    "kubelet", "kube-scheduler", "kube-controller-manager", "kube-proxy", "kube-dns", "kube-apiserver",
    "etcd",
]  # fmt: skip


def containers(kubectl: Kubectl) -> set[str]:
    pods = kubectl.get("pods", "-l", "app=steady")["items"]
    statuses = [pod["status"]["containerStatuses"][0] for pod in pods]
    return {f"{status['containerID']} {status['restartCount']}" for status in statuses}


@pytest.mark.parametrize("daemon", DAEMONS)
def test_a_killed_daemon_comes_back_and_disturbs_nothing(
    kubectl: Kubectl, cluster: ClusterConfig, daemon: str
) -> None:
    assert daemon in [child.name for child in supervisor.load(cluster.run_dir)]
    kubectl.apply(DEPLOYMENT)
    kubectl.rolled_out("deployment/steady")
    before = containers(kubectl)
    kill(cluster, daemon)
    eventually(lambda: kubectl("scale", "deployment/steady", "--replicas=3"))
    eventually(lambda: kubectl.path("deployment", "steady", "{.status.readyReplicas}") == "3")
    assert before <= containers(kubectl)
