"""The life of a Pod as a user sees it: apply, Ready, get, describe, logs, exec, restart, delete."""

from __future__ import annotations

import subprocess
import time

import pytest

from tests.e2e.conftest import Kubectl, eventually

pytestmark = pytest.mark.e2e

POD = """
apiVersion: v1
kind: Pod
metadata: {name: web, labels: {app: web}}
spec:
  terminationGracePeriodSeconds: 1
  containers:
    - name: web
      image: busybox:1.36
      command:
        - sh
        - -c
        - echo started; mkdir /www; echo hello > /www/index.html; exec httpd -f -p 8080 -h /www
      readinessProbe: {tcpSocket: {port: 8080}, periodSeconds: 1}
"""


def test_a_pod_is_applied_runs_answers_and_goes(any_kubectl: Kubectl) -> None:
    kubectl = any_kubectl
    assert kubectl.apply(POD) == "pod/web created\n"
    kubectl.wait("pod/web", "condition=Ready")
    assert "1/1     Running" in kubectl("get", "pod", "web")
    for reason in ("Scheduled", "Pulled", "Created", "Started"):  # events come behind what they tell of
        eventually(lambda reason=reason: reason in kubectl("describe", "pod", "web"))
    assert kubectl("logs", "web") == "started\n"
    assert kubectl("exec", "web", "--", "wget", "-qO-", "http://127.0.0.1:8080/") == "hello\n"
    assert kubectl.run("exec", "web", "--", "sh", "-c", "exit 7").returncode == 7
    assert kubectl("exec", "-i", "web", "--", "cat", stdin="through\n") == "through\n"
    assert kubectl.apply(POD) == "pod/web unchanged\n"
    began = time.monotonic()
    assert "deleted" in kubectl("delete", "pod", "web")
    assert time.monotonic() - began < 30, "not the grace of a pod that says nothing"
    assert "NotFound" in kubectl.run("get", "pod", "web").stderr


def test_logs_are_followed_to_the_end(any_kubectl: Kubectl) -> None:
    any_kubectl.apply("""
apiVersion: v1
kind: Pod
metadata: {name: counter}
spec:
  restartPolicy: Never
  containers:
    - {name: c, image: 'busybox:1.36', command: [sh, -c, 'for i in 1 2 3; do echo $i; sleep 0.3; done']}
""")
    eventually(lambda: any_kubectl.path("pod", "counter", "{.status.phase}") != "Pending")
    assert any_kubectl("logs", "-f", "counter") == "1\n2\n3\n"
    any_kubectl.wait("pod/counter", "jsonpath={.status.phase}=Succeeded")


def test_a_killed_container_is_started_again_and_a_failing_one_backs_off(kubectl: Kubectl) -> None:
    kubectl.apply(POD)
    kubectl.wait("pod/web", "condition=Ready")
    container = kubectl.path("pod", "web", "{.status.containerStatuses[0].containerID}").removeprefix(
        "docker://"
    )
    subprocess.run(["docker", "kill", container], check=True, capture_output=True)
    eventually(lambda: kubectl.path("pod", "web", "{.status.containerStatuses[0].restartCount}") == "1")
    kubectl.wait("pod/web", "condition=Ready")
    kubectl.apply("""
apiVersion: v1
kind: Pod
metadata: {name: failing}
spec:
  terminationGracePeriodSeconds: 0
  containers: [{name: c, image: 'busybox:1.36', command: [sh, -c, 'exit 3']}]
""")
    state = "{.status.containerStatuses[0].state.waiting.reason}"
    eventually(lambda: kubectl.path("pod", "failing", state) == "CrashLoopBackOff")
    last = "{.status.containerStatuses[0].lastState.terminated.exitCode}"
    assert kubectl.path("pod", "failing", last) == "3"


@pytest.mark.parametrize(
    ("name", "container", "reason"),
    [
        ("no-image", "{name: c, image: 'localhost:1/none:v1'}", "ErrImagePull ImagePullBackOff"),
        ("never", "{name: c, image: 'none:v1', imagePullPolicy: Never}", "ErrImageNeverPull"),
        ("bad-name", "{name: c, image: 'UPPER CASE'}", "InvalidImageName"),
        (
            "no-command",
            "{name: c, image: 'busybox:1.36', command: [/none]}",
            "RunContainerError CrashLoopBackOff",
        ),
        (
            "no-config",
            "{name: c, image: 'busybox:1.36', envFrom: [{configMapRef: {name: none}}]}",
            "CreateContainerConfigError",
        ),
    ],
)
def test_a_container_that_cannot_start_says_why(
    kubectl: Kubectl, name: str, container: str, reason: str
) -> None:
    kubectl.apply(
        f"""
apiVersion: v1
kind: Pod
metadata: {{name: {name}}}
spec: {{containers: [{container}]}}
"""
    )
    state = "{.status.containerStatuses[0].state.waiting.reason}"
    eventually(lambda: kubectl.path("pod", name, state) in reason.split())


def test_a_missing_config_map_is_waited_for(kubectl: Kubectl) -> None:
    kubectl.apply("""
apiVersion: v1
kind: Pod
metadata: {name: waits}
spec:
  containers:
    - {name: c, image: 'busybox:1.36', command: [sh, -c, 'echo $WORD; sleep 1000'],
       env: [{name: WORD, valueFrom: {configMapKeyRef: {name: later, key: word}}}]}
""")
    state = "{.status.containerStatuses[0].state.waiting.message}"
    eventually(lambda: 'configmap "later" not found' in kubectl.path("pod", "waits", state))
    kubectl("create", "configmap", "later", "--from-literal=word=found")
    kubectl.wait("pod/waits", "condition=Ready")
    eventually(lambda: kubectl("logs", "waits") == "found\n")
    kubectl("delete", "pod", "waits", "--grace-period=0", "--force")
