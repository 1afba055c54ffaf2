"""`make bench`: starts a cluster of its own, measures it, takes it away, prints ratios.

`--only` takes some of the groups: start, idle, yardsticks, cli, crud, list, watch, pods, kubelet, sched,
workloads, memory.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from bench import apiload, cli, kubelet, processes, report, scheduling, workloads, yardsticks
from component_base.addresses import primary_address
from kubeadm import engine, host, supervisor
from kubeadm.config import ClusterConfig, default_node_name, state_dir_from_environment

TOOLS = (
    host.Program("go", "golang-go", "builds the load generator"),
    host.Program("wrk", "wrk", "asks a bare server, for comparison"),
)
SETTLE = 20.0
IDLE = 20.0
Measured = dict[str, float]
SAMPAN = Path(sys.executable).with_name("sampan")


def _start(config: ClusterConfig, quick: bool) -> Measured:
    """From the first process, PKI and images there, to the node's Ready."""
    from kubeadm.up import timed_start

    subprocess.run([SAMPAN, "up", "--no-demo"], check=True, stdout=subprocess.DEVNULL)
    subprocess.run([SAMPAN, "down", "--keep"], check=True, stdout=subprocess.DEVNULL)
    # A new cluster, not an old one's data: what stays are the certificates and the images.
    subprocess.run(["rm", "-rf", str(config.state_dir / "etcd")], check=True)
    engine.ensure_engine(config.state_dir)
    return {"start to node Ready": asyncio.run(timed_start(config))}


def _idle(config: ClusterConfig, quick: bool) -> Measured:
    time.sleep(SETTLE)
    share = processes.cpu(config, IDLE)
    memory = processes.resident(config)
    for name, mebibytes in memory.items():
        print(f"  {name:<26} {mebibytes:6.0f} MiB  {share.get(name, 0):5.1f} % CPU")
    return {"idle RSS": sum(memory.values())}


def _load(test: str, *options: str) -> Callable[[ClusterConfig, bool], Measured]:
    def measure(config: ClusterConfig, quick: bool) -> Measured:
        with tempfile.TemporaryDirectory() as folder:
            binary = apiload.build(Path(folder))
            return apiload.run(binary, config, test, "-runs", "1" if quick else "3", *options)

    return measure


def _pods(config: ClusterConfig, quick: bool) -> Measured:
    started = _load("podstart", "-n", "5")(config, quick)
    deployed = _load("deploy", "-replicas", "30")(config, quick)
    return started | deployed


def _cli(config: ClusterConfig, quick: bool) -> Measured:
    found = cli.ratio(config, 10 if quick else 30)
    return {} if found is None else {"sampan get pods": found}


def _yardsticks(config: ClusterConfig, quick: bool) -> Measured:
    for connections in (1, 16, 64):
        bare = yardsticks.bare_uvicorn(config, connections)
        puts, gets = asyncio.run(yardsticks.etcd_rates(config, connections))
        print(f"  c={connections:<3} bare uvicorn {bare:7.0f}/s   etcd put {puts:6.0f}/s   get {gets:6.0f}/s")
    return {}


def _after_load(config: ClusterConfig, quick: bool) -> Measured:
    memory = processes.resident(config)
    for name, mebibytes in memory.items():
        print(f"  {name:<26} {mebibytes:6.0f} MiB")
    return {"RSS after load": sum(memory.values())}


GROUPS: dict[str, Callable[[ClusterConfig, bool], Measured]] = {
    "start": _start,
    "idle": _idle,
    "yardsticks": _yardsticks,
    "cli": _cli,
    "crud": _load("crud", "-n", "3000"),
    "list": _load("list"),
    "watch": _load("watch", "-n", "500"),
    "pods": _pods,
    "kubelet": kubelet.measure,
    "sched": scheduling.measure,
    "workloads": workloads.measure,
    "memory": _after_load,
}


def main(
    only: Annotated[str, typer.Option(help="Comma-separated groups; all if empty.")] = "",
    quick: Annotated[bool, typer.Option(help="One run of each instead of three.")] = False,
    output: Annotated[Path | None, typer.Option(help="Write the figures to this JSON file.")] = None,
) -> None:
    """Measure a cluster on this machine; one that runs already is used and left running."""
    config = ClusterConfig(
        state_dir=state_dir_from_environment(), node_name=default_node_name(), node_ip=primary_address()
    )
    names = only.split(",") if only else list(GROUPS)
    if unknown := [name for name in names if name not in GROUPS]:
        raise typer.BadParameter(
            f"no group {', '.join(unknown)}; there are {', '.join(GROUPS)}", param_hint="--only"
        )
    host.ensure_programs(print, TOOLS)
    ours = not supervisor.is_running(config.run_dir)
    if not ours and "start" in names:
        names.remove("start")
        print("a cluster runs already: its start is not measured")
    measured: Measured = {}
    try:
        if ours and "start" not in names:
            subprocess.run([SAMPAN, "up", "--no-demo"], check=True, stdout=subprocess.DEVNULL)
        for name in names:
            print(f"{name} …", flush=True)
            measured |= GROUPS[name](config, quick)
    finally:
        if ours:
            subprocess.run([SAMPAN, "down"], check=True, stdout=subprocess.DEVNULL)
    print("\n".join(report.lines(measured)))
    if output:
        output.write_text(json.dumps(measured, indent=1))


if __name__ == "__main__":
    typer.run(main)
