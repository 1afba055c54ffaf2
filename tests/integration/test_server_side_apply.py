"""Server-side apply with kubectl and with ours, and what real daemons come to manage."""

from __future__ import annotations

from typing import Any

import pytest

from apimachinery.objects import Object, get_path
from apimachinery.scheme import DEPLOYMENTS, NODES, PODS
from client.rest import Client
from tests.e2e.conftest import SAMPAN, Kubectl
from tests.e2e.kubectls import kubectl_path
from tests.integration.plane import Plane, deployment, eventually

MANIFEST = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: NAME, labels: {app: NAME}}
spec:
  replicas: 0
  selector: {matchLabels: {app: NAME}}
  template:
    metadata: {labels: {app: NAME}}
    spec:
      containers: [{name: c, image: "busybox:1", env: [{name: A, value: "1"}], ports: [{containerPort: 80}]}]
"""


@pytest.fixture(params=["sampan", "1.33"])
def kubectl(request: pytest.FixtureRequest, plane: Plane) -> Kubectl:
    command = str(SAMPAN) if request.param == "sampan" else str(kubectl_path(request.param))
    return Kubectl((command,), plane.config.admin_kubeconfig)


def managers(obj: Object) -> dict[str, Any]:
    """manager/operation/subresource -> fields"""
    return {
        "/".join((each["manager"], each["operation"], each.get("subresource", ""))).rstrip("/"): each[
            "fieldsV1"
        ]
        for each in obj["metadata"]["managedFields"]
    }


def test_what_was_applied_from_the_client_goes_over_to_the_server(kubectl: Kubectl) -> None:
    name = "over-" + kubectl.command[0].rpartition("/")[2].replace(".", "-")
    manifest = MANIFEST.replace("NAME", name)
    kubectl("apply", "-f", "-", stdin=manifest)
    changed = manifest.replace("busybox:1", "busybox:2")
    kubectl("apply", "--server-side", "-f", "-", stdin=changed)
    without = changed.replace('env: [{name: A, value: "1"}], ', "")
    shown = kubectl.run("diff", "--server-side", "-f", "-", stdin=without)
    gone = [line for line in shown.stdout.splitlines() if line.startswith("-") and 'value: "1"' in line]
    assert (shown.returncode, len(gone)) == (1, 1)
    kubectl("apply", "--server-side", "-f", "-", stdin=without)
    read = kubectl.get("deployment", name, "--show-managed-fields")
    container = read["spec"]["template"]["spec"]["containers"][0]
    assert (container["image"], "env" in container) == ("busybox:2", False)
    assert {"kubectl/Apply", "kubectl-last-applied/Apply"} <= managers(read).keys()
    assert "kubectl-client-side-apply/Update" not in managers(read)


def test_conflicts_are_told_and_can_be_forced(kubectl: Kubectl) -> None:
    name = "force-" + kubectl.command[0].rpartition("/")[2].replace(".", "-")
    manifest = MANIFEST.replace("NAME", name)
    kubectl("apply", "--server-side", "-f", "-", stdin=manifest)
    kubectl("scale", "deployment", name, "--replicas=1")
    refused = kubectl.run("apply", "--server-side", "-f", "-", stdin=manifest)
    assert refused.returncode == 1
    assert 'with subresource "scale" using apps/v1: .spec.replicas\nPlease review' in refused.stderr
    tried = kubectl(
        "apply", "--server-side", "--force-conflicts", "--dry-run=server", "-f", "-", stdin=manifest
    )
    assert tried == f"deployment.apps/{name} serverside-applied (server dry run)\n"
    assert kubectl.get("deployment", name)["spec"]["replicas"] == 1
    kubectl("apply", "--server-side", "--force-conflicts", "-f", "-", stdin=manifest)
    assert kubectl.get("deployment", name)["spec"]["replicas"] == 0


async def test_daemons_manage_what_they_write(plane: Plane, client: Client) -> None:
    await client.create(DEPLOYMENTS, deployment("managed", 1), params={"fieldManager": "creator"})
    running = await eventually(
        lambda: client.get(DEPLOYMENTS, "managed", "default"),
        lambda obj: get_path(obj, "status.readyReplicas") == 1,
    )
    owned = managers(running)
    assert set(owned) == {"creator/Update", "kube-controller-manager/Update/status"}
    assert set(owned["creator/Update"]["f:spec"]) >= {"f:replicas", "f:selector", "f:template"}
    assert "f:readyReplicas" in owned["kube-controller-manager/Update/status"]["f:status"]
    pods = await client.list(PODS, "default", params={"labelSelector": "app=managed"})
    owned = managers(pods["items"][0])
    assert set(owned) == {"kube-controller-manager/Update", "kubelet-hollow/Update/status"}
    assert "." not in owned["kube-controller-manager/Update"]["f:spec"]["f:containers"]
    assert 'k:{"type":"Ready"}' in owned["kubelet-hollow/Update/status"]["f:status"]["f:conditions"]
    nodes = await client.list(NODES)
    owned = managers(nodes["items"][0])
    assert "f:labels" in owned["kubelet-hollow/Update"]["f:metadata"]
    assert "f:podCIDR" in owned["kube-controller-manager/Update"]["f:spec"]
