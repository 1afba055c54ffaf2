"""Which UDP flows lead nowhere any more."""

from __future__ import annotations

import errno
import socket
import struct
from contextlib import nullcontext

import pytest

from kube_proxy.conntrack import Destination, Flow, Targets, answers, stale_flows
from tests.unit.kube_proxy.builders import NODE_IP, make_endpoint, make_service, make_slice, make_state

WANTED: dict[Destination, Targets] = {
    ("172.30.0.10", 53): frozenset({("10.180.0.2", 5353)}),
    ("", 30053): frozenset({("10.180.0.2", 5353)}),
}


def flow(
    destination: str, port: int, answered_by: str, protocol: int = 17, *, reply_port: int = 5353
) -> Flow:
    return Flow("10.180.0.9", 40000, destination, port, answered_by, reply_port, protocol)


@pytest.mark.parametrize(
    ("seen", "is_stale"),
    [
        pytest.param(flow("172.30.0.10", 53, "10.180.0.1"), True, id="the endpoint is gone"),
        pytest.param(flow("172.30.0.10", 53, "10.180.0.2"), False, id="the endpoint is there"),
        pytest.param(
            flow("172.30.0.10", 53, "10.180.0.2", reply_port=53), True, id="the endpoint has another port"
        ),
        pytest.param(flow("172.30.0.10", 53, "172.30.0.10"), True, id="it never had an endpoint"),
        pytest.param(flow("172.30.0.11", 53, "10.180.0.1"), False, id="another service"),
        pytest.param(flow("172.30.0.10", 53, "10.180.0.1", protocol=6), False, id="TCP"),
        pytest.param(flow(NODE_IP, 30053, "10.180.0.1"), True, id="by node port"),
        pytest.param(flow("8.8.8.8", 30053, "8.8.8.8"), False, id="the port of somebody else"),
    ],
)
def test_flows_to_our_destinations_that_somebody_else_answers_are_stale(seen: Flow, is_stale: bool) -> None:
    assert stale_flows([seen], WANTED, frozenset({NODE_IP})) == ([seen] if is_stale else [])


@pytest.mark.parametrize("type", [pytest.param(2, id="refused"), pytest.param(3, id="broken off")])
@pytest.mark.parametrize(
    ("code", "is_error"),
    [(0, False), pytest.param(errno.ENOENT, False, id="gone already"), (errno.EPERM, True)],
)
def test_what_the_kernel_refuses_is_an_error(type: int, code: int, is_error: bool) -> None:
    ours, kernel = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    with ours, kernel, pytest.raises(OSError, match="not permitted") if is_error else nullcontext():
        kernel.send(struct.pack("=IHHIIi", 20, type, 0, 1, 0, -code))
        assert list(answers(ours)) == []


def test_only_changed_udp_ports_are_looked_at() -> None:
    udp = {"protocol": "UDP", "port_name": "dns", "port": 53}
    services = [make_service("dns", "172.30.0.10", **udp), make_service("web", "172.30.0.11")]
    one = make_slice("dns", make_endpoint("10.180.0.1"), **udp)
    state = make_state(services, [one, make_slice("web", make_endpoint("10.180.0.3"))])
    state.plan()
    assert state.take_udp_changes() == {("172.30.0.10", 53): frozenset({("10.180.0.1", 53)})}
    state.endpoint_slice(one, make_slice("dns", make_endpoint("10.180.0.2"), **udp))
    state.plan()
    assert state.take_udp_changes() == {("172.30.0.10", 53): frozenset({("10.180.0.2", 53)})}
    state.service(services[0], None)
    state.plan()
    assert state.take_udp_changes() == {("172.30.0.10", 53): frozenset()}
