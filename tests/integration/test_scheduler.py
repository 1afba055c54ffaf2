"""The scheduler as a process, against a real apiserver and etcd."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, ClassVar
from urllib.error import HTTPError
from urllib.request import urlopen

from apimachinery.conditions import condition_of
from apimachinery.objects import Object
from apimachinery.scheme import EVENTS, LEASES, NODES, PODS, SERVICE_ACCOUNTS
from client.rest import Client
from tests.fakes.control_plane import ControlPlane
from tests.fakes.etcd_server import free_port

LIMIT = 120.0
ROOT = Path(__file__).parents[2]
GANG = ROOT / "deploy/examples/scheduler/gang.py"
HOST = "kubernetes.io/hostname"


@asynccontextmanager
async def control_plane(folder: Path, *schedulers: str) -> AsyncIterator[tuple[ControlPlane, Client]]:
    plane = ControlPlane(folder)
    try:
        await plane.start()
        client = plane.client()
        account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default"}}
        await client.create(SERVICE_ACCOUNTS, account, "kube-system")
        plane.run("kube-scheduler", "--secure-port=0", *schedulers)
        yield plane, client
        await client.aclose()
    finally:
        plane.stop()


async def make_node(client: Client, name: str, cpu: str = "4") -> None:
    """As a kubelet does: the object, then its status; and the taint of a new node gone."""
    labels = {HOST: name}
    node = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": name, "labels": labels}}
    await client.create(NODES, node)
    status = {"allocatable": {"cpu": cpu, "memory": "8Gi", "pods": "110"}}
    await client.patch(NODES, name, {"status": status}, subresource="status")
    await client.patch(NODES, name, {"spec": {"taints": None}})


async def make_pod(
    client: Client,
    name: str,
    cpu: str = "100m",
    annotations: Object | None = None,
    labels: Object | None = None,
    **spec: Any,
) -> Object:
    container = {"name": "c", "image": "busybox", "resources": {"requests": {"cpu": cpu}}}
    pod = {
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {
            "name": name, "namespace": "kube-system", "annotations": annotations or {},
            "labels": labels or {},
        },
        "spec": {"containers": [container], "automountServiceAccountToken": False, **spec},
    }  # fmt: skip
    return await client.create(PODS, pod)


async def pod_when(client: Client, name: str, is_so: Callable[[Object], object]) -> Object:
    """The pod, as soon as something is true of it."""
    async with asyncio.timeout(LIMIT):
        pod = await client.get(PODS, name, "kube-system")
        while not is_so(pod):
            await asyncio.sleep(0.05)
            pod = await client.get(PODS, name, "kube-system")
    return pod


def node_of(pod: Object) -> str:
    return pod["spec"].get("nodeName") or ""


def why_not(pod: Object) -> str:
    condition = condition_of(pod, "PodScheduled") or {}
    return condition.get("message", "") if condition.get("status") == "False" else ""


async def event_when(client: Client, name: str, wanted: tuple[str, str]) -> None:
    """Returns once there is such an Event: they are sent when everything else is done."""
    async with asyncio.timeout(LIMIT):
        while True:
            selector = f"involvedObject.name={name}"
            found = await client.list(EVENTS, "kube-system", field_selector=selector)
            if wanted in [(each["reason"], each["message"]) for each in found["items"]]:
                return
            await asyncio.sleep(0.05)


async def test_a_pod_waits_for_room_and_says_why(tmp_path: Path) -> None:
    async with control_plane(tmp_path, "--leader-elect=false") as (_, client):
        await make_pod(client, "p", cpu="2")
        waiting = await pod_when(client, "p", why_not)
        assert why_not(waiting) == "no nodes available to schedule pods"
        await make_node(client, "small", cpu="1")
        waiting = await pod_when(client, "p", lambda pod: "Insufficient" in why_not(pod))
        assert why_not(waiting) == (
            "0/1 nodes are available: 1 Insufficient cpu. no new claims to deallocate, "
            "preemption: 0/1 nodes are available: 1 Preemption is not helpful for scheduling."
        )
        await make_node(client, "large")
        bound = await pod_when(client, "p", node_of)
        assert node_of(bound) == "large"
        assert (condition_of(bound, "PodScheduled") or {})["status"] == "True"
        await event_when(client, "p", ("Scheduled", "Successfully assigned kube-system/p to large"))


async def test_a_more_important_pod_takes_the_place_of_another(tmp_path: Path) -> None:
    async with control_plane(tmp_path, "--leader-elect=false") as (_, client):
        await make_node(client, "only", cpu="1")
        await make_pod(client, "low", cpu="1", terminationGracePeriodSeconds=0)
        await pod_when(client, "low", node_of)
        await make_pod(client, "high", cpu="1", priorityClassName="system-cluster-critical")
        high = await pod_when(client, "high", node_of)
        assert node_of(high) == "only"
        low = await client.list(PODS, "kube-system", field_selector="metadata.name=low")
        assert low["items"] == []
        preempted = ("Preempted", f"Preempted by pod {high['metadata']['uid']} on node only")
        await event_when(client, "low", preempted)


class Extender(BaseHTTPRequestHandler):
    """Keeps pods from node a, and would have them on c."""

    protocol_version = "HTTP/1.1"
    asked: ClassVar[list[str]] = []

    def do_POST(self) -> None:
        told = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.asked.append(f"{self.path} {told['Pod']['metadata']['annotations']['who']} {told['NodeNames']}")
        names = [each for each in told["NodeNames"] if each != "a"]
        if self.path == "/extender/filter":
            body = json.dumps({"nodeNames": names, "failedNodes": {"a": "it is somebody else's"}}).encode()
        else:
            body = json.dumps([{"host": each, "score": 10 * (each == "c")} for each in names]).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Not to be mixed with what pytest shows."""


async def test_an_extender_is_asked_over_http(tmp_path: Path) -> None:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Extender)
    extender = {
        "urlPrefix": f"http://127.0.0.1:{server.server_address[1]}/extender", "filterVerb": "filter",
        "prioritizeVerb": "prioritize", "weight": 100, "nodeCacheCapable": True, "httpTimeout": "10s",
    }  # fmt: skip
    document = {
        "apiVersion": "kubescheduler.config.k8s.io/v1", "kind": "KubeSchedulerConfiguration",
        "leaderElection": {"leaderElect": False}, "extenders": [extender],
    }  # fmt: skip
    config = tmp_path / "scheduler.yaml"
    config.write_text(json.dumps(document))
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        async with control_plane(tmp_path, f"--config={config}") as (_, client):
            for name in "abc":
                await make_node(client, name)
            await make_pod(client, "q", annotations={"who": "me"}, nodeSelector={HOST: "a"})
            waiting = await pod_when(client, "q", lambda pod: "0/3" in why_not(pod))
            assert "0/3 nodes are available: 1 it is somebody else's, 2 node(s)" in why_not(waiting)
            await make_pod(client, "p", annotations={"who": "me"})
            assert node_of(await pod_when(client, "p", node_of)) == "c"
        assert "/extender/prioritize me ['b', 'c']" in Extender.asked
    finally:
        server.shutdown()
        server.server_close()


async def test_the_example_of_a_plugin_of_ones_own_binds_a_group_together(tmp_path: Path) -> None:
    document = {
        "apiVersion": "kubescheduler.config.k8s.io/v1", "kind": "KubeSchedulerConfiguration",
        "leaderElection": {"leaderElect": False},
        "profiles": [{"plugins": {"multiPoint": {"enabled": [{"name": "Gang"}]}}}],
    }  # fmt: skip
    config = tmp_path / "scheduler.yaml"
    config.write_text(json.dumps(document))
    labels = {"example.com/group": "g", "example.com/group-size": "2"}
    async with control_plane(tmp_path, f"--plugins-from={GANG}", f"--config={config}") as (_, client):
        await make_node(client, "a", cpu="1")
        await make_pod(client, "first", cpu="1", labels=labels)
        await make_pod(client, "alone", cpu="2")
        await pod_when(client, "alone", why_not)  # so the first has had its turn
        assert not node_of(await client.get(PODS, "first", "kube-system"))
        await make_node(client, "b", cpu="1")
        await make_pod(client, "second", cpu="1", labels=labels)
        nodes = {node_of(await pod_when(client, name, node_of)) for name in ("first", "second")}
        assert nodes == {"a", "b"}


def test_the_page_shows_the_example() -> None:
    assert GANG.read_text() in (ROOT / "docs/scheduler.md").read_text()


async def test_a_killed_scheduler_is_replaced_and_nothing_is_bound_twice(tmp_path: Path) -> None:
    async with control_plane(tmp_path, "--leader-elect=true") as (plane, client):
        await make_node(client, "a", cpu="100")
        for number in range(20):
            await make_pod(client, f"p{number}")
            if number == 10:
                await pod_when(client, "p0", node_of)
                plane.kill("kube-scheduler")
                await client.delete(LEASES, "kube-scheduler", "kube-system")  # as if it had run out
                plane.run("kube-scheduler", "--secure-port=0")
        for number in range(20):
            assert node_of(await pod_when(client, f"p{number}", node_of)) == "a"
        lease = await client.get(LEASES, "kube-scheduler", "kube-system")
        assert lease["spec"]["holderIdentity"]


async def test_health_metrics_and_the_journal_are_served_over_https(tmp_path: Path) -> None:
    port = free_port()
    flags = ("--leader-elect=false", "--bind-address=127.0.0.1", f"--secure-port={port}")
    async with control_plane(tmp_path, *flags) as (plane, client):
        await make_node(client, "small", cpu="1")
        await make_pod(client, "p", cpu="2")
        await pod_when(client, "p", lambda pod: "Insufficient" in why_not(pod))

        def ask(path: str, who: str) -> tuple[int, bytes]:
            context = ssl.create_default_context(cafile=str(plane.config.pki / "ca.crt"))
            if who:
                context.load_cert_chain(plane.config.pki / f"{who}.crt", plane.config.pki / f"{who}.key")
            try:
                with urlopen(f"https://127.0.0.1:{port}{path}", context=context) as answer:
                    return answer.status, answer.read()
            except HTTPError as refusal:
                with refusal:
                    return refusal.code, refusal.read()

        async def get(path: str, who: str = "apiserver-kubelet-client") -> tuple[int, bytes]:
            return await asyncio.to_thread(ask, path, who)

        assert await get("/healthz", who="") == (200, b"ok")
        assert (await get("/metrics", who=""))[0] == 401
        assert (await get("/debug/attempts", who="kubelet"))[0] == 403
        await make_pod(client, "q", cpu="100m")
        await pod_when(client, "q", node_of)
        metrics = (await get("/metrics"))[1].decode()
        assert 'scheduler_pending_pods{queue="unschedulable"} 1.0' in metrics
        assert 'scheduler_pod_scheduling_sli_duration_seconds_count{attempts="1"} 1.0' in metrics
        assert 'scheduler_cache_size{type="nodes"} 1.0' in metrics
        assert "kubernetes_build_info{" in metrics
        found = json.loads((await get("/debug/attempts?name=p"))[1])["attempts"]
        assert found[0]["verdicts"]["small"]["NodeResourcesFit"] == "Insufficient cpu"
        assert found[0]["verdicts"]["small"]["TaintToleration"] == "ok"
