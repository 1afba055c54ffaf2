"""The command lines that `sampan up` starts."""

from pathlib import Path

from kubeadm.components import components
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
    ]


def test_every_file_of_the_cluster_lies_under_its_state_directory() -> None:
    flags = [flag for component in components(CONFIG, "/usr/bin/etcd") for flag in component.command[1:]]
    paths = [flag.split("=", 1)[1] for flag in flags if "=/" in flag]
    assert paths
    assert all(path.startswith("/state/") for path in paths)
