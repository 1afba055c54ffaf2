"""Ports that are taken: what a daemon says of them, and when it takes them after all."""

from __future__ import annotations

import asyncio
import errno
import logging
import os
import re
import socket

import pytest

from component_base.health import HealthServer
from component_base.listening import ListenError, listening, start_when_free


def _because(error: OSError, cause: OSError) -> OSError:
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("address", "network", "error", "words"),
    [
        pytest.param(
            "0.0.0.0",
            "tcp",
            OSError(errno.EADDRINUSE, "error while attempting to bind on address ('0.0.0.0', 53)"),
            "failed to listen on 0.0.0.0:53: listen tcp 0.0.0.0:53: bind: address already in use",
            id="taken",
        ),
        pytest.param(
            "::",
            "udp",
            OSError(errno.EACCES, os.strerror(errno.EACCES)),
            "failed to listen on [::]:53: listen udp [::]:53: bind: permission denied",
            id="not for us",
        ),
        pytest.param(
            "0.0.0.0",
            "udp",
            _because(OSError("could not bind to local_addr"), OSError(errno.EADDRINUSE, "in use")),
            "failed to listen on 0.0.0.0:53: listen udp 0.0.0.0:53: bind: address already in use",
            id="told by the cause",
        ),
        pytest.param(
            "nowhere",
            "tcp",
            socket.gaierror(socket.EAI_NONAME, "Name or service not known"),
            "failed to listen on nowhere:53: listen tcp nowhere:53: Name or service not known",
            id="a name without an address",
        ),
    ],
)
def test_it_is_told_in_upstreams_words(address: str, network: str, error: OSError, words: str) -> None:
    with pytest.raises(ListenError, match=f"^{re.escape(words)}$"), listening(address, 53, network):
        raise error


async def test_a_server_says_which_port_is_taken() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(ListenError, match=f"127.0.0.1:{port}: bind: address already in use"):
            await HealthServer("127.0.0.1", port).start()


@pytest.mark.looptime
async def test_it_is_started_once_the_port_is_free(caplog: pytest.LogCaptureFixture) -> None:
    answers = iter([ListenError("taken"), ListenError("taken"), None])

    async def start() -> None:
        if error := next(answers):
            raise error

    with caplog.at_level(logging.ERROR):
        await start_when_free(start, "healthz")
    assert asyncio.get_running_loop().time() == 10
    assert caplog.messages == ["Failed to start a server, will retry: server=healthz error=taken"]
