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

run_daemon("test", main, CommonOptions({options}))
"""


def start(rest: str, options: str = 'unused=("--profiling",)') -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", BODY.format(rest=rest, options=options)],
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
        _, errors = process.communicate(timeout=60)
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
        assert process.wait(timeout=60) == 1


def test_a_failure_is_logged_and_the_exit_code() -> None:
    with start("raise ValueError('no good')") as process:
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "ValueError: no good" in errors


def test_what_cannot_be_served_is_one_line_whichever_task_finds_it() -> None:
    rest = """
    from component_base.certificates import CertificateError
    from component_base.listening import ListenError

    async def serve():
        raise ListenError("failed to listen on :1")

    async def load():
        raise CertificateError("no key")

    async with asyncio.TaskGroup() as group:
        group.create_task(serve())
        group.create_task(load())
"""
    with start(rest) as process:
        _, errors = process.communicate(timeout=10)
    assert process.returncode == 1
    assert errors.splitlines()[-2:] == ["Error: failed to listen on :1", "Error: no key"]
    assert "Traceback" not in errors


def test_metrics_are_told_as_the_flags_say() -> None:
    rest = "from component_base import metrics; print(metrics.render().decode())"
    with start(rest, 'disabled_metrics=("python_info", "a")') as process:
        told, _ = process.communicate(timeout=60)
    assert "python_info" not in told
    assert "disabled_metrics_total 2.0" in told


def test_what_metrics_cannot_be_told_by_ends_it() -> None:
    with start("pass", 'show_hidden_metrics_for_version="1.2"') as process:
        told, errors = process.communicate(timeout=60)
    assert (process.returncode, told) == (1, "")
    assert errors.startswith("Error: --show-hidden-metrics-for-version must be omitted")


@pytest.mark.parametrize(
    ("module", "error"), [("certificates", "CertificateError"), ("kubeconfig", "ConfigError")]
)
def test_a_file_that_cannot_be_read_is_one_line(module: str, error: str) -> None:
    body = f"from component_base.{module} import {error}; raise {error}('no such file')"
    with start(body) as process:
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 1
    assert errors.splitlines()[-1] == "Error: no such file"
    assert "Traceback" not in errors
