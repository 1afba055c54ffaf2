"""exec, attach and port-forward with each kubectl of this machine: SPDY before 1.31, then WebSockets."""

from __future__ import annotations

import json
import re
import socket
import subprocess
import sys
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.request import urlopen

import pytest

from kubeadm.config import ClusterConfig
from tests.e2e.conftest import LIMIT, SAMPAN, Kubectl, eventually, new_namespace
from tests.e2e.kubectls import VERSIONS, Terminal, forwarding, kubectl_path

pytestmark = pytest.mark.e2e

IMAGE = "busybox:1.36"
SERVE = """
mkdir /w; echo hello > /w/index.html
httpd -p 8080 -h /w; httpd -p 127.0.0.1:9090 -h /w
nc -ll -p 7070 -e wc -c &
exec sleep 100000
"""
LAST = {"tcpSocket": {"port": 7070}, "periodSeconds": 1, "timeoutSeconds": 20, "failureThreshold": 100}
CONTAINERS = {
    "web": {"command": ["sh", "-c", SERVE], "startupProbe": LAST},
    "reads": {"stdin": True, "command": ["sh", "-c", "while read word; do echo got $word; done"]},
}


def pod(name: str) -> str:
    spec = {
        "containers": [{"name": "c", "image": IMAGE, **CONTAINERS[name]}],
        "terminationGracePeriodSeconds": 1,
    }
    return json.dumps({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": spec})


@pytest.fixture(scope="module")
def namespace(cluster: ClusterConfig) -> Iterator[str]:
    """Whose pods are all ready."""
    with new_namespace(cluster) as name:
        admin = Kubectl((str(SAMPAN),), cluster.admin_kubeconfig, name)
        for each in CONTAINERS:
            admin.apply(pod(each))
        admin.wait("pod/web", "condition=Ready")
        admin.wait("pod/reads", "condition=Ready")
        yield name


@pytest.fixture(params=(*VERSIONS, "sampan"))
def kubectl(request: pytest.FixtureRequest, cluster: ClusterConfig, namespace: str) -> Kubectl:
    path = SAMPAN if request.param == "sampan" else kubectl_path(request.param)
    return Kubectl((str(path),), cluster.admin_kubeconfig, namespace)


one_of_each = pytest.mark.parametrize("kubectl", ["1.27", "1.33", "sampan"], indirect=True)
"""Where only the protocol matters: a kubectl that speaks SPDY, one that speaks WebSockets, and our own."""


def test_exec_tells_stdout_stderr_and_exit_code_apart(kubectl: Kubectl) -> None:
    ran = kubectl.run("exec", "web", "--", "sh", "-c", "echo out; echo err >&2; exit 7")
    assert (ran.returncode, ran.stdout) == (7, "out\n")
    assert ran.stderr == "err\ncommand terminated with exit code 7\n"


@one_of_each
def test_exec_reads_stdin_to_its_end(kubectl: Kubectl) -> None:
    text = "".join(f"{number}\n" for number in range(200_000))
    assert kubectl("exec", "-i", "web", "--", "sh", "-c", "cat; echo end", stdin=text) == f"{text}end\n"


def test_exec_on_a_terminal_follows_its_size(kubectl: Kubectl) -> None:
    terminal = Terminal([*kubectl.words, "exec", "-it", "web", "--", "sh"], (33, 77))
    terminal.type("until stty size | grep -q '33 77'; do :; done; echo fi''rst\n")
    terminal.expect("first")
    terminal.resize(44, 99)
    terminal.type("until stty size | grep -q '44 99'; do :; done; echo sec''ond; tty; exit 3\n")
    terminal.expect("second")
    terminal.expect("/dev/pts/")
    assert terminal.exit_code() == 3


def test_attach_ends_with_its_stdin(kubectl: Kubectl) -> None:
    word = uuid.uuid4().hex
    attached = kubectl.run("attach", "-i", "reads", stdin=f"a\n{word}\n")
    assert attached.returncode == 0, attached.stderr
    eventually(lambda: kubectl("logs", "reads", "--tail=2") == f"got a\ngot {word}\n")


@one_of_each
def test_a_debugging_container_is_joined_and_sees_its_target(kubectl: Kubectl) -> None:
    command = ["debug", "web", "-it", f"--image={IMAGE}", "--target=c", "--profile=general", "--", "sh"]
    terminal = Terminal([*kubectl.words, *command], (24, 80))
    terminal.expect("Defaulting debug container name to debugger-")
    terminal.type("ps | grep -c [s]leep; cat /proc/1/root/w/index.html; exit\n")
    terminal.expect("hello")
    assert terminal.exit_code() == 0, terminal.seen


@one_of_each
def test_exec_goes_through_our_proxy(kubectl: Kubectl) -> None:
    command = [str(SAMPAN), f"--kubeconfig={kubectl.kubeconfig}", "proxy", "--port=0", "--reject-paths=^$"]
    proxy = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert proxy.stdout is not None
        with proxy.stdout as lines:
            address = lines.readline().removeprefix("Starting to serve on ").strip()
        ran = kubectl.run(f"--server=http://{address}", "exec", "-i", "web", "--", "cat", stdin="a\nb\n")
        assert (ran.returncode, ran.stdout) == (0, "a\nb\n"), ran.stderr
    finally:
        proxy.terminate()
        proxy.wait()


def get(port: int) -> bytes:
    with urlopen(f"http://127.0.0.1:{port}/", timeout=LIMIT) as answer:
        return bytes(answer.read())


def test_port_forward_joins_many_connections_to_several_ports(kubectl: Kubectl) -> None:
    with forwarding(kubectl, "pod/web", ":8080", ":9090") as (ports, _), ThreadPoolExecutor(8) as pool:
        assert list(pool.map(get, ports * 8)) == [b"hello\n"] * 16


@one_of_each
def test_port_forward_hands_on_a_half_closed_connection(kubectl: Kubectl) -> None:
    with (
        forwarding(kubectl, "web", ":7070") as ([port], _),
        socket.create_connection(("127.0.0.1", port), timeout=LIMIT) as connection,
        connection.makefile("rb") as answer,
    ):
        connection.sendall(bytes(3_000_000))
        connection.shutdown(socket.SHUT_WR)
        assert answer.read().strip() == b"3000000"


@one_of_each
def test_port_forward_says_that_a_port_refuses(kubectl: Kubectl) -> None:
    with forwarding(kubectl, "web", ":8081") as ([port], process):
        with socket.create_connection(("127.0.0.1", port), timeout=LIMIT) as connection:
            assert connection.recv(1) == b""
        _, errors = process.communicate(timeout=LIMIT)
    assert "error forwarding port 8081 to pod" in errors
    assert "connect: connection refused" in errors
    assert "lost connection to pod" in errors, "what kubectl makes of it"


@one_of_each
def test_cp_brings_folders_in_and_out(kubectl: Kubectl, tmp_path: Path) -> None:
    folder = tmp_path / "there"
    (folder / "deep").mkdir(parents=True)
    (folder / "deep" / "file").write_bytes(bytes(range(256)) * 10_000)
    kubectl("cp", str(folder), "web:/tmp")
    kubectl("cp", "web:/tmp/there", str(tmp_path / "back"))
    assert (tmp_path / "back" / "deep" / "file").read_bytes() == (folder / "deep" / "file").read_bytes()
    kubectl("cp", str(folder / "deep" / "file"), f"{kubectl.namespace}/web:/tmp/renamed")
    assert kubectl("exec", "web", "--", "wc", "-c", "/tmp/renamed").split()[0] == "2560000"
    failed = kubectl.run("cp", "web:/nothing", str(tmp_path / "x"))
    assert not (tmp_path / "x").exists()
    if kubectl.command == (str(SAMPAN),):  # upstream's may end before it has read what tar complains of
        assert "/nothing: No such file or directory" in failed.stdout + failed.stderr


def resident(cluster: ClusterConfig) -> dict[str, float]:
    """MiB that the processes hold through which everything goes."""
    found = {}
    for name in ("kubelet", "kube-apiserver"):
        pid = int((cluster.run_dir / f"{name}.pid").read_text())
        status = Path(f"/proc/{pid}/status").read_text()
        found[name] = int(re.search(r"VmRSS:\s+(\d+) kB", status)[1]) / 1024  # type: ignore[index]
    return found


@one_of_each
@pytest.mark.parametrize(
    "line",
    [
        "{exec} web -- head -c 50000000 /dev/zero | wc -c",
        "head -c 50000000 /dev/zero | {exec} -i web -- wc -c",
        "head -c 50000000 /dev/zero | {exec} -i web -- cat | wc -c",
    ],
    ids=["out", "in", "both ways"],
)
def test_much_goes_through_without_growth(kubectl: Kubectl, cluster: ClusterConfig, line: str) -> None:
    kubectl("exec", "web", "--", "true")
    before = resident(cluster)
    command = line.format(exec=" ".join([*kubectl.words, "exec"]))
    ran = subprocess.run(["sh", "-c", command], capture_output=True, text=True, timeout=LIMIT)
    assert ran.stdout.strip() == "50000000", ran.stderr
    grown = {name: size - before[name] for name, size in resident(cluster).items()}
    assert max(grown.values()) < 32, grown


@one_of_each
def test_a_reader_that_stops_holds_up_the_writer(kubectl: Kubectl, cluster: ClusterConfig) -> None:
    before = resident(cluster)
    writing = kubectl.start("exec", "web", "--", "sh", "-c", "echo $$ > /pid; exec yes")
    written = "sleep 0.3; grep ^wchar /proc/$(cat /pid)/io"
    try:
        seen = ""
        while seen != (seen := kubectl.run("exec", "web", "--", "sh", "-c", written).stdout) or not seen:
            """It still fills the buffers on the way."""
        grown = {name: size - before[name] for name, size in resident(cluster).items()}
        assert max(grown.values()) < 16, grown
    finally:
        writing.kill()
        writing.communicate()
        kubectl.run("exec", "web", "--", "sh", "-c", "kill $(cat /pid); rm /pid")


OFFICIAL = """
import sys
from kubernetes.client import CoreV1Api
from kubernetes.config import new_client_from_config
from kubernetes.stream import portforward, stream

kubeconfig, namespace = sys.argv[1:]
api = CoreV1Api(new_client_from_config(kubeconfig))
"""
EXEC = """
command = ["sh", "-c", "read word; echo got $word; echo err >&2; exit 3"]
running = stream(
    api.connect_get_namespaced_pod_exec, "web", namespace, command=command,
    stdin=True, stdout=True, stderr=True, tty=False, _preload_content=False,
)
running.write_stdin("it\\n")
running.run_forever(timeout=120)
print((running.read_stdout(), running.read_stderr(), running.returncode))
"""
PORT_FORWARD = """
forward = portforward(api.connect_get_namespaced_pod_portforward, "web", namespace, ports="8080,8081")
connection = forward.socket(8080)
connection.settimeout(120)
connection.sendall(b"GET / HTTP/1.0\\r\\n\\r\\n")
answer = b""
while piece := connection.recv(4096):
    answer += piece
print((answer[-6:], forward.error(8080), forward.error(8081).partition(" to pod")[0]))
"""


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        (EXEC, ("got it\n", "err\n", 3)),
        (PORT_FORWARD, (b"hello\n", None, "error forwarding port 8081")),
    ],
    ids=["exec", "port-forward"],
)
def test_the_official_client_speaks_with_us(
    cluster: ClusterConfig, namespace: str, script: str, expected: object
) -> None:
    """In a process of its own, since it leaves connections open."""
    command = [sys.executable, "-c", OFFICIAL + script, str(cluster.admin_kubeconfig), namespace]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT)
    assert ran.stdout.strip() == repr(expected), ran.stderr
