"""Helm installs, upgrades, rolls back and uninstalls a chart that brings a custom resource."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.integration.plane import Plane

CHART = {
    "Chart.yaml": "apiVersion: v2\nname: harbour\nversion: 0.1.0\n",
    "values.yaml": "replicas: 1\nsize: 3\n",
    "crds/boats.yaml": """
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: boats.harbour.io}
spec:
  group: harbour.io
  scope: Namespaced
  names: {plural: boats, singular: boat, kind: Boat}
  versions:
    - name: v1
      served: true
      storage: true
      schema:
        openAPIV3Schema:
          type: object
          properties: {spec: {type: object, properties: {size: {type: integer, maximum: 9}}}}
""",
    "templates/boat.yaml": """
apiVersion: harbour.io/v1
kind: Boat
metadata: {name: "{{ .Release.Name }}"}
spec: {size: {{ .Values.size }}}
""",
    "templates/web.yaml": """
apiVersion: apps/v1
kind: Deployment
metadata: {name: "{{ .Release.Name }}"}
spec:
  replicas: {{ .Values.replicas }}
  selector: {matchLabels: {app: harbour}}
  template:
    metadata: {labels: {app: harbour}}
    spec: {containers: [{name: c, image: "busybox:1.36"}]}
---
apiVersion: v1
kind: Service
metadata: {name: "{{ .Release.Name }}"}
spec: {selector: {app: harbour}, ports: [{port: 80}]}
""",
}


class Helm:
    def __init__(self, plane: Plane, folder: Path) -> None:
        found = shutil.which("helm")
        if found is None:
            pytest.skip("no helm is on the PATH")
        self._command = [found, "--kubeconfig", str(plane.config.admin_kubeconfig)]
        self._folder = folder
        for name, text in CHART.items():
            path = folder / "harbour" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)

    def __call__(self, *words: str) -> str:
        return self.run(*words, code=0).stdout

    def run(self, *words: str, code: int) -> subprocess.CompletedProcess[str]:
        environment = {"HOME": str(self._folder), "PATH": ""}
        done = subprocess.run(
            [*self._command, *words],
            cwd=self._folder,
            env=environment,
            capture_output=True,
            text=True,
            timeout=400,
        )
        assert done.returncode == code, done.stdout + done.stderr
        return done


@pytest.fixture
def helm(plane: Plane, tmp_path: Path) -> Helm:
    return Helm(plane, tmp_path)


async def test_a_release_lives_and_ends(plane: Plane, helm: Helm) -> None:
    helm("install", "one", "harbour", "--wait", "--timeout=300s")
    assert [each["status"] for each in json.loads(helm("list", "--output=json"))] == ["deployed"]
    helm("upgrade", "one", "harbour", "--set=replicas=2,size=5", "--wait", "--timeout=300s")
    refused = helm.run("upgrade", "one", "harbour", "--set=size=10", code=1)
    assert "spec.size in body should be less than or equal to 9" in refused.stderr
    helm("rollback", "one", "1", "--wait", "--timeout=300s")
    history = json.loads(helm("history", "one", "--output=json"))
    assert [each["status"] for each in history] == ["superseded", "superseded", "failed", "deployed"]
    client = plane.client()
    try:
        boats = "/apis/harbour.io/v1/namespaces/default/boats"
        web = "/apis/apps/v1/namespaces/default/deployments/one"
        assert json.loads(await client.request("GET", f"{boats}/one"))["spec"] == {"size": 3}
        assert json.loads(await client.request("GET", web))["spec"]["replicas"] == 1
        helm("uninstall", "one")
        assert json.loads(await client.request("GET", boats))["items"] == []
    finally:
        await client.aclose()
