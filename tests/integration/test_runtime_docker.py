"""What only a real engine can show: how containers are confined, how they talk, how they end."""

from __future__ import annotations

import asyncio
import json

import pytest

from kubelet.runtime.interface import (
    ContainerRuntimeError,
    ContainerState,
    ExecStream,
    LogOptions,
    Mount,
    Resources,
    RunContainerError,
    Security,
)
from tests.integration.runtime_twins import Node, container, shell

pytestmark = pytest.mark.docker


async def output(node: Node, made: str) -> str:
    return b"".join([data async for data in await node.runtime.logs(made, LogOptions())]).decode()


async def read_all(stream: ExecStream) -> bytes:
    """What comes until the end, of either channel."""
    received = bytearray()
    while (piece := await stream.read()) is not None:
        received += piece[1]
    return bytes(received)


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
        "until wget -qO- http://127.0.0.1:8080/group >/got 2>/dev/null; do sleep 0.1; done; "
        "head -1 /got; ps | grep -c '[h]ttpd -f'",
        name="second",
    )
    made = await node.runtime.create_container(uid, sandbox.id, second)
    await node.runtime.start_container(made)
    await node.until(uid, lambda each: each.name == "second" and each.state is ContainerState.EXITED)
    assert await output(node, made) == "root:x:0:\n0\n"


async def test_shared_process_namespace_has_an_init_that_reaps(node):
    orphan = "sh -c 'sleep 0.1 & exit 0'; sleep 0.5"
    reaped = "while grep -q 'Z (zombie)' /proc/[0-9]*/status 2>/dev/null; do sleep 0.1; done; echo reaped"
    script = f"cat /proc/1/comm; {orphan}; {reaped}"
    assert await run(node, shell(script), share_process_namespace=True) == "pause\nreaped\n"


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
        pytest.param("trap 'exit 5' TERM", 60, 5, id="obeys SIGTERM"),
        pytest.param("trap '' TERM", 1, 137, id="is killed after its grace"),
    ],
)
async def test_stop_is_gentle_first(node, script, grace, code):
    uid, made = await node.start(shell(f"{script}; echo listens; while :; do sleep 0.05; done"))
    logs = await node.runtime.logs(made, LogOptions(follow=True))
    assert await anext(logs) == b"listens\n"
    await logs.aclose()
    await node.runtime.stop_container(made, grace)
    assert (await node.pod(uid)).containers[0].exit_code == code


async def test_terminal_of_an_exec_has_a_size(node):
    _, made = await node.start(container("sleep", "100"))
    stream = await node.runtime.exec(made, ["sh"], stdin=True, stdout=True, stderr=True, tty=True)
    await stream.resize(132, 43)
    await stream.write(b"stty size; exit 6\n")
    printed = await read_all(stream)
    assert b"43 132" in printed
    assert await stream.wait() == 6
    await stream.aclose()


async def test_terminal_of_a_container_is_attached_and_logged(node):
    uid, made = await node.start(container("sh", stdin=True, tty=True))
    stream = await node.runtime.attach(made, stdin=True, stdout=True, stderr=True, tty=True)
    await stream.resize(100, 30)
    await stream.write(b"stty size; exit 3\n")
    printed = await read_all(stream)
    assert b"30 100\r\n" in printed
    assert await stream.wait() == 3
    await stream.aclose()
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
    assert await read_all(stream) == sent * 8
    await sending
    assert await stream.wait() == 0
    await stream.aclose()


@pytest.mark.parametrize("tty", [False, True])
async def test_long_line_of_a_log_has_one_timestamp(node, tty):
    uid, made = await node.start(shell("head -c 40000 /dev/zero | tr '\\0' x; echo; echo end", tty=tty))
    await node.ended(uid)
    logs = await node.runtime.logs(made, LogOptions(timestamps=True))
    lines = b"".join([data async for data in logs]).decode().splitlines()
    assert [line.partition("Z ")[2] for line in lines] == ["x" * 40000, "end"]


async def test_what_was_started_here_wakes_nobody(node):
    events = node.runtime.events()
    assert (await anext(events)).pod_uid == ""
    uid, made = await node.start(container("sleep", "100"))
    news = asyncio.create_task(anext(events))
    assert not (await asyncio.wait({news}, timeout=0.5))[0]
    await node.runtime.stop_container(made, 0)
    assert (await news).pod_uid == uid
    await events.aclose()


async def test_exec_that_timed_out_is_killed(node):
    _, made = await node.start(container("sleep", "100"))
    with pytest.raises(TimeoutError):
        await node.runtime.exec_sync(made, ["sleep", "1234"], 0.3)
    left = await node.runtime.exec_sync(made, ["sh", "-c", "ps | grep -c '[s]leep 1234'"], 60)
    assert left.output == b"0\n"


async def test_command_that_cannot_begin_is_an_error_not_an_answer(node):
    _, made = await node.start(container("sleep", "100"))
    with pytest.raises(ContainerRuntimeError, match="executable file not found"):
        await node.runtime.exec_sync(made, ["no-such-command"], 60)


async def test_container_left_by_a_broken_attempt_makes_room(node):
    uid, sandbox = await node.sandbox()
    left = await node.runtime.create_container(uid, sandbox.id, container("sleep", "1"))
    made = await node.runtime.create_container(uid, sandbox.id, container("sleep", "2"))
    assert made != left
    assert [each.id for each in (await node.pod(uid)).containers] == [made]


async def test_disks_are_measured_of_containers_that_have_ended_too(node):
    uid, container_id = await node.start(shell("echo hello; head -c 2000000 /dev/zero > /file"))
    await node.ended(uid)
    disk = (await node.runtime.disk_usage([container_id]))[container_id]
    assert 2_000_000 <= disk.root.bytes < 3_000_000
    assert disk.logs.bytes > 0
