"""What our verbs print, to stdout and stderr, and their exit codes are those of kubectl 1.33."""

from __future__ import annotations

import subprocess
from pathlib import Path

import httpx
import pytest

from tests.e2e.conftest import SAMPAN
from tests.integration.kubectls import kubectl_path
from tests.integration.plane import Plane
from tests.integration.side_by_side import VERSION, Script, run_both

RBAC = """
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: r, namespace: "{ns}", labels: {a: b}}
rules:
- {apiGroups: [""], resources: [pods, services], verbs: [get, list]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: rb, namespace: "{ns}"}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: r}
subjects:
- {kind: User, name: jane, apiGroup: rbac.authorization.k8s.io}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: ignored}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: "{ns}"}
aggregationRule: {clusterRoleSelectors: [{matchLabels: {a: b}}]}
rules: []
"""
OTHER_RBAC = RBAC.replace("services]", "secrets]").replace("jane", "joe").replace("a: b}}]", "c: d}}]")
RECONCILE = Script(
    "reconcile",
    (
        "auth reconcile -f rbac.yaml --dry-run=client",
        "auth reconcile -f rbac.yaml",
        "auth reconcile -f rbac.yaml",
        "auth reconcile -f other.yaml",
        "auth reconcile -f rbac.yaml --remove-extra-permissions --remove-extra-subjects",
        "auth reconcile -f bound.yaml",
        "annotate role/r rbac.authorization.kubernetes.io/autoupdate=false",
        "auth reconcile -f other.yaml",
        "auth reconcile -f rbac.yaml --namespace=bad",
        "auth reconcile -f rbac.yaml --dry-run=server",
        "auth reconcile",
        "auth reconcile word -f rbac.yaml",
        "auth reconcile -f nowhere.yaml",
        "auth reconcile -f old.yaml",
        "get role,rolebinding -o yaml",
    ),
    {
        "rbac.yaml": RBAC,
        "other.yaml": OTHER_RBAC,
        "bound.yaml": OTHER_RBAC.replace("name: r}", "name: other}"),
        "old.yaml": "apiVersion: rbac.authorization.k8s.io/v1beta1\nkind: Role\nmetadata: {name: r}\n",
    },
)


@pytest.mark.parametrize("script", [RECONCILE], ids=lambda script: script.name)
def test_a_script_comes_to_the_same(script: Script, plane: Plane, tmp_path: Path) -> None:
    ours, theirs = run_both(plane, script, tmp_path)
    assert ours == theirs


PROXY = ("proxy", "--port=0", "--api-prefix=/custom", "--www=www", "--reject-methods=DELETE,TRACE")
REQUESTS = (
    ("GET", "/custom/version", {}),
    ("GET", "/custom/api/v1/namespaces/nobody", {}),
    ("GET", "/custom/api/v1/pods?limit=%61", {}),
    ("POST", "/custom/api/v1/namespaces", {"content-type": "application/json"}),
    ("DELETE", "/custom/api/v1/namespaces/nobody", {}),
    ("GET", "/custom/api/v1/namespaces/default/pods/x/exec", {}),
    ("GET", "/custom/version", {"host": "evil.example"}),
    ("GET", "/custom/version", {"host": "[::1]:80"}),
    ("GET", "/custom", {}),
    ("GET", "/version", {}),
    ("GET", "/static/", {}),
    ("GET", "/static/page.txt", {}),
    ("GET", "/static/page.txt", {"range": "bytes=1-2"}),
    ("GET", "/static/nothing", {}),
    ("GET", "/static/sub", {}),
    ("GET", "/static/site/", {}),
    ("GET", "/static/site/index.html", {}),
)
TOLD = ("content-type", "location", "content-range", "x-content-type-options")


def answers(program: Path, plane: Plane, folder: Path) -> list[object]:
    """Status, headers that matter and body of each request, but for bodies of mere redirections."""
    process = subprocess.Popen(
        [str(program), f"--kubeconfig={plane.config.admin_kubeconfig}", *PROXY],
        cwd=folder,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        with process.stdout as lines:
            address = lines.readline().removeprefix("Starting to serve on ").strip()
        with httpx.Client(base_url=f"http://{address}", trust_env=False) as client:
            results: list[object] = []
            for method, path, headers in REQUESTS:
                body = b"{}" if method == "POST" else None
                answer = client.request(
                    method, path, headers={"user-agent": "curl/1", **headers}, content=body
                )
                told = [
                    answer.headers.get(name) for name in TOLD if not answer.is_redirect or name == "location"
                ]
                results.append((method, path, answer.status_code, told, answer.is_redirect or answer.text))
            return results
    finally:
        process.terminate()
        process.wait()


def test_a_proxy_answers_as_kubectls_does(plane: Plane, tmp_path: Path) -> None:
    for name in ("page.txt", "sub/a&b.txt", "site/index.html"):
        (tmp_path / "www" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "www" / name).write_text(f"{name}\n")
    ours, theirs = (answers(each, plane, tmp_path) for each in (SAMPAN, kubectl_path(VERSION)))
    assert ours == theirs


def test_a_proxy_follows_watches_on_a_socket_of_its_own(plane: Plane, tmp_path: Path) -> None:
    place = tmp_path / "socket"
    command = [
        str(SAMPAN),
        f"--kubeconfig={plane.config.admin_kubeconfig}",
        "proxy",
        f"--unix-socket={place}",
    ]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        with process.stdout as lines:
            assert lines.readline() == f"Starting to serve on {place}\n"
        assert place.stat().st_mode & 0o077 == 0
        with (
            httpx.Client(
                transport=httpx.HTTPTransport(uds=str(place)), base_url="http://localhost"
            ) as client,
            client.stream("GET", "/api/v1/namespaces?watch=true") as answer,
        ):
            assert '"name":"default"' in next(line for line in answer.iter_lines() if "default" in line)
    finally:
        process.terminate()
        process.wait()
