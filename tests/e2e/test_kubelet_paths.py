"""What only a real kubelet on a real engine shows: volumes, tokens, attach, pulls, endings, its own port."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from kubeadm.config import ClusterConfig
from tests.e2e.conftest import LIMIT, Kubectl, eventually, real_kubectl
from tests.fakes.docker_registry import running_registry

pytestmark = pytest.mark.e2e

SERVING, NOT_SERVING = b"\x08\x01", b"\x08\x02"
STATUS = "{.status.containerStatuses[0]"


def pod(name: str, spec: str) -> str:
    return f"""
apiVersion: v1
kind: Pod
metadata: {{name: {name}}}
spec:
  terminationGracePeriodSeconds: 1
{spec}
"""


class HealthServer:
    """grpc.health.v1.Health, whose services are healthy unless they are in `unhealthy`."""

    def __init__(self) -> None:
        import grpc

        self.unhealthy: set[bytes] = set()
        check = grpc.unary_unary_rpc_method_handler(lambda request, context: self._answer(request))
        service = grpc.method_handlers_generic_handler("grpc.health.v1.Health", {"Check": check})
        self._server = grpc.server(ThreadPoolExecutor(2), handlers=[service])
        self.port = self._server.add_insecure_port("0.0.0.0:0")
        self._server.start()

    def _answer(self, request: bytes) -> bytes:
        return NOT_SERVING if request[2:] in self.unhealthy else SERVING

    def stop(self) -> None:
        self._server.stop(None).wait()


@pytest.fixture
def health() -> Iterator[HealthServer]:
    server = HealthServer()
    yield server
    server.stop()


def test_grpc_probes_ask_for_their_service(kubectl: Kubectl, health: HealthServer) -> None:
    often = "periodSeconds: 1, failureThreshold: 1, timeoutSeconds: 20"
    kubectl.apply(
        pod(
            "asked",
            f"""
  hostNetwork: true
  containers:
    - name: c
      image: busybox:1.36
      command: [sleep, "1000"]
      readinessProbe: {{grpc: {{port: {health.port}, service: ready}}, {often}}}
      livenessProbe: {{grpc: {{port: {health.port}, service: live}}, {often}}}
""",
        )
    )
    kubectl.wait("pod/asked", "condition=Ready")
    health.unhealthy = {b"ready"}
    kubectl.wait("pod/asked", "condition=Ready=false")
    assert kubectl.path("pod", "asked", STATUS + ".restartCount}") == "0"
    health.unhealthy = {b"live"}
    eventually(lambda: int(kubectl.path("pod", "asked", STATUS + ".restartCount}")) >= 1)
    words = 'service unhealthy (responded with "NOT_SERVING")'
    eventually(lambda: words in kubectl("describe", "pod", "asked"))


VOLUMES = """
  securityContext: {fsGroup: 2345, runAsUser: 1000, runAsGroup: 3000}
  containers:
    - name: c
      image: busybox:1.36
      command: [sleep, "1000"]
      volumeMounts:
        - {name: empty, mountPath: /empty}
        - {name: map, mountPath: /map}
        - {name: map, mountPath: /etc/one.conf, subPath: word}
        - {name: mixed, mountPath: /mixed}
  volumes:
    - {name: empty, emptyDir: {}}
    - {name: map, configMap: {name: words, defaultMode: 0600}}
    - name: mixed
      projected:
        sources:
          - configMap: {name: words}
          - serviceAccountToken: {path: token, expirationSeconds: 600}
"""
MODES = """
touch /empty/new
stat -c '%n %a %u %g' /empty /empty/new
stat -L -c '%n %a %u %g' /map/word /mixed/word /mixed/token
cat /etc/one.conf
"""


def who_is(cluster: ClusterConfig, token: str) -> str:
    """The user that the API server takes the token for."""
    review = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
    answer = httpx.post(
        f"https://{cluster.node_ip}:6443/apis/authentication.k8s.io/v1/selfsubjectreviews",
        json=review,
        headers={"Authorization": f"Bearer {token}"},
        verify=False,
        timeout=LIMIT,
    )
    return str(answer.json()["status"]["userInfo"]["username"])


def test_volumes_belong_to_the_group_and_follow_their_sources(
    kubectl: Kubectl, cluster: ClusterConfig
) -> None:
    kubectl("create", "configmap", "words", "--from-literal=word=one")
    kubectl.apply(pod("vols", VOLUMES))
    kubectl.wait("pod/vols", "condition=Ready")
    assert kubectl("exec", "vols", "--", "sh", "-c", MODES).splitlines() == [
        "/empty 2777 0 2345",
        "/empty/new 644 1000 2345",
        "/map/word 640 0 2345",
        "/mixed/word 644 0 2345",
        "/mixed/token 640 1000 2345",
        "one",
    ]
    token = kubectl("exec", "vols", "--", "cat", "/mixed/token")
    assert who_is(cluster, token) == f"system:serviceaccount:{kubectl.namespace}:default"
    kubectl("patch", "configmap", "words", "-p", '{"data":{"word":"two"}}')
    eventually(lambda: kubectl("exec", "vols", "--", "cat", "/mixed/word") == "two")
    assert kubectl("exec", "vols", "--", "cat", "/etc/one.conf") == "one", "a subPath stays as it was"


def test_run_joins_a_pod_to_its_end_and_gives_its_exit_code(kubectl: Kubectl) -> None:
    flags = ("--rm", "-i", "--restart=Never", "--image=busybox:1.36")
    ran = kubectl.run("run", "joined", *flags, "--", "sh", "-c", "cat; exit 5", stdin="a\nb\n")
    assert ran.stdout.startswith("a\nb\n")
    assert ran.stdout.count("a\nb\n") == 1
    assert "couldn't attach" not in ran.stderr
    assert ran.returncode == 5


def test_attach_ends_with_its_stdin_and_leaves_the_container_running(kubectl: Kubectl) -> None:
    command = '[sh, -c, "while read word; do echo got $word; done"]'
    kubectl.apply(
        pod("reads", f"  containers: [{{name: c, image: 'busybox:1.36', stdin: true, command: {command}}}]")
    )
    kubectl.wait("pod/reads", "condition=Ready")
    attached = kubectl.run("attach", "-i", "reads", stdin="a\nb\n")
    assert attached.returncode == 0, attached.stderr
    eventually(lambda: kubectl("logs", "reads") == "got a\ngot b\n")
    assert kubectl.path("pod", "reads", STATUS + ".ready}") == "true"


def test_the_kubelets_port_asks_the_api_server_who_may(kubectl: Kubectl, cluster: ClusterConfig) -> None:
    def status(path: str, token: str) -> int:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        url = f"https://{cluster.node_ip}:10250{path}"
        return httpx.get(url, headers=headers, verify=False, timeout=LIMIT).status_code

    role = f"{kubectl.namespace}-kubelet"
    for name in ("may", "maynot"):
        kubectl("create", "serviceaccount", name)
    kubectl("create", "clusterrole", role, "--verb=get", "--resource=nodes/proxy")
    account = f"--serviceaccount={kubectl.namespace}:may"
    kubectl("create", "clusterrolebinding", role, f"--clusterrole={role}", account)
    try:
        allowed, refused = (kubectl("create", "token", name).strip() for name in ("may", "maynot"))
        eventually(lambda: status("/configz", allowed) == 200)
        assert status("/pods", allowed) == 200
        assert status("/metrics", allowed) == 403, "a right of its own: nodes/metrics"
        assert status("/pods", refused) == 403
        assert (status("/pods", ""), status("/pods", "wrong")) == (401, 401)
    finally:
        kubectl("delete", "clusterrolebinding,clusterrole", role)


@pytest.mark.skipif(shutil.which("docker-registry") is None, reason="needs the package docker-registry")
def test_pull_secrets_open_a_private_registry(kubectl: Kubectl, tmp_path: Path) -> None:
    with running_registry(tmp_path) as registry:
        for name, password in (("right", "secret"), ("wrong", "guess")):
            login = (f"--docker-server={registry}", "--docker-username=me", f"--docker-password={password}")
            kubectl("create", "secret", "docker-registry", name, *login)
            image = f"image: '{registry}/team/app:1', imagePullPolicy: Always"
            kubectl.apply(
                pod(
                    name,
                    f"  imagePullSecrets: [{{name: {name}}}]\n"
                    f"  containers: [{{name: c, {image}, command: [sleep, '1000']}}]",
                )
            )
        kubectl.wait("pod/right", "condition=Ready")
        eventually(lambda: "Successfully pulled image" in kubectl("describe", "pod", "right"))
        waiting = STATUS + ".state.waiting.reason}"
        eventually(lambda: kubectl.path("pod", "wrong", waiting) == "ImagePullBackOff")
        kubectl("delete", "pod", "right", "wrong", "--now")
        remove = ["docker", "rmi", f"{registry}/team/app:1"]  # once the kubelet has removed the container
        eventually(lambda: subprocess.run(remove, capture_output=True).returncode == 0)


ENDINGS = {
    "message in a file": (
        "command: [sh, -c, 'echo -n bye > /tmp/end'], terminationMessagePath: /tmp/end",
        {"reason": "Completed", "exitCode": 0, "message": "bye"},
    ),
    "last log lines after an error": (
        "command: [sh, -c, 'echo bye; exit 3'], terminationMessagePolicy: FallbackToLogsOnError",
        {"reason": "Error", "exitCode": 3, "message": "bye\n"},
    ),
    "no log lines after a success": (
        "command: [sh, -c, 'echo bye'], terminationMessagePolicy: FallbackToLogsOnError",
        {"reason": "Completed", "exitCode": 0},
    ),
    "out of memory": (
        "command: [tail, /dev/zero], resources: {limits: {memory: 16Mi}}",
        {"reason": "OOMKilled", "exitCode": 137},
    ),
    "failed postStart hook": (
        "command: [sleep, '1000'], lifecycle: {postStart: {exec: {command: ['false']}}}",
        {"reason": "Error", "exitCode": 137},
    ),
}


def terminated(kubectl: Kubectl) -> dict[str, object]:
    statuses = kubectl.get("pod", "ends")["status"].get("containerStatuses") or [{"state": {}}]
    return dict(statuses[0]["state"].get("terminated") or {})


@pytest.mark.parametrize("how", ENDINGS)
def test_a_container_tells_how_it_ended(kubectl: Kubectl, how: str) -> None:
    container, expected = ENDINGS[how]
    kubectl.apply(
        pod(
            "ends",
            f"  restartPolicy: Never\n  containers: [{{name: c, image: 'busybox:1.36', {container}}}]",
        )
    )
    ended = eventually(lambda: terminated(kubectl))
    kept = {key: value for key, value in ended.items() if key in ("reason", "exitCode", "message")}
    assert kept == expected


def test_a_pod_over_its_deadline_is_stopped(kubectl: Kubectl) -> None:
    kubectl.apply(
        pod(
            "late",
            "  activeDeadlineSeconds: 1\n"
            "  containers: [{name: c, image: 'busybox:1.36', command: [sleep, '1000']}]",
        )
    )
    kubectl.wait("pod/late", "jsonpath={.status.phase}=Failed")
    assert kubectl.path("pod", "late", "{.status.reason}") == "DeadlineExceeded"


UNTIL_TERM = "trap 'echo {0} ends >> /log/log; exit 0' TERM; while :; do sleep 0.1; done"
ORDER = """
  initContainers:
    - {name: first, image: 'busybox:1.36', command: [sh, -c, "echo first >> /log/log"], volumeMounts: *log}
    - name: car
      image: busybox:1.36
      restartPolicy: Always
      command: [sh, -c, "echo car >> /log/log; touch /up; $CAR"]
      startupProbe: {exec: {command: [cat, /up]}, periodSeconds: 1, failureThreshold: 60, timeoutSeconds: 20}
      volumeMounts: *log
    - {name: last, image: 'busybox:1.36', command: [sh, -c, "echo last >> /log/log"], volumeMounts: *log}
  containers:
    - name: main
      image: busybox:1.36
      command: [sh, -c, "$MAIN"]
      lifecycle:
        postStart: {exec: {command: [sh, -c, "echo postStart >> /log/log"]}}
        preStop: {exec: {command: [sh, -c, "sleep 0.5; echo preStop >> /log/log"]}}
      volumeMounts: *log
"""


def test_inits_sidecars_and_hooks_take_their_turns(kubectl: Kubectl, tmp_path: Path) -> None:
    spec = ORDER.replace("*log", "[{name: log, mountPath: /log}]")
    spec = spec.replace("$CAR", UNTIL_TERM.format("car")).replace("$MAIN", UNTIL_TERM.format("main"))
    spec += f"  volumes: [{{name: log, hostPath: {{path: {tmp_path}, type: Directory}}}}]\n"
    kubectl.apply(pod("turns", spec))
    kubectl.wait("pod/turns", "condition=Ready")
    kubectl("delete", "pod", "turns", "--grace-period=60")
    words = "first,car,last,postStart,preStop,main ends,car ends"
    assert (tmp_path / "log").read_text().splitlines() == words.split(",")


def test_a_debugger_sees_the_processes_of_its_target(cluster: ClusterConfig, namespace: str) -> None:
    if (command := real_kubectl()) is None:
        pytest.skip("no real kubectl of 1.31 or newer is on the PATH")
    kubectl = Kubectl((command,), cluster.admin_kubeconfig, namespace)
    spec = "  containers: [{name: c, image: busybox:1.36, command: [sleep, '1234']}]"
    kubectl.apply(pod("patient", spec))
    kubectl.wait("pod/patient", "condition=Ready")
    kubectl(
        "debug",
        "patient",
        "--image=busybox:1.36",
        "--container=doctor",
        "--target=c",
        "--",
        "sh",
        "-c",
        "ps; exit 3",
    )
    state = "{.status.ephemeralContainerStatuses[0].state.terminated.exitCode}"
    assert eventually(lambda: kubectl.path("pod", "patient", state)) == "3"
    assert "sleep 1234" in kubectl("logs", "patient", "-c", "doctor")
    # It is over and stays so; the pod has not noticed.
    assert kubectl.path("pod", "patient", "{.status.containerStatuses[0].restartCount}") == "0"
    assert kubectl.path("pod", "patient", "{.status.phase}") == "Running"
