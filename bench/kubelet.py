"""A real node: how fast pods start and go beside Docker itself, what rest, probes and a restart cost."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import time

from bench import docker_itself, processes
from bench.pods import Herd, herd
from kubeadm.config import ClusterConfig

FEW, FULL, PROBED = 30, 110, 100
QUIET, CPU_SECONDS = 10.0, 30.0
Measured = dict[str, float]

SERVER = ["sh", "-c", "mkdir /w && httpd -f -p 8080 -h /w"]
PROBE = {"tcpSocket": {"port": 8080}, "periodSeconds": 1}


def measure(config: ClusterConfig, quick: bool) -> Measured:
    return asyncio.run(_measure(config, quick))


async def _measure(config: ClusterConfig, quick: bool) -> Measured:
    async with herd(config) as pods:
        found = await _starts(pods, 1, 3 if quick else 10)
        found |= await _starts(pods, FEW, 1)
        found |= await _full(config, pods)
        found |= await _probed(config, pods, found["kubelet CPU, 110 pods"])
    return found


async def _starts(pods: Herd, count: int, rounds: int) -> Measured:
    """Ours and Docker's own in turns, and the ratio of their medians."""
    ours: list[float] = []
    gone: list[float] = []
    docker: list[float] = []
    for _ in range(rounds):
        docker += await asyncio.to_thread(docker_itself.start_pairs, count)
        ours += await pods.start(count)
        gone += await pods.delete()
    ours, docker = sorted(ours), sorted(docker)
    _show(f"{count} pods", ours, gone)
    print(f"  Docker itself{'':<22} p50 {_at(docker, 0.5):6.2f} s   last {docker[-1]:6.2f} s")
    return {
        f"{count} pods beside Docker": ours[-1] / docker[-1]
        if count > 1
        else _at(ours, 0.5) / _at(docker, 0.5)
    }


async def _full(config: ClusterConfig, pods: Herd) -> Measured:
    started = await pods.start(FULL)
    await asyncio.sleep(QUIET)
    idle = await _kubelet_cpu(config)
    steady, cost = await _restart(config, pods)
    _show(f"{FULL} pods", started, await pods.delete())
    print(f"  idle {idle:.1f} % CPU   restart to steady {steady:.1f} s, {cost:.1f} s CPU")
    return {
        f"{FULL} pods ready": started[-1],
        f"kubelet CPU, {FULL} pods": idle,
        f"kubelet restart, {FULL} pods": steady,
    }


async def _probed(config: ClusterConfig, pods: Herd, idle: float) -> Measured:
    await pods.start(PROBED, command=SERVER, readinessProbe=PROBE, livenessProbe=PROBE)
    await asyncio.sleep(QUIET)
    probing = await _kubelet_cpu(config)
    await pods.delete()
    print(f"  {PROBED} pods with two probes a second: {probing:.1f} % CPU")
    return {"CPU of 200 probes a second": probing - idle}


async def _restart(config: ClusterConfig, pods: Herd) -> tuple[float, float]:
    """Killed; seconds until its successor knows all pods again, and the CPU seconds that took."""
    old, began = _kubelet(config), time.monotonic()
    os.kill(old, signal.SIGKILL)
    while await _known_pods(config, pods) < FULL or _kubelet(config) == old:  # noqa: ASYNC110
        await asyncio.sleep(0.2)
    return time.monotonic() - began, processes.seconds_of(_kubelet(config))


async def _known_pods(config: ClusterConfig, pods: Herd) -> int:
    """How many the kubelet says run; 0 while it does not answer."""
    from apimachinery.errors import StatusError
    from client.errors import ConnectionFailed

    path = f"/api/v1/nodes/{config.node_name}/proxy/metrics"
    try:
        text = (await pods.client.request("GET", path)).decode()
    except (StatusError, ConnectionFailed):
        return 0
    found = re.search(r"^kubelet_running_pods (\S+)", text, re.MULTILINE)
    return int(float(found[1])) if found else 0


def _kubelet(config: ClusterConfig) -> int:
    return processes.pid_of(config, "kubelet")


async def _kubelet_cpu(config: ClusterConfig) -> float:
    return (await asyncio.to_thread(processes.cpu, config, CPU_SECONDS))["kubelet"]


def _show(what: str, started: list[float], gone: list[float]) -> None:
    print(
        f"  {what:<10} ready p50 {_at(started, 0.5):6.2f} s   p99 {_at(started, 0.99):6.2f} s   "
        f"last {started[-1]:6.2f} s   gone p50 {_at(sorted(gone), 0.5):6.2f} s   last {max(gone):6.2f} s"
    )


def _at(values: list[float], share: float) -> float:
    return values[min(int(len(values) * share), len(values) - 1)]
