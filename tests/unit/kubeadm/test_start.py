"""When `up` starts the processes anew, and what it says when they don't come up."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from kubeadm import cli, host, ports, status, supervisor, up
from kubeadm.components import components, node_name_in
from kubeadm.config import ClusterConfig
from kubeadm.progress import Progress
from kubeadm.supervisor import Unit


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ClusterConfig:
    (tmp_path / "run").mkdir()
    monkeypatch.setattr(host, "find", lambda name: f"/usr/bin/{name}")
    monkeypatch.setattr(ports, "require_free", lambda config: None)
    return ClusterConfig(state_dir=tmp_path, node_name="n1", node_ip="192.0.2.7")


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What `up` asks of the supervisor, in order."""
    made: list[str] = []

    def note(name: str) -> Callable[..., None]:
        return lambda *_: made.append(name)

    monkeypatch.setattr(supervisor, "stop", note("stop"))
    monkeypatch.setattr(supervisor, "spawn", note("spawn"))
    return made


def save(config: ClusterConfig) -> None:
    supervisor.save(config.run_dir, components(config, "/usr/bin/etcd"))


@pytest.mark.parametrize(
    ("running", "changes", "afresh", "expected"),
    [
        pytest.param(True, {}, False, [], id="what runs is left alone"),
        pytest.param(True, {}, True, ["stop", "spawn"], id="new certificates start it anew"),
        pytest.param(True, {"node_ip": "192.0.2.8"}, False, ["stop", "spawn"], id="so does a new address"),
        pytest.param(False, {}, False, ["stop", "spawn"], id="strays of a killed supervisor end first"),
    ],
)
def test_processes_are_started_when_they_must_be(
    config: ClusterConfig,
    calls: list[str],
    monkeypatch: pytest.MonkeyPatch,
    running: bool,
    changes: dict[str, Any],
    afresh: bool,
    expected: list[str],
) -> None:
    monkeypatch.setattr(supervisor, "is_running", lambda run_dir: running)
    save(config)
    up._start(replace(config, **changes), Progress(), afresh=afresh)
    assert calls == expected


def test_a_time_out_names_the_processes_that_are_down(
    config: ClusterConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor, "is_running", lambda run_dir: True)
    supervisor.save(config.run_dir, [Unit("etcd", ("etcd",))])
    assert status.trouble(config) == [f"etcd is down; see {config.log_dir}/etcd.log"]
    with pytest.raises(TimeoutError, match=r"(?s)not ready.*etcd is down"), up._explained(config):
        raise TimeoutError("the apiserver is not ready")


def test_a_cluster_keeps_the_node_name_it_was_started_with(config: ClusterConfig) -> None:
    assert node_name_in(config.run_dir) == ""
    save(config)
    assert cli._config(config.state_dir).node_name == "n1"
    assert cli._config(config.state_dir, "n2").node_name == "n2"
