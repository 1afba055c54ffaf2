"""What only a real engine can show: how containers are confined, how they fail, what a restart remembers."""

from __future__ import annotations

import asyncio
import io
import json
import os
import subprocess
import tarfile
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest

from kubelet.network.cleanup import cleanup_network
from kubelet.runtime.docker.cleanup import cleanup_node
from kubelet.runtime.docker.engine import DEFAULT_ENDPOINT
from kubelet.runtime.docker.log_links import LogLinks
from kubelet.runtime.docker.runtime import DockerRuntime
from kubelet.runtime.interface import (
    ContainerRuntimeError,
    ContainerState,
    LogOptions,
    Mount,
    Resources,
    RunContainerError,
    RuntimeUnavailable,
    Security,
)
from tests.integration.runtime_twins import (
    Node,
    container,
    docker_node,
    new_docker_runtime,
    require_docker,
    shell,
)

pytestmark = pytest.mark.docker

SOCKET = "/var/run/docker.sock"


@pytest.fixture
async def node() -> AsyncIterator[Node]:
    require_docker()
    async with docker_node() as made:
        yield made


async def output(node: Node, made: str) -> str:
    return b"".join([data async for data in await node.runtime.logs(made, LogOptions())]).decode()


async def run(node: Node, config: object, **options: object) -> str:
    """What the container printed until its end."""
    uid, made = await node.start(config, **options)  # type: ignore[arg-type]
    await node.ended(uid)
    return await output(node, made)


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        pytest.param(shell("echo $A $PWD", env=(("A", "b"),), working_dir="/tmp"), "b /tmp\n", id="env"),
        pytest.param(container("echo", args=("x", "y")), "x y\n", id="command and args"),
        pytest.param(shell("hostname"), "host-a\n", id="hostname of the sandbox"),
        pytest.param(
            shell("id -u; id -G", security=Security(user="1000:2000", supplemental_groups=(3000,))),
            "1000\n2000 3000\n", id="user and groups",
        ),
        pytest.param(
            shell("touch /x 2>/dev/null || echo refused", security=Security(read_only_root=True)),
            "refused\n", id="read-only root",
        ),
        pytest.param(
            shell("grep NoNewPrivs /proc/self/status", security=Security(no_new_privileges=True)),
            "NoNewPrivs:\t1\n", id="no new privileges",
        ),
        pytest.param(
            shell("grep CapEff /proc/self/status", security=Security(drop_capabilities=("ALL",))),
            "CapEff:\t0000000000000000\n", id="no capabilities",
        ),
        pytest.param(
            shell("ifconfig lo down && echo done", security=Security(add_capabilities=("NET_ADMIN",))),
            "done\n", id="one capability more",
        ),
        pytest.param(
            shell("mkdir /m; mount -t tmpfs none /m && echo done", security=Security(privileged=True)),
            "done\n", id="privileged, as far as this machine goes",
        ),
        pytest.param(
            shell("cat /proc/self/oom_score_adj", resources=Resources(oom_score_adj=500)),
            "500\n", id="OOM score",
        ),
    ],
)  # fmt: skip
async def test_container_is_as_it_was_asked_for(node, config, expected):
    assert await run(node, config) == expected


async def test_a_seccomp_profile_of_the_nodes_own_forbids_what_it_says(node, tmp_path):
    profile = {
        "defaultAction": "SCMP_ACT_ALLOW",
        "syscalls": [{"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO"}],
    }
    path = tmp_path / "profile.json"
    path.write_text(json.dumps(profile, indent=1))
    script = "mkdir /x 2>/dev/null || echo refused"
    assert await run(node, shell(script, security=Security(seccomp=str(path)))) == "refused\n"
    missing = r'cannot load seccomp profile "/.*": open /.*: no such file or directory'
    with pytest.raises(ContainerRuntimeError, match=missing):
        await node.start(shell(script, security=Security(seccomp=f"{path}.none")))


async def test_negative_oom_score_does_not_keep_it_from_starting(node):
    uid, _ = await node.start(container("true", resources=Resources(oom_score_adj=-997)))
    assert (await node.ended(uid)).exit_code == 0


async def test_sandbox_has_the_pods_dns_and_sysctls(node):
    printed = await run(
        node,
        shell("cat /etc/resolv.conf /proc/sys/net/ipv4/ip_unprivileged_port_start"),
        dns_servers=("10.96.0.10",),
        dns_searches=("ns.svc.cluster.local", "svc.cluster.local"),
        dns_options=("ndots:5",),
        sysctls={"net.ipv4.ip_unprivileged_port_start": "80"},
    )
    assert printed == (
        "search ns.svc.cluster.local svc.cluster.local\nnameserver 10.96.0.10\noptions ndots:5\n80\n"
    )


async def test_mounts_can_be_written_or_only_read(node, tmp_path):
    (tmp_path / "in").write_text("given")
    mounts = (Mount(str(tmp_path), "/rw"), Mount(str(tmp_path / "in"), "/ro/in", read_only=True))
    printed = await run(
        node, shell("cat /ro/in; echo x 2>/dev/null > /ro/in; echo made > /rw/out", mounts=mounts)
    )
    assert printed == "given"
    assert (tmp_path / "out").read_text() == "made\n"
    assert (tmp_path / "in").read_text() == "given"


async def test_the_whole_host_can_be_mounted_though_it_holds_the_engines_own_folder(node, tmp_path):
    (tmp_path / "in").write_text("given")
    printed = await run(node, shell(f"cat /host{tmp_path}/in", mounts=(Mount("/", "/host", read_only=True),)))
    assert printed == "given"


async def test_containers_of_a_pod_share_network_and_ipc_but_not_processes(node):
    uid, _ = await node.start(container("httpd", "-f", "-p", "127.0.0.1:8080", "-h", "/etc"))
    sandbox = (await node.pod(uid)).sandboxes[0]
    second = shell(
        "wget -qO- http://127.0.0.1:8080/group | head -1; ps | grep -c '[h]ttpd -f'", name="second"
    )
    made = await node.runtime.create_container(uid, sandbox.id, second)
    await node.runtime.start_container(made)
    await node.until(uid, lambda each: each.name == "second" and each.state is ContainerState.EXITED)
    assert await output(node, made) == "root:x:0:\n0\n"


async def test_shared_process_namespace_has_an_init_that_reaps(node):
    orphan = "sh -c 'sleep 0.1 & exit 0'; sleep 0.5"
    script = f"cat /proc/1/comm; {orphan}; grep -l 'Z (zombie)' /proc/[0-9]*/status | wc -l"
    assert await run(node, shell(script), share_process_namespace=True) == "pause\n0\n"


@pytest.mark.parametrize(
    ("config", "words"),
    [
        (container("/no/such/command"), "no such file or directory"),
        (container("no-such-command"), "executable file not found in \\$PATH"),
        (container("/etc/passwd"), "permission denied"),
    ],
    ids=["absent file", "absent in PATH", "not executable"],
)
async def test_failed_start_says_why_and_stays_visible(node, config, words):
    uid, sandbox = await node.sandbox()
    made = await node.runtime.create_container(uid, sandbox.id, config)
    with pytest.raises(RunContainerError, match=words):
        await node.runtime.start_container(made)
    seen = (await node.pod(uid)).containers[0]
    assert (seen.state, seen.exit_code, seen.started_at) == (ContainerState.EXITED, 128, 0.0)
    assert seen.finished_at > 0
    assert seen.error


@pytest.mark.parametrize("script", ["exec {}", "{} && sleep 100"], ids=["itself", "its child"])
async def test_what_is_killed_at_once_is_known_to_be_oom_killed(node, script):
    """Docker is often too late to know it."""
    greedy = script.format("dd if=/dev/zero of=/dev/null bs=20M count=1")
    uid, _ = await node.start(shell(greedy, resources=Resources(memory_limit=16 << 20)))
    ended = await node.ended(uid)
    assert (ended.exit_code, ended.oom_killed) == (137, True)


async def test_container_over_its_memory_limit_is_oom_killed(node):
    limits = Resources(memory_limit=16 << 20)
    uid, _ = await node.start(shell("tail /dev/zero", resources=limits))
    seen = await node.ended(uid)
    assert (seen.oom_killed, seen.exit_code) == (True, 137)


@pytest.mark.parametrize(
    ("script", "grace", "code"),
    [
        pytest.param("trap 'exit 5' TERM; while :; do sleep 0.05; done", 10, 5, id="obeys SIGTERM"),
        pytest.param("trap '' TERM; while :; do sleep 0.05; done", 1, 137, id="is killed after its grace"),
    ],
)
async def test_stop_is_gentle_first(node, script, grace, code):
    uid, made = await node.start(shell(script))
    await asyncio.sleep(0.2)
    await node.runtime.stop_container(made, grace)
    assert (await node.pod(uid)).containers[0].exit_code == code


async def test_terminal_of_an_exec_has_a_size(node):
    _, made = await node.start(container("sleep", "100"))
    stream = await node.runtime.exec(made, ["sh"], stdin=True, stdout=True, stderr=True, tty=True)
    await stream.resize(132, 43)
    await stream.write(b"stty size; exit 6\n")
    printed = b""
    while (piece := await stream.read()) is not None:
        printed += piece[1]
    assert b"43 132" in printed
    assert await stream.wait() == 6
    await stream.close()


async def test_terminal_of_a_container_is_attached_and_logged(node):
    uid, made = await node.start(container("sh", stdin=True, tty=True))
    stream = await node.runtime.attach(made, stdin=True, stdout=True, stderr=True, tty=True)
    await stream.resize(100, 30)
    await stream.write(b"stty size; exit 3\n")
    printed = b""
    while (piece := await stream.read()) is not None:
        printed += piece[1]
    assert b"30 100\r\n" in printed
    assert await stream.wait() == 3
    await stream.close()
    assert (await node.ended(uid)).exit_code == 3
    assert "30 100" in await output(node, made)


async def test_much_goes_through_an_exec_both_ways(node):
    _, made = await node.start(container("sleep", "100"))
    stream = await node.runtime.exec(made, ["cat"], stdin=True, stdout=True, stderr=True, tty=False)
    sent = bytes(range(256)) * 4096

    async def send() -> None:
        for _ in range(8):
            await stream.write(sent)
        await stream.close_stdin()

    sending = asyncio.create_task(send())
    received = bytearray()
    while (piece := await stream.read()) is not None:
        received += piece[1]
    await sending
    assert bytes(received) == sent * 8
    assert await stream.wait() == 0
    await stream.close()


@pytest.mark.parametrize("tty", [False, True])
async def test_long_line_of_a_log_has_one_timestamp(node, tty):
    uid, made = await node.start(shell("head -c 40000 /dev/zero | tr '\\0' x; echo; echo end", tty=tty))
    await node.ended(uid)
    logs = await node.runtime.logs(made, LogOptions(timestamps=True))
    lines = b"".join([data async for data in logs]).decode().splitlines()
    assert [line.partition("Z ")[2] for line in lines] == ["x" * 40000, "end"]


async def test_exec_that_timed_out_is_killed(node):
    _, made = await node.start(container("sleep", "100"))
    with pytest.raises(TimeoutError):
        await node.runtime.exec_sync(made, ["sleep", "1234"], 0.3)
    left = await node.runtime.exec_sync(made, ["sh", "-c", "ps | grep -c '[s]leep 1234'"], 5)
    assert left.output == b"0\n"


async def test_command_that_cannot_begin_is_an_error_not_an_answer(node):
    _, made = await node.start(container("sleep", "100"))
    with pytest.raises(ContainerRuntimeError, match="executable file not found"):
        await node.runtime.exec_sync(made, ["no-such-command"], 5)


async def test_restarted_kubelet_finds_everything_again(node):
    uid, made = await node.start(container("sleep", "100", annotations={"k": "v"}))
    before = await node.pod(uid)
    again = new_docker_runtime(node.runtime._network.node)[0]
    await again.update_pod_cidr(node.runtime._network.pod_cidr)
    assert await again.get_pod(uid) == before
    taken = {again._network.take_address(str(each)) for each in range(3)}
    assert not taken & set(before.sandboxes[0].ips)
    assert (await again.exec_sync(made, ["true"], 5)).exit_code == 0
    await again.close()


async def test_container_left_by_a_broken_attempt_makes_room(node):
    uid, sandbox = await node.sandbox()
    left = await node.runtime.create_container(uid, sandbox.id, container("sleep", "1"))
    made = await node.runtime.create_container(uid, sandbox.id, container("sleep", "2"))
    assert made != left
    assert [each.id for each in (await node.pod(uid)).containers] == [made]


async def test_image_cannot_tell_the_kubelet_anything(node):
    import docker

    from kubelet.images.local import pause_layer

    lies = '{"annotations": {"lie": "1"}, "labels": {"lie": "1"}}'.replace('"', '\\"')
    with closing(docker.APIClient(version="auto")) as client:
        changes = [f'LABEL sampan.io/memory="{lies}" lie=1 sampan.io/attempt=9', 'ENTRYPOINT ["/pause"]']
        client.import_image_from_data(pause_layer(), repository="sampan-test-liar", tag="1", changes=changes)
        try:
            uid, _ = await node.start(container(image="sampan-test-liar:1"))
            seen = (await node.pod(uid)).containers[0]
            assert (seen.labels, seen.annotations, seen.attempt) == ({}, {}, 0)
            await node.remove_all()
        finally:
            client.remove_image("sampan-test-liar:1")


async def test_nodes_that_share_an_engine_see_their_own_pods_only(node):
    async with docker_node() as other:
        uid, made = await node.start(container("sleep", "100"))
        theirs, _ = await other.start(container("httpd", "-f", "-h", "/etc"))
        assert set(await node.runtime.list_pods()) == {uid}
        assert set(await other.runtime.list_pods()) == {theirs}
        address = (await other.pod(theirs)).sandboxes[0].ips[0]
        answer = await node.runtime.exec_sync(made, ["wget", "-qO-", f"http://{address}/group"], 5)
        assert answer.output.startswith(b"root:")


async def test_absent_engine_is_unavailable_and_says_where(tmp_path):
    from kubelet.network.pod_network import PodNetwork

    runtime = DockerRuntime(PodNetwork("x"), endpoint=f"unix://{tmp_path}/none.sock")
    for call in (runtime.list_pods(), runtime.version(), runtime.stop_container("docker://a", 0)):
        with pytest.raises(RuntimeUnavailable, match=r"none\.sock"):
            await call
    with pytest.raises(RuntimeUnavailable):
        await anext(runtime.events())
    await runtime.close()


class Relay:
    """A socket before Docker's that can go away and come back, as a restarted dockerd does."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.writers: set[asyncio.StreamWriter] = set()

    async def start(self) -> None:
        self.server = await asyncio.start_unix_server(self._serve, self.path)

    async def stop(self) -> None:
        self.server.close()
        for writer in self.writers:
            writer.transport.abort()
        self.path.unlink()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        docker_reader, docker_writer = await asyncio.open_unix_connection(SOCKET)
        self.writers |= {writer, docker_writer}
        await asyncio.gather(_pump(reader, docker_writer), _pump(docker_reader, writer))


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    except OSError:
        return
    finally:
        writer.close()


async def test_engine_that_comes_back_is_found_again(tmp_path):
    from kubelet.network.pod_network import PodNetwork

    require_docker()
    relay = Relay(tmp_path / "docker.sock")
    await relay.start()
    runtime = DockerRuntime(PodNetwork("test-relay"), endpoint=f"unix://{relay.path}")
    events = runtime.events()
    assert (await anext(events)).pod_uid == ""
    assert await runtime.list_pods() == {}
    await relay.stop()
    with pytest.raises(RuntimeUnavailable):
        await anext(events)
    with pytest.raises(RuntimeUnavailable):
        await runtime.list_pods()
    await relay.start()
    assert await runtime.list_pods() == {}
    await runtime.close()
    await relay.stop()


async def test_cleanup_leaves_nothing_of_the_node(node):
    await node.start(container("sleep", "100"))
    name = node.runtime._network.node
    removed = await cleanup_node(name, DEFAULT_ENDPOINT, LogLinks())
    assert any(each.startswith("k8s_POD_pod-1_ns_") for each in removed)
    assert await node.runtime.list_pods() == {}
    assert await asyncio.to_thread(cleanup_network, name) == []
    assert await cleanup_node(name, DEFAULT_ENDPOINT, LogLinks()) == []


async def test_image_goes_with_all_its_names(node):
    names = [f"sampan-test/goes:{number}" for number in ("1", "2")]
    await asyncio.to_thread(_import_image, names)
    image = await node.runtime.image(names[0])
    assert image is not None
    assert sorted(image.tags) == names
    await node.runtime.remove_image(image.id)
    assert [await node.runtime.image(name) for name in (*names, image.id)] == [None, None, None]
    await node.runtime.remove_image(image.id)


async def test_image_in_use_keeps_all_its_names(node):
    names = [f"sampan-test/stays:{number}" for number in ("1", "2")]
    await asyncio.to_thread(_import_image, names)
    user = await asyncio.to_thread(_docker, "create", names[0], "/nothing")
    image = await node.runtime.image(names[0])
    try:
        with pytest.raises(ContainerRuntimeError, match="is used by container"):
            await node.runtime.remove_image(image.id)
        assert await node.runtime.image(names[1]) == image
    finally:
        await asyncio.to_thread(_docker, "rm", user)
    await node.runtime.remove_image(image.id)
    assert await node.runtime.image(names[0]) is None


async def test_disks_are_measured_of_containers_that_have_ended_too(node):
    uid, container_id = await node.start(shell("echo hello; head -c 2000000 /dev/zero > /file"))
    await node.ended(uid)
    disk = (await node.runtime.disk_usage([container_id]))[container_id]
    assert 2_000_000 <= disk.root.bytes < 3_000_000
    assert disk.logs.bytes > 0


def _import_image(names: list[str]) -> None:
    """One image of its own, so that nobody else's can go."""
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        tar.addfile(tarfile.TarInfo(f"{names[0]}-{os.getpid()}"))
    _docker("import", "-", names[0], stdin=archive.getvalue())
    _docker("tag", *names)


def _docker(*arguments: str, stdin: bytes | None = None) -> str:
    done = subprocess.run(["docker", *arguments], input=stdin, check=True, capture_output=True)
    return done.stdout.decode().strip()


async def test_an_image_is_copied_as_its_containers_see_it(node: Node, tmp_path: Path) -> None:
    import docker

    _, made = await node.start(shell("rm /etc/group; echo hi >/hello; chmod 600 /hello; ln -s /hello /link"))
    with closing(docker.APIClient()) as engine:
        engine.wait(made.removeprefix("docker://"))
        image = engine.commit(made.removeprefix("docker://"))["Id"]
        try:
            folder = tmp_path / "files"
            folder.mkdir()
            await node.runtime.copy_image(image, folder)
        finally:
            engine.remove_image(image)
    assert (folder / "hello").read_text() == "hi\n"
    assert (folder / "hello").stat().st_mode & 0o7777 == 0o600
    assert os.readlink(folder / "link") == "/hello"
    assert (folder / "bin" / "busybox").stat().st_mode & 0o111
    assert sorted(each.name for each in (folder / "etc").iterdir()) == ["passwd"]
    assert not (folder / ".dockerenv").exists()
    assert os.listdir(tmp_path) == ["files"], "no archive is left"


async def test_an_image_that_is_gone_cannot_be_copied(node: Node, tmp_path: Path) -> None:
    with pytest.raises(ContainerRuntimeError, match=r"no such|No such"):
        await node.runtime.copy_image("sha256:" + "0" * 64, tmp_path)
