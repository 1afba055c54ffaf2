"""Lifecycle hooks, and what the engine cannot make, under virtual time."""

from __future__ import annotations

import asyncio
from typing import cast

import pytest

from apimachinery.objects import Object
from kubelet.pods.hooks import HookFailed, HookRunner
from kubelet.probes.http import HttpGet, probe_http
from kubelet.runtime.interface import ExecResult, Runtime
from tests.fakes.counts import Counts
from tests.unit.kubelet.builders import make_container, make_pod
from tests.unit.kubelet.probed import answering, server
from tests.unit.kubelet.world import Events, living

pytestmark = pytest.mark.looptime


def with_hook(name: str, hook: Object) -> Object:
    return make_container(command=["sh", "-c", "sleep 100000"], lifecycle={name: hook})


async def test_a_hook_of_a_kind_that_there_is_not_fails() -> None:
    async with living() as world:
        world.api.put(make_pod(with_hook("postStart", {"tcpSocket": {"port": 80}})))
        await world.until_waiting("PostStartHookError")
        message = world.state()["waiting"]["message"]
        assert message == "Cannot run handler: invalid handler: tcpSocket"
        assert "FailedPostStartHook: PostStartHook failed" in world.events.seen


async def test_a_pod_that_sleeps_before_it_stops_keeps_running_as_long() -> None:
    async with living() as world:
        world.api.put(make_pod(with_hook("preStop", {"sleep": {"seconds": 7}})))
        await world.until_ready()
        asked = asyncio.get_running_loop().time()
        world.api.delete_pod(grace=30)
        ended = await world.until(lambda: not world.api.pods)
        assert 7 <= ended - asked < 38


async def test_a_container_gets_two_seconds_however_little_is_left() -> None:
    async with living() as world:
        slow = {"annotations": {"hollow.sampan.io/stop-after": "100s"}}
        world.api.put(make_pod(with_hook("preStop", {"sleep": {"seconds": 0}}), meta=slow))
        await world.until_ready()
        asked = asyncio.get_running_loop().time()
        world.api.delete_pod(grace=1)
        assert await world.until(lambda: not world.api.pods) - asked == pytest.approx(2, abs=0.5)


async def test_an_event_names_the_container_that_does_not_start_and_not_its_id() -> None:
    async with living() as world:
        world.api.put(make_pod(meta={"annotations": {"hollow.sampan.io/start-error": "no such file"}}))
        await world.until_waiting("CrashLoopBackOff")
        told = [each for each in world.events.seen if each.startswith("Failed: Error: ")]
        assert set(told) == {'Failed: Error: failed to start container "web": no such file'}


async def test_a_user_namespace_that_the_engine_has_not_is_refused_not_forgotten() -> None:
    async with living() as world:
        world.api.put(make_pod(hostUsers=False))
        await world.until(lambda: "FailedCreatePodSandBox" in world.events.reasons())
        assert world.events.seen[0] == (
            'FailedCreatePodSandBox: Failed to create pod sandbox: RuntimeClass handler "" does not support '
            "user namespaces"
        )
        assert await world.engine() == []


async def test_a_hook_that_outlasts_the_grace_period_has_not_failed() -> None:
    cut_short = Counts(sleeps=("sleep_action_terminated_early_total", {}))
    async with living() as world:
        world.api.put(make_pod(with_hook("preStop", {"sleep": {"seconds": 100}})))
        await world.until_ready()
        world.api.delete_pod(grace=5)
        await world.until(lambda: not world.api.pods)
        assert "FailedPreStopHook" not in world.events.reasons()
    assert cut_short.grown() == {"sleeps": 1}


class Saying:
    """A runtime in which every command says so much and exits with 3."""

    def __init__(self, output: bytes) -> None:
        self._output = output

    async def exec_sync(self, container_id: str, command: list[str], limit: float) -> ExecResult:
        return ExecResult(3, self._output)


async def failing(hook: Object, output: bytes = b"", events: Events | None = None) -> str:
    """What is said of a hook that fails; '' if it does not."""
    runner = HookRunner(cast(Runtime, Saying(output)), events or Events())
    pod = make_pod(status={"podIP": "127.0.0.1"})
    try:
        await runner.run(hook, pod, pod["spec"]["containers"][0], "docker://1")
    except HookFailed as error:
        return str(error)
    return ""


WHERE = 'for Container "web" in Pod "cart_shop(u1)" failed - error:'


async def test_what_a_hook_has_said_is_quoted() -> None:
    said = await failing({"exec": {"command": ["a", "b"]}}, b"no\n")
    why = "command 'a b' exited with 3: no\n"
    assert said == f'Exec lifecycle hook ([a b]) {WHERE} {why}, message: "no\\n"'


async def test_a_hook_over_http_fails_in_gos_words() -> None:
    async with server(answering("200 OK")) as port:
        pass
    refused = f'Get "http://127.0.0.1:{port}/x": dial tcp 127.0.0.1:{port}: connect: connection refused'
    said = await failing({"httpGet": {"port": port, "path": "/x"}})
    assert said == f"HTTP lifecycle hook (/x) {WHERE} {refused}"


async def answer_plainly(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read(4096)
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
    await writer.drain()


async def test_a_hook_over_https_makes_do_with_http_and_says_so() -> None:
    events = Events()
    async with server(answer_plainly) as port:
        assert await failing({"httpGet": {"port": port, "scheme": "HTTPS"}}, events=events) == ""
        assert events.seen == [
            f"LifecycleHTTPFallback: request to HTTPS lifecycle hook 127.0.0.1:{port} got HTTP response, "
            "retry with HTTP succeeded"
        ]
        probed = await probe_http(HttpGet("127.0.0.1", port, scheme="https"), 5)
    words = "http: server gave HTTP response to HTTPS client"
    assert probed.message == f'Get "https://127.0.0.1:{port}/": {words}'
