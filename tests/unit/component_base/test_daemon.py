"""A daemon's life as a process: ready, stopped by a signal, failing."""

import signal
import subprocess
import sys

import pytest

BODY = """
import asyncio
from component_base.daemon import run_daemon
from component_base.flags import CommonOptions

async def main(daemon):
    daemon.ready()
    print("up", flush=True)
    {rest}

run_daemon("test", main, CommonOptions(unused=("--profiling",)))
"""


def start(rest: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", BODY.format(rest=rest)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_in_order(number: signal.Signals) -> None:
    with start("await asyncio.Event().wait()") as process:
        assert process.stdout
        assert process.stdout.readline() == "up\n"
        process.send_signal(number)
        _, errors = process.communicate(timeout=10)
    assert process.returncode == 0
    assert "Flags that change nothing here: flags=--profiling" in errors
    assert f"Stopping on signal: signal={number.name}" in errors


def test_a_second_signal_does_not_wait() -> None:
    rest = """
    try:
        await asyncio.Event().wait()
    finally:
        print("stopping", flush=True)
        await asyncio.sleep(60)
"""
    with start(rest) as process:
        assert process.stdout
        process.stdout.readline()
        process.terminate()
        assert process.stdout.readline() == "stopping\n"
        process.terminate()
        assert process.wait(timeout=10) == 1


def test_a_failure_is_logged_and_the_exit_code() -> None:
    with start("raise ValueError('no good')") as process:
        _, errors = process.communicate(timeout=10)
    assert process.returncode == 1
    assert "ValueError: no good" in errors
