"""What every Runtime does, checked on both twins: Docker and hollow."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator

import pytest

from kubelet.runtime.interface import (
    ContainerRuntimeError,
    ContainerState,
    ExecResult,
    ImagePullError,
    LogOptions,
    Resources,
    SandboxConfig,
    SandboxError,
)
from tests.integration.runtime_twins import (
    IMAGE,
    Node,
    container,
    docker_node,
    hollow_node,
    remove_pod,
    require_docker,
    shell,
)


@pytest.fixture(params=["hollow", pytest.param("docker", marks=pytest.mark.docker)])
async def node(request: pytest.FixtureRequest) -> AsyncIterator[Node]:
    if request.param == "docker":
        require_docker()
    async with docker_node() if request.param == "docker" else hollow_node() as made:
        yield made


async def test_container_runs_to_its_end_and_says_how(node):
    uid, made = await node.start(shell("echo hi; exit 3", labels={"a": "b"}, annotations={"c/d": "e"}))
    seen = await node.ended(uid)
    assert (seen.id, seen.name, seen.attempt, seen.exit_code) == (made, "web", 0, 3)
    # Docker takes these moments in two processes and from a clock that may be stepped meanwhile.
    assert 0 < seen.created_at <= seen.started_at + 0.05
    assert seen.started_at <= seen.finished_at + 0.05
    assert (seen.labels, seen.annotations) == ({"a": "b"}, {"c/d": "e"})
    assert seen.image == IMAGE
    assert not seen.oom_killed


async def test_created_container_waits_to_be_started(node):
    uid, sandbox = await node.sandbox()
    await node.runtime.create_container(uid, sandbox.id, container("sleep", "100"))
    seen = (await node.pod(uid)).containers[0]
    assert (seen.state, seen.started_at, seen.finished_at) == (ContainerState.CREATED, 0.0, 0.0)


async def test_sandbox_is_ready_with_an_address_of_its_own(node):
    uid, sandbox = await node.sandbox()
    _, other = await node.sandbox()
    assert sandbox.ready
    assert len({*sandbox.ips, *other.ips}) == 2
    assert (await node.pod(uid)).sandboxes == (sandbox,)


async def test_list_tells_of_every_pod(node):
    first, _ = await node.sandbox()
    second, made = await node.start(container("sleep", "100"))
    pods = await node.runtime.list_pods()
    assert set(pods) == {first, second}
    assert pods[second].containers[0].id == made
    assert (pods[first].namespace, pods[first].name) == ("ns", "pod-1")


async def test_events_announce_the_end_of_a_container(node):
    uid, made = await node.start(container("sleep", "100"))
    events = node.runtime.events()
    assert (await anext(events)).pod_uid == ""
    await node.runtime.stop_container(made, 0)
    async with asyncio.timeout(120):
        assert (await anext(events)).pod_uid == uid
    await events.aclose()


async def test_stop_without_grace_kills(node):
    uid, made = await node.start(container("sleep", "100"))
    await node.runtime.stop_container(made, 0)
    seen = (await node.pod(uid)).containers[0]
    assert (seen.state, seen.exit_code) == (ContainerState.EXITED, 137)


async def test_stopping_and_removing_what_is_gone_is_success(node):
    uid, made = await node.start(container("true"))
    await node.ended(uid)
    sandbox = (await node.pod(uid)).sandboxes[0]
    for _ in range(2):
        await node.runtime.stop_container(made, 1)
        await node.runtime.remove_container(made)
    for _ in range(2):
        await node.runtime.stop_sandbox(sandbox.id)
    assert not (await node.pod(uid)).sandboxes[0].ready
    for _ in range(2):
        await node.runtime.remove_sandbox(sandbox.id)
    assert await node.runtime.get_pod(uid) is None
    assert await node.runtime.list_pods() == {}


async def test_address_is_given_back(node):
    uid, _ = await node.sandbox()
    await remove_pod(node.runtime, await node.pod(uid))
    taken = [(await node.sandbox())[1].ips for _ in range(2)]
    assert all(ips for ips in taken)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        pytest.param(LogOptions(), b"a\nb\nc\n", id="all"),
        pytest.param(LogOptions(tail=1), b"c\n", id="tail"),
        pytest.param(LogOptions(limit_bytes=3), b"a\nb", id="so many bytes"),
        pytest.param(LogOptions(stream="Stderr"), b"b\n", id="stderr only"),
        pytest.param(LogOptions(stream="Stdout"), b"a\nc\n", id="stdout only"),
        pytest.param(LogOptions(follow=True), b"a\nb\nc\n", id="followed to the end"),
        pytest.param(LogOptions(follow=True, tail=0), b"", id="only what is new"),
    ],
)
async def test_logs(node, options, expected):
    uid, made = await node.start(shell("echo a; sleep 0.5; echo b >&2; sleep 0.5; echo c"))
    await node.ended(uid)
    assert b"".join([data async for data in await node.runtime.logs(made, options)]) == expected


async def test_timestamps_lead_each_line(node):
    uid, made = await node.start(container("echo", "hello"))
    await node.ended(uid)
    line = b"".join([data async for data in await node.runtime.logs(made, LogOptions(timestamps=True))])
    moment, text = line.split(b" ", 1)
    assert text == b"hello\n"
    assert moment.startswith(b"20")
    assert moment.endswith(b"Z")


async def test_logs_of_a_running_container_are_followed(node):
    _, made = await node.start(shell("sleep 0.3; echo late; sleep 100"))
    logs = await node.runtime.logs(made, LogOptions(follow=True))
    async with asyncio.timeout(120):
        assert await anext(logs) == b"late\n"
    await logs.aclose()


async def test_exec_sync_gives_code_and_output(node):
    _, made = await node.start(container("sleep", "100"))
    result = await node.runtime.exec_sync(made, ["sh", "-c", "echo out; exit 7"], 60)
    assert result == ExecResult(7, b"out\n")


async def test_exec_sync_is_limited_in_time(node):
    _, made = await node.start(container("sleep", "100"))
    with pytest.raises(TimeoutError):
        await node.runtime.exec_sync(made, ["sleep", "50"], 0.3)


async def test_exec_in_a_container_that_ended_is_refused(node):
    uid, made = await node.start(container("true"))
    await node.ended(uid)
    with pytest.raises(ContainerRuntimeError):
        await node.runtime.exec_sync(made, ["true"], 60)


async def test_exec_streams_tell_stdout_from_stderr(node):
    _, made = await node.start(container("sleep", "100"))
    stream = await node.runtime.exec(
        made, ["sh", "-c", "echo out; sleep 1; echo err >&2; exit 4"],
        stdin=False, stdout=True, stderr=True, tty=False,
    )  # fmt: skip
    assert [await stream.read(), await stream.read(), await stream.read()] == [
        (1, b"out\n"),
        (2, b"err\n"),
        None,
    ]
    assert await stream.wait() == 4
    await stream.aclose()


async def test_exec_reads_stdin_until_it_is_closed(node):
    _, made = await node.start(container("sleep", "100"))
    stream = await node.runtime.exec(made, ["cat"], stdin=True, stdout=True, stderr=True, tty=False)
    await stream.write(b"hello")
    assert await stream.read() == (1, b"hello")
    await stream.close_stdin()
    assert await stream.read() is None
    assert await stream.wait() == 0
    await stream.aclose()


async def test_attach_joins_the_streams_of_the_container(node):
    uid, made = await node.start(container("cat", stdin=True, stdin_once=True))
    stream = await node.runtime.attach(made, stdin=True, stdout=True, stderr=True, tty=False)
    await stream.write(b"hello\n")
    assert await stream.read() == (1, b"hello\n")
    await stream.close_stdin()
    assert await stream.wait() == 0
    await stream.aclose()
    assert (await node.ended(uid)).exit_code == 0


async def test_usage_is_known_of_running_containers_only(node):
    _, made = await node.start(container("sleep", "100"))
    ended, _ = await node.start(container("true"))
    await node.ended(ended)
    await node.runtime.list_pods()
    usage = await node.runtime.usage()
    assert set(usage) == {made}
    assert usage[made].memory_working_set > 0
    lives = {name: each.cgroup for name, each in usage.items() if each.cgroup}
    assert await node.runtime.cgroups() == lives


@pytest.mark.parametrize(
    ("made_with", "wanted"),
    [
        pytest.param(Resources(20), Resources(30), id="no-limits"),
        pytest.param(Resources(20), Resources(20, 5000), id="first-limit"),
        pytest.param(Resources(20, 5000, 32 << 20), Resources(40, 4000, 64 << 20), id="limits"),
    ],
)
async def test_resources_change_while_a_container_runs(node, made_with, wanted):
    uid, made = await node.start(container("sleep", "100", resources=made_with))
    await node.runtime.update_container(made, wanted)
    assert (await node.until(uid, lambda each: each.resources == wanted)).id == made


async def test_image_is_known_by_name_and_by_id(node):
    found = await node.runtime.image(IMAGE)
    assert found is not None
    assert IMAGE in found.tags
    assert await node.runtime.image(found.id) == found
    assert found.id in {each.id for each in await node.runtime.list_images()}
    assert await node.runtime.image("no-such-image:1") is None


async def test_image_that_cannot_be_had_is_said_so(node):
    with pytest.raises(ImagePullError):
        await node.runtime.pull_image("registry.invalid/none:1", ())


async def test_a_port_where_nothing_listens_refuses(node):
    _, sandbox = await node.sandbox()
    with pytest.raises(ContainerRuntimeError, match=r"failed to connect to localhost:80 .* refused"):
        await node.runtime.port_forward(sandbox.id, 80)


async def test_nothing_is_forwarded_to_a_sandbox_that_has_ended(node):
    _, sandbox = await node.sandbox()
    await node.runtime.stop_sandbox(sandbox.id)
    with pytest.raises(ContainerRuntimeError, match="is not running"):
        await node.runtime.port_forward(sandbox.id, 80)


async def test_restarted_container_is_the_newer_of_two(node):
    uid, sandbox = await node.sandbox()
    for attempt in (0, 1):
        made = await node.runtime.create_container(uid, sandbox.id, container("true", attempt=attempt))
        await node.runtime.start_container(made)
        await node.ended(uid)
    assert [each.attempt for each in (await node.pod(uid)).containers] == [1, 0]


async def test_version_names_the_engine(node):
    version = await node.runtime.version()
    assert version.name == ("docker" if node.is_real else "hollow")
    assert version.version


async def test_without_a_pod_cidr_only_the_hosts_network_is_to_be_had(node):
    if node.is_real:
        from tests.integration.runtime_twins import new_docker_runtime

        fresh = new_docker_runtime()[0]
    else:
        from kubelet.runtime.hollow import HollowRuntime

        fresh = HollowRuntime(now=node.runtime._clock)
    assert not fresh.network_ready()
    with pytest.raises(SandboxError, match="podCIDR"):
        await fresh.create_sandbox(SandboxConfig("ns", "p", "u", 0, "h"))
    await fresh.aclose()


async def test_the_files_of_an_image_are_copied_where_it_has_any(node, tmp_path):
    image = await node.runtime.image(IMAGE)
    await node.runtime.copy_image(image.id, tmp_path)
    assert ("bin" in os.listdir(tmp_path)) is node.is_real
