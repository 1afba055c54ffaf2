"""What pods may say behind feature gates, on a real engine: apiserver and kubelet with the gates open."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Any

import pytest

from apimachinery.objects import Object, uid_of
from apimachinery.scheme import EVENTS, PODS
from tests.e2e.docker_node import LIMIT, Node, docker_node

pytestmark = [pytest.mark.docker, pytest.mark.netns]

GATES = "ImageVolume=true,ContainerStopSignals=true,ContainerRestartRules=true,HostnameOverride=true"
ON_USR1 = (
    "trap 'echo stopped by USR1 >/out/said; exit 0' USR1; touch /out/listens; while :; do sleep 0.1; done"
)
ONCE_42 = "[ -e /out/been ] && exit 7; touch /out/been; exit 42"
IMAGE = {"name": "bin", "image": {"reference": "busybox:local", "pullPolicy": "IfNotPresent"}}


def container(script: str, **fields: Any) -> Object:
    mounts = [{"name": "out", "mountPath": "/out"}, *fields.pop("mounts", ())]
    command = ["sh", "-c", script]
    return {"name": "c", "image": "busybox:local", "command": command, "volumeMounts": mounts, **fields}


def pod(name: str, out: Path, script: str, *, mounts: Any = (), volumes: Any = (), **fields: Any) -> Object:
    spec = {
        "containers": [container(script, mounts=mounts, **fields)],
        "volumes": [{"name": "out", "hostPath": {"path": str(out)}}, *volumes],
        "automountServiceAccountToken": False,
        "restartPolicy": "Never",
        "terminationGracePeriodSeconds": 60,
        "os": {"name": "linux"},
    }
    metadata = {"name": name, "namespace": "default"}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}


async def run(here: Node, wanted: Object) -> None:
    wanted["spec"]["nodeName"] = here.name
    await here.client.create(PODS, wanted)


async def test_what_open_gates_let_pods_do(tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    async with docker_node(tmp_path, feature_gates=GATES) as here:
        await check_a_stop_signal(here, out)
        await check_a_restart_rule(here, out)
        await check_an_image(here, out)
        await check_an_image_that_may_not_be_pulled(here, out)
        await check_what_is_told_of_gates(here)


async def check_a_stop_signal(here: Node, out: Path) -> None:
    await run(here, pod("signal", out, ON_USR1, lifecycle={"stopSignal": "SIGUSR1"}))
    seen = await here.until(lambda pod: pod["status"].get("phase") == "Running", "signal")
    assert seen["status"]["containerStatuses"][0]["stopSignal"] == "SIGUSR1"
    async with asyncio.timeout(LIMIT):
        while not (out / "listens").exists():  # noqa: ASYNC110 - another process's file
            await asyncio.sleep(0.1)
    await here.client.delete(PODS, "signal", "default")
    await here.until_gone("signal")
    assert (out / "said").read_text() == "stopped by USR1\n"


async def check_a_restart_rule(here: Node, out: Path) -> None:
    rules = [{"action": "Restart", "exitCodes": {"operator": "In", "values": [42]}}]
    await run(here, pod("rule", out, ONCE_42, restartPolicy="Never", restartPolicyRules=rules))
    seen = await here.until(lambda pod: pod["status"].get("phase") == "Failed", "rule")
    [status] = seen["status"]["containerStatuses"]
    assert (status["restartCount"], status["state"]["terminated"]["exitCode"]) == (1, 7)


async def check_an_image(here: Node, out: Path) -> None:
    """The whole of it, and a part; nobody can write into it, and it goes with the pod. And a host name."""
    mounts = [
        {"name": "bin", "mountPath": "/image"},
        {"name": "bin", "mountPath": "/part", "subPath": "etc"},
    ]
    script = (
        "hostname >/out/name; ls -a /image /part >/out/listed; touch /image/x 2>/out/refused; "
        "until [ -e /out/seen ]; do sleep 0.1; done"
    )
    wanted = pod("image", out, script, mounts=mounts, volumes=[IMAGE])
    wanted["spec"]["hostnameOverride"] = "db.example.com"
    await run(here, wanted)
    await here.until(lambda pod: pod["status"].get("phase") == "Running", "image")
    copies = here.root / "image-volumes"
    assert len(os.listdir(copies)) == 1
    (out / "seen").touch()
    seen = await here.until(lambda pod: pod["status"].get("phase") == "Succeeded", "image")
    assert (out / "name").read_text() == "db.example.com\n"
    listed = (out / "listed").read_text().split()
    assert {"bin", "etc", "tmp", "passwd"} <= set(listed)
    assert not {".dockerenv", "proc"} & set(listed), "what Docker adds to containers is not there"
    assert "Read-only file system" in (out / "refused").read_text()
    await here.client.delete(PODS, "image", "default")
    await here.until_gone("image")
    async with asyncio.timeout(LIMIT):
        while os.listdir(copies) or (here.root / "pods" / uid_of(seen)).exists():  # noqa: ASYNC110
            await asyncio.sleep(0.1)


async def check_an_image_that_may_not_be_pulled(here: Node, out: Path) -> None:
    volume = {"name": "bin", "image": {"reference": "nowhere:1", "pullPolicy": "Never"}}
    mounts = [{"name": "bin", "mountPath": "/image"}]
    await run(here, pod("never", out, "sleep 100", mounts=mounts, volumes=[volume]))

    def waiting(pod: Object) -> Object:
        [status] = pod["status"].get("containerStatuses") or [{}]
        return (status.get("state") or {}).get("waiting") or {}

    seen = await here.until(lambda pod: waiting(pod).get("reason") == "ErrImageNeverPull", "never")
    words = 'Container image "nowhere:1" is not present with pull policy of Never'
    assert waiting(seen)["message"] == words
    async with asyncio.timeout(LIMIT):
        while not {("ErrImageNeverPull", words), ("Failed", "Error: ErrImageNeverPull")} <= await told(here):  # noqa: ASYNC110
            await asyncio.sleep(0.1)


async def told(here: Node) -> set[tuple[str, str]]:
    events = (await here.client.list(EVENTS, "default"))["items"]
    return {(each["reason"], each["message"]) for each in events if each["involvedObject"]["name"] == "never"}


async def check_what_is_told_of_gates(here: Node) -> None:
    for path in ("/metrics", f"/api/v1/nodes/{here.name}/proxy/metrics"):
        metrics = (await here.client.request("GET", path)).decode()
        assert 'kubernetes_feature_enabled{name="ImageVolume",stage="BETA"} 1.0' in metrics
        assert 'kubernetes_feature_enabled{name="EnvFiles",stage="ALPHA"} 0.0' in metrics
