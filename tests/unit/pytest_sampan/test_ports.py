"""Ports for those who start servers."""

from __future__ import annotations

import errno
import socket

import pytest

from pytest_sampan.ports import free_port


def test_a_free_port_is_kept_from_whoever_has_not_asked_for_it() -> None:
    port = free_port()
    with socket.socket() as passer_by, pytest.raises(OSError, match="in use") as refused:
        passer_by.bind(("127.0.0.1", port))
    assert refused.value.errno == errno.EADDRINUSE
    with socket.create_server(("127.0.0.1", port)) as server:
        assert server.getsockname()[1] == port
