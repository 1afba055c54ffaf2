"""Deployments and ReplicationControllers as users drive them."""

from __future__ import annotations

import pytest

from tests.e2e.conftest import Kubectl, eventually

pytestmark = pytest.mark.e2e

DEPLOYMENT = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 3
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      terminationGracePeriodSeconds: 0
      containers:
        - {name: web, image: 'busybox:1.36', command: [sleep, '100000'], env: [{name: V, value: '1'}]}
"""

CONTROLLER = """
apiVersion: v1
kind: ReplicationController
metadata: {name: old}
spec:
  replicas: 2
  selector: {app: old}
  template:
    metadata: {labels: {app: old}}
    spec:
      terminationGracePeriodSeconds: 0
      containers: [{name: c, image: 'busybox:1.36', command: [sleep, '100000']}]
"""


def version_of_pods(kubectl: Kubectl) -> set[str]:
    pods = kubectl.get("pods", "-l", "app=web")["items"]
    alive = [pod for pod in pods if "deletionTimestamp" not in pod["metadata"]]
    return {pod["spec"]["containers"][0]["env"][0]["value"] for pod in alive}


def test_a_deployment_is_scaled_updated_and_rolled_back(any_kubectl: Kubectl) -> None:
    kubectl = any_kubectl
    kubectl.apply(DEPLOYMENT)
    assert "successfully rolled out" in kubectl("rollout", "status", "deployment/web")
    assert kubectl("scale", "deployment/web", "--replicas=4") == "deployment.apps/web scaled\n"
    eventually(lambda: kubectl.path("deployment", "web", "{.status.readyReplicas}") == "4")
    kubectl.apply(DEPLOYMENT.replace("value: '1'", "value: '2'").replace("replicas: 3", "replicas: 2"))
    kubectl("rollout", "status", "deployment/web")
    eventually(lambda: version_of_pods(kubectl) == {"2"})
    history = kubectl("rollout", "history", "deployment/web")
    assert [line.split()[0] for line in history.strip().splitlines()[2:]] == ["1", "2"]
    assert "rolled back" in kubectl("rollout", "undo", "deployment/web")
    kubectl("rollout", "status", "deployment/web")
    eventually(lambda: version_of_pods(kubectl) == {"1"})
    kubectl("delete", "deployment", "web")
    eventually(lambda: kubectl.get("pods", "-l", "app=web")["items"] == [])


def test_a_replication_controller_keeps_its_pods(kubectl: Kubectl) -> None:
    kubectl.apply(CONTROLLER)
    eventually(lambda: kubectl.path("rc", "old", "{.status.readyReplicas}") == "2")
    first = kubectl.get("pods", "-l", "app=old")["items"][0]["metadata"]["name"]
    kubectl("delete", "pod", first)
    eventually(lambda: kubectl.path("rc", "old", "{.status.readyReplicas}") == "2")
    names = [pod["metadata"]["name"] for pod in kubectl.get("pods", "-l", "app=old")["items"]]
    assert first not in names
    kubectl("scale", "rc/old", "--replicas=0")
    eventually(lambda: kubectl.get("pods", "-l", "app=old")["items"] == [])


def test_a_deleted_namespace_takes_everything_with_it(kubectl: Kubectl) -> None:
    kubectl.apply(DEPLOYMENT)
    kubectl("rollout", "status", "deployment/web")
    kubectl("delete", "namespace", kubectl.namespace)
    assert "NotFound" in kubectl.run("get", "namespace", kubectl.namespace).stderr
    kubectl("create", "namespace", kubectl.namespace)
    assert kubectl.get("pods,deployments,replicasets")["items"] == []
