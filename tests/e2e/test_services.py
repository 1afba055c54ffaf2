"""Services: reachable by ClusterIP and NodePort, and a nodePort changed as an operator does it."""

from __future__ import annotations

import json
import socket
import subprocess
import time
import urllib.request
from pathlib import Path

import pytest

from kubeadm.config import ClusterConfig
from tests.e2e.conftest import LIMIT, Kubectl, eventually

pytestmark = pytest.mark.e2e

APPLICATION = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      terminationGracePeriodSeconds: 1
      containers:
        - name: web
          image: busybox:1.36
          command: [sh, -c, 'mkdir /www; hostname > /www/index.html; exec httpd -f -p 8080 -h /www']
          ports: [{name: http, containerPort: 8080}]
          readinessProbe: {httpGet: {path: /, port: http}, periodSeconds: 1}
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec:
  type: NodePort
  selector: {app: web}
  ports: [{name: http, port: 80, targetPort: http}]
"""


OF_ONES_OWN = (30050, 30051)
"""Node ports from the band that nobody is given who asks for none in particular."""
INGRESS_IP = "{.status.loadBalancer.ingress[0].ip}"

OTHER = """
apiVersion: v1
kind: Service
metadata: {{name: other}}
spec: {{type: NodePort, ports: [{{port: 80, nodePort: {}}}]}}
"""


def fetch(address: str) -> str:
    """The page, or an AssertionError for any failure to get it."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(address, timeout=20) as answer:
            return str(answer.read().decode())
    except OSError as error:
        raise AssertionError(f"{address}: {error}") from None


def refused(host: str, port: int) -> bool:
    try:
        socket.create_connection((host, port), timeout=5).close()
    except OSError:
        return True
    return False


@pytest.fixture
def application(kubectl: Kubectl) -> Kubectl:
    kubectl.apply(APPLICATION)
    kubectl.rolled_out("deployment/web")
    return kubectl


def test_a_service_answers_on_its_addresses_and_spreads(application: Kubectl, cluster: ClusterConfig) -> None:
    service = application.get("service", "web")
    cluster_ip = service["spec"]["clusterIP"]
    node_port = service["spec"]["ports"][0]["nodePort"]
    assert 30000 <= node_port <= 32767
    eventually(lambda: fetch(f"http://{cluster_ip}/"))
    eventually(lambda: len({fetch(f"http://{cluster_ip}/") for _ in range(30)}) == 2)
    assert fetch(f"http://{cluster.node_ip}:{node_port}/").startswith("web-")
    pod = application.get("pods", "-l", "app=web")["items"][0]["metadata"]["name"]
    inside = application("exec", pod, "--", "timeout", "20", "wget", "-qO-", f"http://{cluster_ip}/")
    assert inside.startswith("web-")
    inside = application(
        "exec", pod, "--", "timeout", "20", "wget", "-qO-", f"http://{cluster.node_ip}:{node_port}/"
    )
    assert inside.startswith("web-")


def test_a_pod_reaches_itself_through_its_service(application: Kubectl) -> None:
    application("scale", "deployment/web", "--replicas=1")
    eventually(lambda: len(application.get("pods", "-l", "app=web")["items"]) == 1)
    pod = application.get("pods", "-l", "app=web")["items"][0]["metadata"]["name"]
    cluster_ip = application.get("service", "web")["spec"]["clusterIP"]
    answer = eventually(
        lambda: application("exec", pod, "--", "timeout", "20", "wget", "-qO-", f"http://{cluster_ip}/")
    )
    assert answer.strip() == pod


def test_a_service_without_endpoints_refuses_at_once(application: Kubectl) -> None:
    application("scale", "deployment/web", "--replicas=0")
    cluster_ip = application.get("service", "web")["spec"]["clusterIP"]

    def refused_quickly() -> bool:
        began = time.monotonic()
        return refused(cluster_ip, 80) and time.monotonic() - began < 0.5

    eventually(refused_quickly)


def test_a_load_balancer_answers_its_neighbours(application: Kubectl) -> None:
    application("patch", "service", "web", "-p", '{"spec": {"type": "LoadBalancer"}}')
    try:
        ip = eventually(lambda: application.path("service", "web", INGRESS_IP), limit=60)
    except AssertionError:
        pytest.skip("the cluster that runs has no pool of addresses")
    assert ip in application("get", "service", "web")
    assert eventually(lambda: fetch(f"http://{ip}/")).startswith("web-")
    # Pods go where the Service leads, even if that is another address of their own node.
    pod = application.get("pods", "-l", "app=web")["items"][0]["metadata"]["name"]
    assert application("exec", pod, "--", "timeout", "20", "wget", "-qO-", f"http://{ip}/").startswith("web-")
    neighbour = ["docker", "run", "--rm", "--network=bridge", "busybox:1.36", "timeout", "20"]
    answer = subprocess.run(
        [*neighbour, "wget", "-qO-", f"http://{ip}/"], capture_output=True, text=True, timeout=LIMIT
    )
    assert answer.stdout.startswith("web-"), answer.stderr
    application("patch", "service", "web", "-p", '{"spec": {"type": "ClusterIP"}}')
    eventually(lambda: not application.path("service", "web", INGRESS_IP))
    eventually(lambda: refused(ip, 80))


def test_a_node_port_is_changed_through_a_file(
    application: Kubectl, cluster: ClusterConfig, tmp_path: Path
) -> None:
    old = application.get("service", "web")["spec"]["ports"][0]["nodePort"]
    new = OF_ONES_OWN[0]
    manifest = tmp_path / "service.yaml"
    manifest.write_text(
        application("get", "service", "web", "-o", "yaml").replace(f"nodePort: {old}", f"nodePort: {new}")
    )
    application("delete", "service", "web")
    application("apply", "-f", str(manifest))
    assert f"{new}/TCP" in application("describe", "service", "web")
    eventually(lambda: fetch(f"http://{cluster.node_ip}:{new}/"))
    eventually(lambda: refused(cluster.node_ip, old))


def test_a_node_port_is_changed_in_place(application: Kubectl, cluster: ClusterConfig) -> None:
    patch = {"spec": {"ports": [{"port": 80, "nodePort": OF_ONES_OWN[1]}]}}
    application("patch", "service", "web", "-p", json.dumps(patch))
    eventually(lambda: fetch(f"http://{cluster.node_ip}:{OF_ONES_OWN[1]}/"))


def test_a_taken_or_impossible_node_port_is_refused_in_upstreams_words(application: Kubectl) -> None:
    taken = application.get("service", "web")["spec"]["ports"][0]["nodePort"]
    done = application.run("apply", "-f", "-", stdin=OTHER.format(taken))
    assert done.returncode == 1
    assert (
        f"spec.ports[0].nodePort: Invalid value: {taken}: provided port is already allocated" in done.stderr
    )
    done = application.run("apply", "-f", "-", stdin=OTHER.format(1234))
    assert "provided port is not in the valid range. The range of valid ports is 30000-32767" in done.stderr
