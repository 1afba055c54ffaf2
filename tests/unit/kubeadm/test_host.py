"""The preflight names what is missing and how to get it."""

import pytest

from kubeadm import host


def test_nothing_is_missing_where_every_program_is_found() -> None:
    assert host.missing(present=lambda name: f"/usr/bin/{name}") == []


def test_each_missing_program_is_named_with_the_command_that_installs_it() -> None:
    lacking = host.missing(present=lambda name: None if name in {"etcd", "nft"} else name)
    text = host.explain(lacking)
    assert "etcd: stores the cluster's state; install it with: apt-get install etcd-server" in text
    assert "apt-get install nftables" in text
    assert "docker" not in text


def test_who_is_not_root_reads_how_to_become_it_and_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host.os, "geteuid", lambda: 1000)
    monkeypatch.setattr(host, "missing", lambda: [host.PROGRAMS[0]])
    with pytest.raises(host.HostError, match=r"(?s)sudo make up.*apt-get install etcd-server"):
        host.require_root()
