"""Probes in all four forms, on real containers."""

from __future__ import annotations

import pytest

from tests.e2e.conftest import Kubectl, eventually

pytestmark = pytest.mark.e2e

SERVE = "mkdir -p /www; echo ok > /www/ok; httpd -p 8080 -h /www; exec sleep 100000"

FORMS = {
    "http": ("httpGet: {path: /ok, port: web, httpHeaders: [{name: X-Probe, value: yes1}]}", "rm /www/ok"),
    "tcp": ("tcpSocket: {port: 8080}", "killall -9 httpd"),
    "exec": ("exec: {command: [test, -e, /www/ok]}", "rm /www/ok"),
}


PATIENT = "periodSeconds: 1, timeoutSeconds: 20"
"""A busy machine's answers take long; they are no failures."""
SERVICE = """
apiVersion: v1
kind: Service
metadata: {name: ready}
spec: {selector: {app: ready}, ports: [{port: 80, targetPort: 8080}]}
"""


def pod(name: str, probes: str, command: str = SERVE) -> str:
    return f"""
apiVersion: v1
kind: Pod
metadata: {{name: {name}, labels: {{app: {name}}}}}
spec:
  terminationGracePeriodSeconds: 0
  containers:
    - name: c
      image: busybox:1.36
      command: [sh, -c, {command!r}]
      ports: [{{name: web, containerPort: 8080}}]
      {probes}
"""


@pytest.mark.parametrize("form", FORMS)
def test_a_failing_liveness_probe_restarts_the_container(kubectl: Kubectl, form: str) -> None:
    check, harm = FORMS[form]
    kubectl.apply(
        pod("live", f"livenessProbe: {{{check}, {PATIENT}, initialDelaySeconds: 3, failureThreshold: 2}}")
    )
    kubectl.wait("pod/live", "condition=Ready")
    kubectl.run("exec", "live", "--", "sh", "-c", harm)
    eventually(lambda: kubectl.path("pod", "live", "{.status.containerStatuses[0].restartCount}") == "1")
    kubectl.wait("pod/live", "condition=Ready")
    if form != "tcp":
        eventually(lambda: "Unhealthy" in kubectl("describe", "pod", "live"))


@pytest.mark.parametrize("form", ["http", "exec"])
def test_readiness_takes_the_pod_out_of_its_service_and_back(kubectl: Kubectl, form: str) -> None:
    check, harm = FORMS[form]
    kubectl.apply(pod("ready", f"readinessProbe: {{{check}, {PATIENT}, failureThreshold: 1}}"))
    kubectl.apply(SERVICE)

    def endpoints() -> list[object]:
        subsets = kubectl.get("endpoints", "ready").get("subsets") or [{}]
        return list(subsets[0].get("addresses") or [])

    eventually(lambda: len(endpoints()) == 1)
    kubectl("exec", "ready", "--", "sh", "-c", harm)
    eventually(lambda: not endpoints())
    assert kubectl.path("pod", "ready", "{.status.containerStatuses[0].restartCount}") == "0"
    kubectl("exec", "ready", "--", "sh", "-c", "echo ok > /www/ok")
    eventually(lambda: len(endpoints()) == 1)


def test_startup_holds_the_others_back(kubectl: Kubectl) -> None:
    slow = "sleep 4; mkdir -p /www; echo ok > /www/ok; exec httpd -f -p 8080 -h /www"
    check = "httpGet: {path: /ok, port: 8080}, " + PATIENT
    probes = (
        f"startupProbe: {{{check}, failureThreshold: 100}}\n"
        f"      livenessProbe: {{{check}, failureThreshold: 1}}\n"
        f"      readinessProbe: {{{check}}}"
    )
    kubectl.apply(pod("slow", probes, slow))
    kubectl.wait("pod/slow", "condition=Ready")
    assert kubectl.path("pod", "slow", "{.status.containerStatuses[0].restartCount}") == "0"
    assert kubectl.path("pod", "slow", "{.status.containerStatuses[0].started}") == "true"
