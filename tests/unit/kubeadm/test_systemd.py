"""How units are told to systemd. That systemd does it is for tests/e2e to show."""

from __future__ import annotations

import configparser

import pytest

from kubeadm.components import components, worker
from kubeadm.config import ClusterConfig
from kubeadm.systemd import TARGET, environment, file_of, service_of, unit_files
from kubeadm.units import Unit

CONFIG = ClusterConfig(node_name="n1", node_ip="192.0.2.7", node_count=2)


@pytest.mark.parametrize(
    ("name", "service", "file"),
    [
        ("etcd", "sampan-etcd.service", "sampan-etcd.service"),
        ("kube-apiserver", "sampan-apiserver.service", "sampan-apiserver.service"),
        ("kube-controller-manager", "sampan-controller-manager.service", "sampan-controller-manager.service"),
        ("kubelet", "sampan-kubelet.service", "sampan-kubelet.service"),
        ("kubelet-2", "sampan-kubelet@2.service", "sampan-kubelet@.service"),
        ("kube-proxy", "sampan-proxy.service", "sampan-proxy.service"),
        ("kube-dns", "sampan-dns.service", "sampan-dns.service"),
    ],
)
def test_every_unit_has_a_service(name: str, service: str, file: str) -> None:
    assert service_of(name) == service
    assert file_of(service) == file


def test_flags_are_one_line_that_systemd_parts_at_spaces() -> None:
    unit = Unit("kube-proxy", ("python",), ("--a=1", "--b=2"))
    assert environment(unit).splitlines()[1] == 'SAMPAN_ARGS="--a=1 --b=2"'
    assert "/etc/default/sampan-proxy" in environment(unit)


def test_no_flag_of_ours_has_a_space() -> None:
    everything = [*components(CONFIG, "/usr/bin/etcd"), *worker(ClusterConfig(node_name="n1", node_ip="::1"))]
    assert not [flag for unit in everything for flag in unit.flags if " " in flag]


def test_every_unit_that_is_started_has_a_file_that_reads_its_flags() -> None:
    for unit in components(CONFIG, "/usr/bin/etcd"):
        parsed = configparser.RawConfigParser(strict=False)
        parsed.optionxform = str  # type: ignore[assignment,method-assign]
        parsed.read_string((unit_files() / file_of(service_of(unit.name))).read_text())
        assert parsed["Service"]["Type"] == "notify"
        assert parsed["Service"]["ExecStart"].endswith("$SAMPAN_ARGS $SAMPAN_EXTRA_ARGS")
        assert parsed["Unit"]["PartOf"] == TARGET
        name = unit.name.replace("-2", "-%i")
        text = (unit_files() / file_of(service_of(unit.name))).read_text()
        assert f"EnvironmentFile=/etc/sampan/{name}.env" in text
