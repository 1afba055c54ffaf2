"""A machine judged: what is too little, too old, taken or in the way."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Network
from typing import Any

import pytest

from kubeadm.config import ClusterConfig
from kubeadm.findings import Level
from kubeadm.preflight.checks import check, errors
from kubeadm.preflight.facts import FORBIDDEN, GIB, MIB, Disk, Engine, HostFacts, Network, TakenPort
from kubeadm.preflight.reader import read_host

PODS, SERVICES = IPv4Network("10.244.0.0/16"), IPv4Network("10.96.0.0/12")
GOOD = HostFacts(
    open_files=1 << 20,
    sysctls={
        "fs.inotify.max_user_instances": "512",
        "fs.inotify.max_user_watches": "524288",
        "net.netfilter.nf_conntrack_count": "10",
        "net.netfilter.nf_conntrack_max": "262144",
        "net.ipv4.ip_forward": "1",
    },
    disks=[Disk("/var/lib/sampan", 50 * GIB, 100 * GIB, 1000, 2000)],
    engine=Engine("24.0.7", "/var/lib/docker", "overlay2", "systemd"),
    networks=[Network("eth0", IPv4Network("0.0.0.0/0")), Network("smp-1", IPv4Network("10.244.0.0/24"))],
    cluster_networks={"pods": PODS, "Services": SERVICES},
    node_ip="192.0.2.2",
    nameservers=["192.0.2.53"],
    is_clock_synchronised=True,
)


def disk(free: float, inodes: int = 1000) -> list[Disk]:
    return [Disk("/d", int(free * GIB), 100 * GIB, inodes, 2000)]


def sysctl(name: str, value: str) -> dict[str, str]:
    return {**GOOD.sysctls, name: value}


def docker(version: str = "24.0.7", root: str = "/var/lib/docker", **fields: Any) -> Engine:
    return Engine(version, root, **fields)


PROXIES = {"HTTP_PROXY": "http://proxy:3128", "NO_PROXY": "localhost,192.0.2.2"}

E, W = Level.ERROR, Level.WARNING


@pytest.mark.parametrize(
    ("change", "level", "text", "command"),
    [
        pytest.param(
            {"kernel": "5.4.0-42"},
            W,
            "Linux 5.4.0-42 is older than 5.13, which nftables mode needs",
            "sampan up --proxy-mode=iptables",
            id="kernel",
        ),
        pytest.param({"cgroup_version": 0}, E, "no cgroups are mounted", "", id="no cgroups"),
        pytest.param(
            {"cgroup_controllers": frozenset(("cpu",))},
            E,
            "the controllers memory, pids are off",
            "",
            id="controllers off",
        ),
        pytest.param(
            {"memory_available": 100 * MIB},
            E,
            "100 of 4096 MiB are available: the control plane needs",
            "",
            id="no memory",
        ),
        pytest.param(
            {"memory_available": 400 * MIB},
            W,
            "400 of 4096 MiB are available: little is left",
            "",
            id="little memory",
        ),
        pytest.param(
            {"disks": disk(0.2)},
            E,
            "/d has 0.2 GiB free, 0%: etcd may not be able to write",
            "docker image prune",
            id="no disk",
        ),
        pytest.param(
            {"disks": disk(9)},
            W,
            "/d has 9.0 GiB free, 9%, less than 15%",
            "docker image prune",
            id="little disk",
        ),
        pytest.param(
            {"disks": disk(50, inodes=10)},
            E,
            "/d has 0% of its inodes left",
            "docker image prune",
            id="no inodes",
        ),
        pytest.param(
            {"sysctls": sysctl("fs.inotify.max_user_instances", "128")},
            W,
            "fs.inotify.max_user_instances is 128, less than 512",
            "sysctl -w fs.inotify.max_user_instances=512",
            id="inotify",
        ),
        pytest.param({"open_files": 1024}, W, "a process may open 1024 files", "ulimit -n 65536", id="files"),
        pytest.param(
            {"sysctls": sysctl("net.netfilter.nf_conntrack_count", "250000")},
            E,
            "250000 of 262144 connections are tracked",
            "sysctl -w net.netfilter.nf_conntrack_max=524288",
            id="conntrack",
        ),
        pytest.param(
            {"sysctls": sysctl("net.ipv4.ip_forward", "0")},
            W,
            "net.ipv4.ip_forward is 0",
            "sysctl -w net.ipv4.ip_forward=1",
            id="forwarding",
        ),
        pytest.param(
            {"missing_programs": ["nft (nftables)"]}, E, "missing: nft (nftables)", "sampan up", id="programs"
        ),
        pytest.param(
            {"nft_error": "no such module"},
            E,
            "nft does not work: no such module",
            "sampan up --proxy-mode=iptables",
            id="nft",
        ),
        pytest.param(
            {"engine": None, "engine_error": "refused"},
            E,
            "Docker cannot be used: refused",
            "sampan up",
            id="no Docker",
        ),
        pytest.param(
            {"engine": None, "engine_error": FORBIDDEN},
            Level.UNKNOWN,
            "only root may ask it",
            "sudo sampan doctor",
            id="not root",
        ),
        pytest.param(
            {"engine": docker("20.10.5+dfsg1")},
            W,
            "Docker 20.10.5+dfsg1: its seccomp profile forbids",
            "",
            id="an old Docker",
        ),
        pytest.param(
            {"engine": docker(root="/var/snap/docker/common")},
            W,
            "Docker is a snap",
            "snap remove docker && apt-get install docker.io",
            id="a snap",
        ),
        pytest.param({"engine": docker(is_rootless=True)}, E, "Docker runs without root", "", id="rootless"),
        pytest.param(
            {"node_ip": "10.244.3.4"},
            E,
            "the node's own address 10.244.3.4 is among those of pods",
            "",
            id="the node among its pods",
        ),
        pytest.param(
            {"networks": [Network("tun0", IPv4Network("10.100.0.0/16"))]},
            W,
            "10.100.0.0/16 on tun0 and 10.96.0.0/12 of Services overlap",
            "",
            id="a network in the way",
        ),
        pytest.param(
            {"nameservers": ["10.96.0.10"]},
            W,
            "the nameserver 10.96.0.10 is among the addresses of",
            "",
            id="a nameserver in the way",
        ),
        pytest.param(
            {"proxies": PROXIES, "unproxied": ["192.0.2.2", "10.96.0.0/12"]},
            W,
            "HTTP_PROXY is set, and NO_PROXY leaves out 10.96.0.0/12",
            "export NO_PROXY=localhost,192.0.2.2,10.96.0.0/12",
            id="a proxy in the way",
        ),
        pytest.param(
            {"taken_ports": [TakenPort(6443, "kube-apiserver", "nginx, process 7")]},
            E,
            "port 6443, which kube-apiserver needs, is taken by nginx, process 7",
            "",
            id="a port",
        ),
        pytest.param(
            {"is_clock_synchronised": False},
            W,
            "the clock is not synchronised",
            "apt-get install systemd-timesyncd",
            id="clock",
        ),
        pytest.param(
            {"is_clock_synchronised": None},
            Level.UNKNOWN,
            "the kernel does not say",
            "",
            id="a clock of which nothing is known",
        ),
    ],
)
def test_what_is_wrong_with_a_machine(change: dict[str, Any], level: Level, text: str, command: str) -> None:
    (found,) = [each for each in check(replace(GOOD, **change)) if each.level is not Level.OK]
    assert (found.level, found.command) == (level, command)
    assert found.text.startswith(text)
    assert found.fix or found.level is Level.UNKNOWN


def test_a_good_machine_has_nothing_but_good_words() -> None:
    assert {each.level for each in check(GOOD)} == {Level.OK}


def test_a_proxy_that_goes_round_the_cluster_is_fine() -> None:
    facts = replace(GOOD, proxies={**PROXIES, "NO_PROXY": "*"}, unproxied=["192.0.2.2"])
    assert errors(check(facts)) == []


def test_this_machine_is_read(tmp_path: Any) -> None:
    config = ClusterConfig(state_dir=tmp_path, node_name="here", node_ip="127.0.0.1")
    facts = read_host(config, {"https_proxy": "http://p:1", "NO_PROXY": "localhost"})
    assert facts.memory_total > facts.memory_available > 0
    assert facts.cpus >= 1
    assert facts.cgroup_version in (0, 1, 2)
    assert all(each.total >= each.free > 0 for each in facts.disks)
    assert facts.cluster_networks == {"pods": PODS, "Services": SERVICES}
    assert facts.proxies == {"HTTPS_PROXY": "http://p:1", "NO_PROXY": "localhost"}
    assert (facts.engine is None) == bool(facts.engine_error)
