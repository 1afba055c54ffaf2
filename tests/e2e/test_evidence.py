"""What the daemons know is reached through the apiserver, and only by those who may."""

from __future__ import annotations

import json
from typing import Any

import pytest

from kubeadm.config import ClusterConfig
from tests.e2e.conftest import Kubectl, eventually

pytestmark = pytest.mark.e2e

POD = """
apiVersion: v1
kind: Pod
metadata: {name: web, labels: {app: web}}
spec:
  terminationGracePeriodSeconds: 0
  containers:
    - name: web
      image: busybox:1.36
      command: [sh, -c, mkdir /www; exec httpd -f -p 8080 -h /www]
      readinessProbe: {tcpSocket: {port: 8080}, periodSeconds: 1}
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{port: 80, targetPort: 8080}]}
"""


def test_the_evidence_is_had_with_a_kubeconfig(kubectl: Kubectl, cluster: ClusterConfig) -> None:
    kubectl.apply(POD)
    kubectl.wait("pod/web", "condition=Ready")
    node, query = cluster.node_name, f"namespace={kubectl.namespace}&name=web"

    def raw(path: str) -> Any:
        return json.loads(kubectl("get", "--raw", f"/api/v1/nodes/{path}"))

    (attempt,) = raw(f"https:{node}:10259/proxy/debug/attempts?{query}")["attempts"]
    assert (attempt["result"], attempt["node"]) == ("scheduled", node)
    (pod,) = raw(f"{node}/proxy/debug/pods/{kubectl.namespace}/web")["pods"]
    steps = [step["step"] for step in pod["steps"]]
    assert steps == ["seen", "volumes", "sandbox", "image", "config", "create", "start", "all started"]
    assert pod["probes"][0]["healthy"]
    assert {"protocol": "TCP", "address": "::", "port": 8080} in pod["listeners"]
    rules = f"https:{node}:10261/proxy/debug/services?{query}"
    eventually(lambda: ready_slices(kubectl) <= programmed(raw(rules)))


def ready_slices(kubectl: Kubectl) -> set[tuple[str, str]]:
    """Of the Service, with their revisions; there must be one."""
    found = kubectl.get("endpointslices", "-l", "kubernetes.io/service-name=web")["items"]
    assert any(each["endpoints"] for each in found)
    return {(each["metadata"]["name"], each["metadata"]["resourceVersion"]) for each in found}


def programmed(answer: Any) -> set[tuple[str, str]]:
    return {
        pair
        for service in answer["services"]
        for each in service["programmed"]
        for pair in each["endpointSlices"].items()
    }


@pytest.mark.parametrize("port", ["", ":10259", ":10261"])
def test_a_service_account_may_not_have_it(kubectl: Kubectl, cluster: ClusterConfig, port: str) -> None:
    name = f"https:{cluster.node_name}{port}" if port else cluster.node_name
    path = f"/api/v1/nodes/{name}/proxy/debug/pods/default/web"
    done = kubectl.run("get", "--raw", path, f"--as=system:serviceaccount:{kubectl.namespace}:default")
    assert done.returncode == 1
    assert "cannot get resource" in done.stderr
