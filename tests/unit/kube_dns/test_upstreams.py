"""Which resolvers the host has, and which of them may be asked."""

from __future__ import annotations

from pathlib import Path

from kube_dns.exchange import Server
from kube_dns.upstreams import ResolvConf, Upstreams

FIRST, SECOND = Server("192.0.2.1"), Server("192.0.2.2")


def test_servers_that_are_new_start_anew() -> None:
    upstreams = Upstreams(lambda: 0.0)
    assert upstreams.set([FIRST, SECOND, FIRST])
    upstreams.failed(FIRST)
    upstreams.loops(SECOND)
    assert upstreams.in_order() == [FIRST]
    assert not upstreams.set([FIRST, SECOND])
    assert upstreams.in_order() == [FIRST]
    assert upstreams.set([SECOND, FIRST])
    assert upstreams.in_order() == [SECOND, FIRST]


def test_the_file_names_servers_but_for_ourselves_and_for_what_is_no_address(tmp_path: Path) -> None:
    path = tmp_path / "resolv.conf"
    path.write_text("nameserver 10.96.0.10\nnameserver 192.0.2.1\nnameserver nobody\nnameserver fd00::53\n")
    resolv_conf = ResolvConf(path, lambda: {"10.96.0.10"})
    assert resolv_conf.servers() == [FIRST, Server("fd00::53")]


def test_a_file_that_is_gone_for_a_moment_takes_nobody_away(tmp_path: Path) -> None:
    path = tmp_path / "resolv.conf"
    resolv_conf = ResolvConf(path, set)
    assert resolv_conf.servers() is None
    path.write_text("")
    assert resolv_conf.servers() == []
