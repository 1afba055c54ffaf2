"""The command lines that `sampan up` starts."""

from dataclasses import replace
from pathlib import Path

import pytest

from kubeadm import config, units
from kubeadm.components import components, flag_of, kubelet_configuration, resolv_conf_in
from kubeadm.config import ClusterConfig

CONFIG = ClusterConfig(state_dir=Path("/state"), node_name="n1", node_ip="192.0.2.7")


def test_every_daemon_is_its_own_process_and_etcd_comes_first() -> None:
    names = [component.name for component in components(CONFIG, "/usr/bin/etcd")]
    assert names == [
        "etcd",
        "kube-apiserver",
        "kube-controller-manager",
        "kube-scheduler",
        "kubelet",
        "kube-proxy",
        "kube-dns",
    ]


def flags(config: ClusterConfig, daemon: str) -> tuple[str, ...]:
    return next(each.flags for each in components(config, "/usr/bin/etcd") if each.name == daemon)


def test_a_pool_of_addresses_is_known_to_who_gives_them_and_who_answers_for_them() -> None:
    pooled = replace(CONFIG, load_balancer_pool="192.0.2.64/27")
    for daemon in ("kube-controller-manager", "kube-proxy"):
        assert "--load-balancer-pool=192.0.2.64/27" in flags(pooled, daemon)
        assert not any("pool" in flag for flag in flags(CONFIG, daemon))
    started = components(pooled, "/usr/bin/etcd")
    assert flag_of(started, "kube-proxy", "load-balancer-pool") == "192.0.2.64/27"
    assert flag_of(started, "kube-proxy", "proxy-mode") == ""


def test_every_daemon_is_told_the_feature_gates_and_kubelets_by_the_file_that_they_share() -> None:
    gated = replace(CONFIG, feature_gates="ImageVolume=true,EnvFiles=false")
    for daemon in ("kube-apiserver", "kube-controller-manager", "kube-scheduler", "kube-proxy"):
        assert "--feature-gates=ImageVolume=true,EnvFiles=false" in flags(gated, daemon)
        assert not any("gates" in flag for flag in flags(CONFIG, daemon))
    assert kubelet_configuration(gated)["featureGates"] == {"ImageVolume": True, "EnvFiles": False}
    assert "featureGates" not in kubelet_configuration(CONFIG)


def test_a_machine_s_proxy_serves_all_its_nodes() -> None:
    several = replace(CONFIG, node_count=3)
    assert {"--hostname-override=n1", "--neighbour-nodes=n1-2,n1-3"} <= set(flags(several, "kube-proxy"))


def test_every_file_of_the_cluster_lies_under_its_state_directory() -> None:
    flags = [flag for component in components(CONFIG, "/usr/bin/etcd") for flag in component.command[1:]]
    paths = [flag.split("=", 1)[1] for flag in flags if "=/" in flag and "resolv-conf" not in flag]
    assert paths
    assert all(path.startswith("/state/") for path in paths)


@pytest.mark.parametrize(
    ("text", "has_systemd", "is_given"),
    [
        ("nameserver 192.0.2.53", True, "host"),
        ("nameserver 127.0.0.53", True, "systemd"),
        ("nameserver 127.0.0.1\nnameserver 192.0.2.53", True, "host"),
        ("nameserver 127.0.0.1", False, "host"),
        ("", True, "host"),
    ],
)
def test_pods_get_resolvers_that_they_can_reach(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, has_systemd: bool, is_given: str
) -> None:
    files = {name: tmp_path / name for name in ("host", "systemd")}
    files["host"].write_text(text)
    if has_systemd:
        files["systemd"].touch()
    monkeypatch.setattr(config, "SYSTEMD_RESOLV_CONF", files["systemd"])
    assert config.pod_resolv_conf(files["host"]) == files[is_given]


def test_a_cluster_keeps_the_resolvers_it_was_started_with(tmp_path: Path) -> None:
    assert resolv_conf_in([]) == ""
    own = replace(CONFIG, resolv_conf=Path("/own/resolv.conf"))
    units.save(tmp_path, components(own, "/usr/bin/etcd"))
    assert resolv_conf_in(units.load(tmp_path)) == "/own/resolv.conf"
