"""`sampan doctor` on a machine that carries a cluster."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from typing import Any

import pytest

from kubeadm.config import ClusterConfig
from tests.e2e.conftest import LIMIT, SAMPAN, eventually, process_of

pytestmark = pytest.mark.e2e


def doctor(cluster: ClusterConfig, *arguments: str) -> tuple[int, Any]:
    environment = {**os.environ, "KUBECONFIG": str(cluster.admin_kubeconfig)}
    command = [SAMPAN, "doctor", *arguments, "-o", "json"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=LIMIT)
    return done.returncode, json.loads(done.stdout)


def test_a_cluster_that_is_well_is_told_so(cluster: ClusterConfig) -> None:
    def well() -> Any:
        code, report = doctor(cluster, "cluster", "dns")
        assert code == 0, report
        return report

    report = eventually(well)
    assert report["healthy"]
    checked = [each["check"] for each in report["cluster"]]
    assert checked == ["cluster", "clocks", "certificates", "etcd"]
    hops = [each["check"] for each in report["dns"]]
    assert hops == ["service", "resolv.conf", "endpoints", "rules", "server", "answer"]


def test_the_machine_is_examined(cluster: ClusterConfig) -> None:
    _, report = doctor(cluster, "host")
    assert {each["check"] for each in report["host"]} >= {
        "kernel",
        "cgroups",
        "memory",
        "disk",
        "docker",
        "ports",
    }
    assert all(each["fix"] for each in report["host"] if each["level"] in ("error", "warning"))


def test_the_broken_hop_is_named(cluster: ClusterConfig) -> None:
    pid = eventually(lambda: process_of(cluster, "kube-dns"))
    os.kill(pid, signal.SIGSTOP)
    try:
        code, report = doctor(cluster, "dns")
    finally:
        os.kill(pid, signal.SIGCONT)
    assert code == 1
    assert (report["dns"][-1]["check"], report["dns"][-1]["level"]) == ("server", "error")
