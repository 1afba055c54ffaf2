"""The ports are asked before anything is started, and their holder is named."""

import os
import socket
from collections.abc import Iterator

import pytest

from kubeadm import host, ports
from kubeadm.units import Unit


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_a_taken_port_is_named_with_the_daemon_that_wants_it(
    taken: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ports, "holder", lambda port: "nginx, process 7")
    with socket.create_server(("127.0.0.1", 0)) as free:
        other = free.getsockname()[1]
    etcd = Unit("etcd", ("etcd",), listens=(("127.0.0.1", other),))
    api = Unit("kube-apiserver", ("python",), listens=(("0.0.0.0", taken),))
    with pytest.raises(host.HostError, match=rf"{taken} \(kube-apiserver\): nginx, process 7") as error:
        ports.require_free([etcd, api])
    assert "etcd" not in str(error.value)


def test_a_port_is_free_again_when_its_server_is_gone(taken: int) -> None:
    assert not ports.is_free("127.0.0.1", taken)
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        client = socket.create_connection(("127.0.0.1", port))
        connection, _ = server.accept()
        connection.close()  # the server's end goes first, so it is the one that lingers
        client.close()
    assert ports.is_free("127.0.0.1", port)


@pytest.mark.skipif(host.find("ss") is None, reason="needs ss")
def test_the_holder_is_a_program_and_its_process(taken: int) -> None:
    assert ports.holder(taken).endswith(f", process {os.getpid()}")
