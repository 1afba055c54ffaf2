"""One hollow container: a state, a log and a timer of the event loop for what is to come.

It owns its life from created to exited; whose it is and who is told, the runtime knows.
"""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from random import Random

from kubelet.runtime.hollow.behaviour import Behaviour, draw, use_of
from kubelet.runtime.hollow.commands import STDERR, STDOUT, Cat, Exit, Print, Sleep, Step
from kubelet.runtime.hollow.logs import LogLine
from kubelet.runtime.interface import ContainerState, Resources, RuntimeContainer

KILLED = 137
SIGKILL = 9


class HollowContainer:
    __slots__ = (
        "_loop",
        "_script",
        "_steps",
        "_talk_timer",
        "_task",
        "_timer",
        "_told",
        "_waiters",
        "behaviour",
        "log",
        "now",
        "pod_uid",
        "sandbox_id",
        "seen",
    )

    def __init__(
        self,
        seen: RuntimeContainer,
        *,
        pod_uid: str,
        sandbox_id: str,
        behaviour: Behaviour,
        steps: Sequence[Step] | None,
        script: Performance | None = None,
        now: Callable[[], float],
        told: Callable[[str], None],
    ) -> None:
        self.seen = seen
        self.pod_uid = pod_uid
        self.sandbox_id = sandbox_id
        self.behaviour = behaviour
        self.now = now
        self.log: list[LogLine] = []
        self._loop = asyncio.get_running_loop()
        self._steps = list(steps or ())
        self._script = script
        self._task: asyncio.Task[None] | None = None
        self._talk_timer: asyncio.TimerHandle | None = None
        self._told = told
        self._timer: asyncio.TimerHandle | None = None
        self._waiters: list[asyncio.Future[None]] = []

    @property
    def is_running(self) -> bool:
        return self.seen.state is ContainerState.RUNNING

    @property
    def has_ended(self) -> bool:
        return self.seen.state is ContainerState.EXITED

    @property
    def reads_stdin(self) -> bool:
        return bool(self._steps) and isinstance(self._steps[0], Cat)

    def start(self, random: Random) -> None:
        self.seen = replace(self.seen, state=ContainerState.RUNNING, started_at=self.now())
        self._changed()
        if self.behaviour.log:
            self._talk()
        if self._script is not None:
            self._task = self._loop.create_task(self._perform(self._script, random))
        else:
            self._live(random)

    def _live(self, random: Random) -> None:
        if self.behaviour.exit_after:
            self._later(draw(self.behaviour.exit_after, random), self._end_as_told)
        elif self.behaviour.oom or self.behaviour.exit_code:
            self._later(0, self._end_as_told)
        else:
            self._play()

    def fail(self, message: str, code: int) -> None:
        """It never came to run."""
        self.seen = replace(
            self.seen, state=ContainerState.EXITED, exit_code=code, error=message, finished_at=self.now()
        )
        self._changed()

    def stop(self, grace: float) -> None:
        """The stop signal; SIGKILL once the grace has passed."""
        takes = self.behaviour.stop_after
        if grace > 0 and takes <= grace:
            self._later(takes, lambda: self.end(self.behaviour.stop_code, signal=0))
        else:
            self._later(max(grace, 0), lambda: self.end(KILLED, signal=SIGKILL))

    def end(self, code: int, *, signal: int = 0, oom: bool = False) -> None:
        if not self.is_running:
            return
        self._cancel()
        self._fall_silent()
        self.seen = replace(
            self.seen,
            state=ContainerState.EXITED,
            exit_code=code,
            signal=signal,
            oom_killed=oom,
            finished_at=self.now(),
        )
        self._changed()

    def write(self, stream: int, data: bytes) -> None:
        if data:
            self.log.append(LogLine(self.now(), stream, data))
            self._wake()

    # What a script may do.

    def say(self, text: str) -> None:
        self.write(STDOUT, f"{text}\n".encode())

    def resize(self, resources: Resources) -> None:
        self.seen = replace(self.seen, resources=resources)
        self._changed()

    def use(self, memory: str, cpu: str) -> None:
        self.behaviour = replace(self.behaviour, **use_of(memory, cpu))

    def answer(self, yes: bool) -> None:
        self.behaviour = replace(self.behaviour, ready_after=0.0, fail_after=float("inf") if yes else 0.0)

    def feed(self, data: bytes) -> None:
        """Its stdin; only `cat` reads."""
        if self.reads_stdin:
            self.write(STDOUT, data)

    def close_stdin(self) -> None:
        if self.reads_stdin and self.is_running:
            self._steps.pop(0)
            self._play()

    def answers(self) -> bool:
        """What a probe finds."""
        if not self.is_running:
            return False
        age = self.now() - self.seen.started_at
        return self.behaviour.ready_after <= age < self.behaviour.fail_after

    async def changed(self) -> None:
        """Returns at the next change of state or line of log."""
        waiter: asyncio.Future[None] = self._loop.create_future()
        self._waiters.append(waiter)
        await waiter

    async def ended(self) -> int:
        while not self.has_ended:
            await self.changed()
        return self.seen.exit_code

    def forget(self) -> None:
        self._cancel()
        self._fall_silent()
        self._wake()

    async def _perform(self, script: Performance, random: Random) -> None:
        """Whatever goes wrong in a script is its container's failure, not ours."""
        try:
            code = await script(self)
        except Exception:
            self.write(STDERR, traceback.format_exc().encode())
            code = 1
        self._task = None
        if code is None:
            self._live(random)
        else:
            self.end(code)

    def _talk(self) -> None:
        self.say(self.behaviour.log)
        if self.behaviour.log_every:
            self._talk_timer = self._loop.call_later(self.behaviour.log_every, self._talk)

    def _play(self) -> None:
        while self._steps and self.is_running:
            match self._steps[0]:
                case Print(stream, data):
                    self.write(stream, data)
                case Sleep(seconds):
                    self._steps.pop(0)
                    self._later(seconds, self._play)
                    return
                case Exit(code):
                    self.end(code)
                case Cat():
                    return
            self._steps.pop(0)

    def _end_as_told(self) -> None:
        if self.behaviour.oom:
            self.end(KILLED, signal=SIGKILL, oom=True)
        else:
            self.end(self.behaviour.exit_code)

    def _later(self, seconds: float, action: Callable[[], None]) -> None:
        self._cancel()
        self._timer = self._loop.call_later(seconds, action)

    def _cancel(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _fall_silent(self) -> None:
        if self._talk_timer is not None:
            self._talk_timer.cancel()
        if self._task is not None:
            self._task.cancel()

    def _changed(self) -> None:
        self._told(self.pod_uid)
        self._wake()

    def _wake(self) -> None:
        waiters, self._waiters = self._waiters, []
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(None)


Performance = Callable[[HollowContainer], Awaitable[int | None]]
"""What a script does with a container, up to its exit code."""
