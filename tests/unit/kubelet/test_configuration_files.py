"""The file, its drop-ins, and flags: who wins."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from component_base.flags import parse
from kubelet.configuration import ConfigError, check, merge
from kubelet.configuration_defaults import ACCEPTED, DEFAULTS
from kubelet.configuration_files import read_configuration
from kubelet.configuration_flags import AcceptedFlags, SettingFlags
from kubelet.options import UNUSED, Options

HEAD = "apiVersion: kubelet.config.k8s.io/v1beta1\nkind: KubeletConfiguration\n"


def write(folder: Path, **files: str) -> Path:
    folder.mkdir()
    for name, text in files.items():
        (folder / name.replace("_", ".")).write_text(HEAD + text)
    return folder


def test_drop_ins_overlay_the_file_in_the_order_of_their_names(tmp_path: Path) -> None:
    folder = write(
        tmp_path / "conf.d",
        a_conf="maxPods: 20\nsystemReserved: {cpu: 100m}\nclusterDNS: [192.0.2.2]\n",
        b_conf="maxPods: 30\n",
        c_yaml="maxPods: 40\n",
    )
    (tmp_path / "config").write_text(
        f"{HEAD}maxPods: 10\npodsPerCore: 5\nsystemReserved: {{memory: 1Gi}}\nclusterDNS: [192.0.2.1]\n"
    )
    assert read_configuration(str(tmp_path / "config"), str(folder)) == {
        "maxPods": 30,
        "podsPerCore": 5,
        "systemReserved": {"memory": "1Gi", "cpu": "100m"},
        "clusterDNS": ["192.0.2.2"],
    }


def test_neither_file_nor_folder() -> None:
    assert read_configuration("", "") == {}


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="failed to walk through kubelet dropin directory"):
        read_configuration("", str(tmp_path / "nothing"))


def test_a_drop_in_of_another_kind(tmp_path: Path) -> None:
    folder = tmp_path / "conf.d"
    folder.mkdir()
    (folder / "a.conf").write_text("apiVersion: v1\nkind: Pod\n")
    with pytest.raises(ConfigError, match=r"failed to load kubelet dropin file, path: .*a\.conf, error: "):
        read_configuration("", str(folder))


@pytest.mark.parametrize(
    ("argument", "path", "value"),
    [
        ("--max-pods=5", "maxPods", 5),
        ("--rotate-certificates", "rotateCertificates", True),
        ("--register-node=false", "registerNode", False),
        ("--client-ca-file=ca", "authentication.x509.clientCAFile", "ca"),
        ("--cluster-dns=192.0.2.1,192.0.2.2", "clusterDNS", ["192.0.2.1", "192.0.2.2"]),
        ("--eviction-hard=memory.available<1Gi", "evictionHard", {"memory.available": "1Gi"}),
        ("--kube-reserved=cpu=1,memory=1Gi", "kubeReserved", {"cpu": "1", "memory": "1Gi"}),
        ("--register-with-taints=a=b:NoExecute", "registerWithTaints",
         [{"key": "a", "value": "b", "effect": "NoExecute"}]),
        ("--node-status-update-frequency=20s", "nodeStatusUpdateFrequency", "20s"),
        ("--fail-swap-on=false", "failSwapOn", False),
        ("--cgroup-driver=systemd", "cgroupDriver", "systemd"),
        ("--tls-min-version=VersionTLS13", "tlsMinVersion", "VersionTLS13"),
        ("--resolv-conf=", "resolvConf", ""),
        ("--register-with-taints=", "registerWithTaints", []),
    ],
)  # fmt: skip
def test_a_flag_wins_over_the_file(argument: str, path: str, value: object) -> None:
    taints = [{"key": "a", "effect": "NoExecute"}]
    of_file = {"maxPods": 1, "clusterDNS": [], "registerWithTaints": taints, "resolvConf": "/etc/hosts.conf"}
    found = merge(of_file, parse(Options, [argument], prog="kubelet", unused=UNUSED))
    check(found)
    for name in path.split("."):
        found = found[name]
    assert found == value


@pytest.mark.parametrize(
    ("argument", "field", "value"),
    [
        ("--node-status-update-frequency=20s", "nodeStatusReportFrequency", "5m0s"),
        ("--eviction-hard=memory.available<1Gi", "evictionHard", {"memory.available": "1Gi"}),
    ],
)
def test_of_flags_nothing_follows(argument: str, field: str, value: object) -> None:
    flags = parse(Options, [argument], prog="kubelet", unused=UNUSED)
    assert merge({"mergeDefaultEvictionSettings": True}, flags)[field] == value


def test_what_tls_cannot_be_is_refused() -> None:
    with pytest.raises(ConfigError, match="unknown tls version"):
        check(merge({"tlsMinVersion": "1.2"}, Options()))


@pytest.mark.parametrize("name", SettingFlags.__dataclass_fields__)
def test_every_flag_has_its_field(name: str) -> None:
    """And says so where that field is without effect."""
    path = SettingFlags.__dataclass_fields__[name].metadata["path"]
    assert is_in(ACCEPTED, path) == (name in AcceptedFlags.__dataclass_fields__)
    assert is_in(merge({}, Options()), path) or is_in(DEFAULTS, path[:-1])


def is_in(fields: Mapping[str, Any], path: Sequence[str]) -> bool:
    first, *rest = path
    return first in fields and (not rest or is_in(fields[first], rest))
