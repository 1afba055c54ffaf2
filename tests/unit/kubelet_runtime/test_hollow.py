"""The hollow runtime under virtual time: what its containers play, and what a kubelet sees of it."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from kubelet.runtime.hollow import HollowImages, HollowRuntime
from kubelet.runtime.hollow.script import Play, Script, ScriptError, load_script
from kubelet.runtime.interface import (
    HOLLOW_PREFIX,
    ContainerConfig,
    ContainerState,
    CreateContainerError,
    ExecResult,
    ImagePullError,
    LogOptions,
    PullCredentials,
    Resources,
    RunContainerError,
    RuntimeContainer,
    RuntimeUnavailable,
    SandboxConfig,
    SandboxError,
    Security,
)

pytestmark = pytest.mark.looptime

EPOCH = datetime(2026, 1, 1, tzinfo=UTC)


def now() -> datetime:
    return EPOCH + timedelta(seconds=asyncio.get_running_loop().time())


def age() -> float:
    return asyncio.get_running_loop().time()


def container(*command: str, name: str = "web", **annotations: str) -> ContainerConfig:
    told = {HOLLOW_PREFIX + key.replace("_", "-"): value for key, value in annotations.items()}
    return ContainerConfig(
        name=name, attempt=0, image="busybox", command=command, args=None, working_dir="", env=(), mounts=(),
        resources=Resources(), security=Security(), annotations=told,
    )  # fmt: skip


class Node:
    def __init__(self, script: Script | None = None) -> None:
        images = HollowImages(["busybox"])
        self.runtime = HollowRuntime(now=now, pod_cidr="10.244.0.0/24", images=images, script=script)

    async def start(self, config: ContainerConfig, uid: str = "u") -> str:
        self.sandbox = await self.runtime.create_sandbox(SandboxConfig("ns", "pod", uid, 0, "pod"))
        made = await self.runtime.create_container(uid, self.sandbox.id, config)
        await self.runtime.start_container(made)
        return made

    async def seen(self, uid: str = "u") -> RuntimeContainer:
        pod = await self.runtime.get_pod(uid)
        assert pod is not None
        return pod.containers[0]

    async def ended(self) -> tuple[float, int]:
        """When, and with which code."""
        events = self.runtime.events()
        while (found := await self.seen()).state is not ContainerState.EXITED:
            await anext(events)
        return found.finished_at - EPOCH.timestamp(), found.exit_code


@pytest.fixture
def node() -> Node:
    return Node()


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        pytest.param(container(exit_after="3s", exit_code="2"), (3.0, 2), id="told by annotations"),
        pytest.param(container(exit_after="1s", oom="true"), (1.0, 137), id="killed for its memory"),
        pytest.param(container("sh", "-c", "sleep 2; echo x; exit 3"), (2.0, 3), id="told by its script"),
        pytest.param(container("/bin/false"), (0.0, 1), id="a command that fails"),
        pytest.param(container("sleep", "5"), (5.0, 0), id="sleep ends by itself"),
        pytest.param(container(start_latency="1500ms", exit_after="1s"), (2.5, 0), id="start takes a while"),
    ],
)
async def test_container_ends_when_and_how_it_was_told(node, config, expected):
    await node.start(config)
    assert await node.ended() == expected


@pytest.mark.parametrize(
    ("annotations", "grace", "expected"),
    [
        pytest.param({}, 30, (0.0, 143), id="obeys at once"),
        pytest.param({"stop_after": "4s", "stop_code": "0"}, 30, (4.0, 0), id="takes its time"),
        pytest.param({"stop_after": "40s"}, 5, (5.0, 137), id="killed after the grace"),
        pytest.param({}, 0, (0.0, 137), id="killed at once without grace"),
    ],
)
async def test_container_stops_as_it_was_told(node, annotations, grace, expected):
    made = await node.start(container("serve", **annotations))
    await node.runtime.stop_container(made, grace)
    assert await node.ended() == expected


async def test_start_error_leaves_an_exited_container_with_the_words(node):
    with pytest.raises(RunContainerError, match="no such file"):
        await node.start(container(start_error="exec: no such file"))
    seen = await node.seen()
    assert (seen.state, seen.exit_code, seen.error) == (ContainerState.EXITED, 128, "exec: no such file")


async def test_create_error_leaves_no_container(node):
    with pytest.raises(CreateContainerError, match="disk full"):
        await node.start(container(create_error="disk full"))
    pod = await node.runtime.get_pod("u")
    assert pod is not None
    assert pod.containers == ()


async def test_annotation_for_one_container_wins_over_that_for_all(node):
    config = container("serve", **{"exit_after": "9s", "exit_after.web": "2s"})
    await node.start(config)
    assert await node.ended() == (2.0, 0)


async def test_annotations_of_the_pod_reach_its_containers(node):
    runtime = node.runtime
    told = {HOLLOW_PREFIX + "ready-after": "2s", HOLLOW_PREFIX + "fail-after": "5s"}
    sandbox = await runtime.create_sandbox(SandboxConfig("ns", "pod", "u", 0, "pod", annotations=told))
    made = await runtime.create_container("u", sandbox.id, container("serve"))
    await runtime.start_container(made)
    answers = []
    for _ in range(7):
        answers.append(runtime.answers(made))
        await asyncio.sleep(1)
    assert answers == [False, False, True, True, True, False, False]


async def test_events_name_the_pod_at_every_change(node):
    events = node.runtime.events()
    assert (await anext(events)).pod_uid == ""
    await node.start(container("sleep", "2"))
    assert (await anext(events)).pod_uid == "u"
    assert (await anext(events)).pod_uid == "u"
    assert age() == 2.0


async def test_broken_engine_refuses_and_ends_the_events_but_containers_go_on(node):
    await node.start(container("sleep", "5"))
    events = node.runtime.events()
    await anext(events)
    waiting = asyncio.ensure_future(anext(events))
    await asyncio.sleep(1)
    node.runtime.break_engine()
    with pytest.raises(RuntimeUnavailable):
        await waiting
    with pytest.raises(RuntimeUnavailable):
        await node.runtime.list_pods()
    node.runtime.mend_engine()
    assert await node.ended() == (5.0, 0)


async def test_logs_follow_until_the_end(node):
    made = await node.start(container("sh", "-c", "echo a; sleep 1; echo b >&2; sleep 1; echo c"))
    options = LogOptions(follow=True, timestamps=True, stream="Stdout")
    lines = [line async for line in await node.runtime.logs(made, options)]
    assert lines == [b"2026-01-01T00:00:00.000000000Z a\n", b"2026-01-01T00:00:02.000000000Z c\n"]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        pytest.param(LogOptions(), b"a\nb\nc\n", id="all"),
        pytest.param(LogOptions(tail=2), b"b\nc\n", id="tail"),
        pytest.param(LogOptions(tail=0), b"", id="nothing of the past"),
        pytest.param(LogOptions(limit_bytes=3), b"a\nb", id="so many bytes"),
        pytest.param(LogOptions(stream="Stderr"), b"b\n", id="stderr"),
        pytest.param(LogOptions(since=EPOCH.timestamp() + 1), b"c\n", id="since"),
    ],
)
async def test_logs_show_what_was_asked_for(node, options, expected):
    made = await node.start(container("sh", "-c", "echo a; echo b >&2; sleep 1; echo c"))
    await node.ended()
    assert b"".join([line async for line in await node.runtime.logs(made, options)]) == expected


async def test_exec_runs_beside_the_container(node):
    made = await node.start(container("serve"))
    result = await node.runtime.exec_sync(made, ["sh", "-c", "echo hi; exit 7"], 1)
    assert result == ExecResult(7, b"hi\n")


async def test_exec_that_takes_too_long_times_out(node):
    made = await node.start(container("serve"))
    with pytest.raises(TimeoutError):
        await node.runtime.exec_sync(made, ["sleep", "10"], 2)
    assert age() == 2.0


async def test_attach_feeds_stdin_to_a_container_that_reads_it(node):
    made = await node.start(container("cat"))
    stream = await node.runtime.attach(made, stdin=True, stdout=True, stderr=True, tty=False)
    await stream.write(b"hello")
    assert await stream.read() == (1, b"hello")
    await stream.close_stdin()
    assert await stream.read() is None
    assert await stream.wait() == 0


async def test_dead_sandbox_takes_its_containers_along_and_gives_its_address_back(node):
    await node.start(container("serve"))
    node.runtime.kill_sandbox(node.sandbox.id)
    pod = await node.runtime.get_pod("u")
    assert pod is not None
    assert not pod.sandboxes[0].ready
    assert pod.containers[0].exit_code == 137


async def test_old_sandbox_goes_without_harm_to_the_containers_of_the_new_one(node):
    await node.start(container("serve"))
    old = node.sandbox
    node.runtime.kill_sandbox(old.id)
    await node.start(container("serve"))
    await node.runtime.remove_sandbox(old.id)
    pod = await node.runtime.get_pod("u")
    assert pod is not None
    assert sorted(each.state for each in pod.containers) == ["exited", "running"]


async def test_removed_pod_is_forgotten(node):
    made = await node.start(container("serve"))
    await node.runtime.stop_container(made, 0)
    await node.runtime.remove_container(made)
    await node.runtime.remove_sandbox(node.sandbox.id)
    await node.runtime.remove_sandbox(node.sandbox.id)
    assert await node.runtime.list_pods() == {}


async def test_sandbox_needs_a_pod_cidr_unless_it_is_on_the_hosts_network():
    runtime = HollowRuntime(now=now)
    assert not runtime.network_ready()
    with pytest.raises(SandboxError, match="podCIDR"):
        await runtime.create_sandbox(SandboxConfig("ns", "pod", "u", 0, "pod"))
    sandbox = await runtime.create_sandbox(SandboxConfig("ns", "pod", "u", 0, "pod", host_network=True))
    assert sandbox.ips == ("127.0.0.1",)
    await runtime.update_pod_cidr("10.244.3.0/24")
    assert runtime.network_ready()


async def test_images_can_be_scripted_to_fail_and_to_need_credentials():
    images = HollowImages(pull_latency=2)
    images.protect("reg.example/private", "me", "secret")
    images.fail("broken:1", "toomanyrequests: slow down")
    runtime = HollowRuntime(now=now, images=images)
    for image in ("reg.example/private", "broken:1", "reg.invalid/x:1"):
        with pytest.raises(ImagePullError):
            await runtime.pull_image(image, ())
    made = await runtime.pull_image("reg.example/private", [PullCredentials("me", "secret")])
    assert made.tags == ("reg.example/private:latest",)
    assert await runtime.image("reg.example/private:latest") == made
    assert age() == 8.0


async def logged(node: Node, made: str) -> str:
    return b"".join([data async for data in await node.runtime.logs(made, LogOptions())]).decode()


async def test_a_container_writes_what_it_is_told_as_often_as_it_is_told(node: Node) -> None:
    made = await node.start(container("sleep", "100", log="tick", log_every="2s", exit_after="5s"))
    await node.ended()
    assert await logged(node, made) == "tick\n" * 3
    await asyncio.sleep(10)
    assert await logged(node, made) == "tick\n" * 3


async def play(container: Play) -> int | None:
    container.log(
        f"{container.namespace}/{container.pod} {container.container} {' '.join(container.command)}"
    )
    container.use("64Mi", "500m")
    container.answer(False)
    await asyncio.sleep(3)
    container.answer(True)
    if container.command == ("fail",):
        raise RuntimeError("as told")
    return None if container.command == ("go-on",) else 7


async def test_python_plays_a_container() -> None:
    node = Node(play)
    made = await node.start(container("serve"))
    await asyncio.sleep(1)
    assert not node.runtime.answers(made)
    assert (await node.runtime.usage())[made].memory_usage == 64 << 20
    assert await node.ended() == (3.0, 7)
    assert await logged(node, made) == "ns/pod web serve\n"


async def test_a_script_that_returns_nothing_leaves_the_rest_to_the_command() -> None:
    node = Node(play)
    made = await node.start(container("go-on"))
    await asyncio.sleep(4)
    assert node.runtime.answers(made)
    await node.runtime.stop_container(made, 10)
    assert (await node.seen()).exit_code == 143


async def test_a_script_that_fails_fails_its_container_and_says_why() -> None:
    node = Node(play)
    made = await node.start(container("fail"))
    assert await node.ended() == (3.0, 1)
    assert "RuntimeError: as told" in await logged(node, made)


async def test_a_container_that_is_stopped_stops_its_script() -> None:
    node = Node(play)
    made = await node.start(container("serve"))
    await asyncio.sleep(1)
    await node.runtime.stop_container(made, 10)
    assert await node.ended() == (1.0, 143)
    await asyncio.sleep(10)
    assert (await node.seen()).exit_code == 143


def test_a_script_is_found_by_its_name() -> None:
    assert load_script(f"{__name__}:play") is play
    with pytest.raises(ScriptError, match=r'cannot load hollow behaviour "no\.such:thing"'):
        load_script("no.such:thing")
