"""How many pods a second are decided, and bound, on a hundred, a thousand and five thousand described nodes.

Decided is what the scheduler's own histogram says of the time that its algorithm takes. Bound is what a watch
sees, from the first pod to the last: once with pods that were there before the scheduler started, and once
while they are being created, which takes the same processors.
"""

from __future__ import annotations

import asyncio
import re
import sys
import tempfile
from pathlib import Path

from bench import apiload
from client.rest import Client
from component_base.kubeconfig import load
from kubeadm.config import ClusterConfig

SIZES = ((100, 2000), (1000, 5000), (5000, 5000))
"""Nodes and pods; of the first two we have upstream's figures."""
BOUND = "throughput first..last bound"
HISTOGRAM = "scheduler_scheduling_algorithm_duration_seconds"


def measure(config: ClusterConfig, quick: bool) -> dict[str, float]:
    measured: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as folder:
        binary = apiload.build(Path(folder))
        for nodes, pods in SIZES[:1] if quick else SIZES:
            measured |= _at(config, binary, nodes, pods)
    return measured


def _at(config: ClusterConfig, binary: Path, nodes: int, pods: int) -> dict[str, float]:
    size = ("-runs", "1", "-nodes", str(nodes), "-pods", str(pods))
    switch = f"{sys.executable} -m bench.scheduler_switch %s {config.run_dir}"
    cold = apiload.run(
        binary, config, "sched", *size, "-sched-stop", switch % "off", "-sched-start", switch % "on"
    )[BOUND]
    before = asyncio.run(_decisions(config))
    meanwhile = apiload.run(binary, config, "sched", *size)[BOUND]
    after = asyncio.run(_decisions(config))
    decided = (after[0] - before[0]) / (after[1] - before[1])
    print(
        f"  {nodes} nodes, {pods} pods: {decided:.0f} decided/s, {cold:.0f} bound/s, "
        f"{meanwhile:.0f} while being created"
    )
    return {
        f"decided, {nodes} nodes": decided,
        f"bound, {nodes} nodes": cold,
        f"bound while created, {nodes} nodes": meanwhile,
    }


async def _decisions(config: ClusterConfig) -> tuple[float, float]:
    """How many the scheduler has made, and the seconds they took."""
    client = Client(load(config.admin_kubeconfig), user_agent="sampan-bench")
    try:
        path = f"/api/v1/nodes/https:{config.node_name}:10259/proxy/metrics"
        text = (await client.request("GET", path)).decode()
    finally:
        await client.aclose()
    return _value(text, "count"), _value(text, "sum")


def _value(text: str, part: str) -> float:
    found = re.search(rf"^{HISTOGRAM}_{part} (\S+)$", text, re.MULTILINE)
    return float(found[1]) if found else 0.0
