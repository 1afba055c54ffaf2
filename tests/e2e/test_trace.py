"""`sampan trace`: every daemon has its place in the tree, and each step its time."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.conftest import SAMPAN, Kubectl

pytestmark = pytest.mark.e2e

WEB = """
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{port: 80, targetPort: 8080}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      terminationGracePeriodSeconds: 0
      containers:
        - name: web
          image: busybox:1.36
          command: [sh, -c, mkdir /www; exec httpd -f -p 8080 -h /www]
          readinessProbe: {tcpSocket: {port: 8080}, periodSeconds: 1}
"""


def walk(steps: list[Any], *above: Any) -> Iterator[tuple[Any, ...]]:
    """Every step with those above it, the nearest last."""
    for step in steps:
        yield (*above, step)
        yield from walk(step["steps"], *above, step)


def test_an_apply_is_followed_to_the_rules_of_its_service(kubectl: Kubectl, tmp_path: Path) -> None:
    sampan = Kubectl((str(SAMPAN),), kubectl.kubeconfig, kubectl.namespace)
    manifest = tmp_path / "web.yaml"
    manifest.write_text(WEB)
    traced = json.loads(sampan("trace", "apply", "-f", str(manifest), "-o", "json"))
    assert traced["settled"]
    assert [step["object"] for step in traced["steps"]] == ["service/web", "deployment.apps/web"]
    paths = [[step["component"].partition(" of ")[0] for step in path] for path in walk(traced["steps"])]
    program = traced["steps"][0]["component"]
    assert [
        program, "deployment-controller", "replicaset-controller", "kube-scheduler", "kube-scheduler",
        "kubelet", "kubelet", "endpointslice-controller", "kube-proxy",
    ] in paths  # fmt: skip
    for *above, step in walk(traced["steps"]):
        causes = [each["revision"] for each in above if each["revision"]]
        assert not step["causes"] or causes[-1] in step["causes"]
    kubelet = [path[-1] for path in walk(traced["steps"]) if path[-1]["component"].startswith("kubelet of ")]
    took = {step["action"]: step["milliseconds"] for step in kubelet}
    assert took["makes its sandbox"] > 1
    assert took["starts container web"] > 1

    again = sampan.run("trace", "apply", "-f", str(manifest))
    assert (again.returncode, again.stderr) == (1, "error: nothing was changed, so nothing followed\n")
    sampan("scale", "deployment/web", "--replicas=2")
    sampan.rolled_out("deployment/web")
    past = sampan("trace", "deployment/web")
    assert "scale of deployment.apps/web" in past.splitlines()[0]
    assert "starts container web" in past
