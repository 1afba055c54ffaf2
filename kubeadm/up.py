"""`sampan up`: from a bare machine to a Ready node and a running demo, each step with its time."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path

from apimachinery import conditions, scheme
from apimachinery.errors import NotFoundError, StatusError
from apimachinery.objects import Object
from apimachinery.serialize import to_yaml
from apimachinery.times import parse_time
from client.errors import ConnectionFailed
from client.rest import Client
from component_base.clock import now
from component_base.kubeconfig import load
from kubeadm import certs, demo, engine, host, kubeconfigs, status, storage, sysctls
from kubeadm.components import components, kubelet_configuration, kubelets, node_names
from kubeadm.config import ClusterConfig
from kubeadm.down import clean_up
from kubeadm.findings import Level
from kubeadm.launcher import launcher_of
from kubeadm.progress import Progress
from kubeadm.units import Unit

API_LIMIT = 60.0
NODE_LIMIT = 60.0
USER_AGENT = "sampan-up"


async def up(config: ClusterConfig, *, with_demo: bool = True) -> None:
    """Brings the cluster up; what is there already is left as it is. Raises HostError, TimeoutError."""
    progress = Progress()
    renewed = prepare(config, progress)
    former = launcher_of(config).units()
    begun = start(config, progress, afresh=renewed)
    client = Client(load(str(config.admin_kubeconfig)), user_agent=USER_AGENT)
    try:
        await wait_until_ready(config, client, progress, begun)
        await _forget_nodes(config, former, client, progress)
        with progress.step("StorageClass") as notes:
            notes.append(await storage.ensure(client, config))
        if with_demo:
            await demo.show(client, config, progress)
    finally:
        await client.aclose()


async def _forget_nodes(
    config: ClusterConfig, former: Sequence[Unit], client: Client, progress: Progress
) -> None:
    """Removes the nodes that this machine no longer is, and what they left here."""
    present = {node.name for node in config.nodes}
    for kubelet in kubelets(former):
        [name] = node_names([kubelet])
        if name not in present:
            with progress.step(f"node {name} removed"):
                await asyncio.to_thread(clean_up, "kubelet", kubelet.flags)
                with suppress(NotFoundError):
                    await client.delete(scheme.NODES, name)


async def timed_start(config: ClusterConfig) -> float:
    """Seconds from the first process to the node's Ready, on a machine that `up` has prepared before."""
    make_folders(config)
    progress = Progress()
    began = time.monotonic()
    begun = start(config, progress)
    client = Client(load(str(config.admin_kubeconfig)), user_agent=USER_AGENT)
    try:
        await wait_until_ready(config, client, progress, begun)
    finally:
        await client.aclose()
    return time.monotonic() - began


def prepare(config: ClusterConfig, progress: Progress) -> bool:
    """Everything but the processes; returns whether there are certificates that running ones don't know."""
    host.require_root()
    prepare_machine(config, progress, host.PROGRAMS)
    _examine(config, progress)
    with progress.step("certificates and kubeconfigs") as notes:
        made = certs.ensure_pki(config)
        kubeconfigs.write_kubeconfigs(config)
        write_configuration(config, kubelet_configuration(config))
        _give_to_caller(config.admin_kubeconfig)
        notes.append(f"{len(made)} made" if made else "all still good")
    return bool(made)


def prepare_machine(config: ClusterConfig, progress: Progress, programs: Sequence[host.Program]) -> None:
    """What any node needs: programs, folders, Docker, images. Raises HostError."""
    with progress.step("host"):
        host.ensure_programs(progress.say, programs)
        make_folders(config)
    with progress.step("docker") as notes:
        notes.append("started" if engine.ensure_engine(config.state_dir) else "runs already")
    sysctls.note(config.state_dir)  # only now: the engine loads what has some of them
    with progress.step("images") as notes:
        notes += _local_images() or ["there already"]


def write_configuration(config: ClusterConfig, kubelet: Object) -> None:
    """The daemons' configuration files, in upstream's formats."""
    config.config_dir.mkdir(parents=True, exist_ok=True)
    (config.config_dir / "kubelet.yaml").write_text(to_yaml(kubelet))


def _examine(config: ClusterConfig, progress: Progress) -> None:
    """What would keep the cluster from working is told now, not found out later. Raises HostError.

    Ports are looked at later, when what a killed supervisor left behind has been ended.
    """
    from kubeadm.preflight.checks import check, errors
    from kubeadm.preflight.reader import read_host

    with progress.step("preflight") as notes:
        findings = check(read_host(config))
        if wrong := [each for each in errors(findings) if each.check != "ports"]:
            raise host.HostError("\n".join(f"{each.text}; {each.fix}" for each in wrong))
        warnings = sum(each.level is Level.WARNING for each in findings)
        notes.append(f"{warnings} warnings, see: sampan doctor host" if warnings else "all well")


def make_folders(config: ClusterConfig) -> None:
    """Where everything is kept. Whoever reaches etcd or the keys is the administrator: that is root alone."""
    for folder in (config.log_dir, config.run_dir):
        folder.mkdir(parents=True, exist_ok=True)
    for secret in (config.pki, config.state_dir / "etcd", config.etcd_socket.parent):
        secret.mkdir(parents=True, exist_ok=True)
        secret.chmod(0o700)


def _local_images() -> list[str]:
    """Has the kubelet's package make the images that no registry gave; it is the one that knows Docker."""
    command = [sys.executable, "-P", "-m", "kubelet.images.local"]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        raise host.HostError(f"local images could not be made:\n{done.stderr[-2000:]}")
    return done.stdout.split()


def _give_to_caller(path: Path) -> None:
    """Under sudo the administrator's kubeconfig belongs to the person, not to root."""
    if uid := os.environ.get("SUDO_UID"):
        shutil.chown(path, int(uid), int(os.environ.get("SUDO_GID", uid)))


def start(config: ClusterConfig, progress: Progress, *, afresh: bool = False) -> dict[str, datetime]:
    """Starts the processes; those that run are left alone unless their flags or certificates are old.

    Returns, of each node with a new kubelet, a moment before that began.
    """
    began = now().replace(microsecond=0)
    etcd = host.find("etcd")
    assert etcd is not None, "host.ensure_programs has found it"
    with progress.step("processes") as notes:
        wanted = components(config, etcd)
        started = launcher_of(config).apply(wanted, afresh=afresh)
        notes.append(", ".join(started) or "run already")
    return dict.fromkeys(node_names(unit for unit in wanted if unit.name in started), began)


async def wait_until_ready(
    config: ClusterConfig, client: Client, progress: Progress, begun: Mapping[str, datetime]
) -> None:
    """The API answers and every node of this machine is Ready. Raises TimeoutError."""
    with progress.step(f"apiserver ready at {config.server}"):
        message = "the apiserver is not ready"
        with _explained(config):
            await _until(API_LIMIT, lambda: _api_is_ready(client), message)
    for node in config.nodes:
        await wait_for_node(config, node.name, client, progress, begun.get(node.name))


async def wait_for_node(
    config: ClusterConfig, name: str, client: Client, progress: Progress, since: datetime | None = None
) -> None:
    """Until its kubelet says that it is Ready; one that has begun after `since`, where that is told."""
    with progress.step(f"node {name} Ready"):
        message = f"node {name} is not Ready"
        with _explained(config):
            await _until(NODE_LIMIT, lambda: _node_is_ready(client, name, since), message)


@contextmanager
def _explained(config: ClusterConfig) -> Iterator[None]:
    """Adds to a time-out which processes are down: theirs may be the cause, in another log."""
    try:
        yield
    except TimeoutError as error:
        raise TimeoutError(
            "\n".join([str(error), *(f"  {line}" for line in status.trouble(config))])
        ) from None


async def _until(limit: float, is_so: Callable[[], Awaitable[bool]], message: str) -> None:
    """Asks every 50 ms: there is no watch to be had from a server that is not up yet."""
    try:
        async with asyncio.timeout(limit):
            while not await is_so():  # noqa: ASYNC110 - the state is another process's, not an Event here
                await asyncio.sleep(0.05)
    except TimeoutError:
        raise TimeoutError(message) from None


async def _api_is_ready(client: Client) -> bool:
    try:
        await client.request("GET", "/readyz")
    except (StatusError, ConnectionFailed):
        return False
    return True


async def _node_is_ready(client: Client, name: str, since: datetime | None) -> bool:
    try:
        node = await client.get(scheme.NODES, name)
    except (StatusError, ConnectionFailed):
        return False
    return is_ready(node, since)


def is_ready(node: Object, since: datetime | None = None) -> bool:
    """What was said before `since` was said by a kubelet of a former life."""
    ready = conditions.condition_of(node, "Ready")
    if ready is None or ready["status"] != "True":
        return False
    return since is None or parse_time(ready["lastHeartbeatTime"]) >= since
