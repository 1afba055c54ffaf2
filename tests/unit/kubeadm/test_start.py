"""When `up` starts the processes anew, and what it says when they don't come up."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from kubeadm import cli, host, ports, status, supervisor, units, up
from kubeadm.components import components, node_names
from kubeadm.config import ClusterConfig, Node
from kubeadm.progress import Progress
from kubeadm.supervised import Supervised
from kubeadm.units import Unit


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ClusterConfig:
    (tmp_path / "run").mkdir()
    monkeypatch.setattr(host, "find", lambda name: f"/usr/bin/{name}")
    monkeypatch.setattr(ports, "require_free", lambda wanted: None)
    return ClusterConfig(state_dir=tmp_path, node_name="n1", node_ip="192.0.2.7")


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is asked of the supervisor, in order."""
    made: list[str] = []

    def note(name: str) -> Callable[..., None]:
        return lambda *_: made.append(name)

    for name in ("stop", "spawn", "reload"):
        monkeypatch.setattr(supervisor, name, note(name))
    return made


UNITS = [Unit("etcd", ("/usr/bin/etcd",)), Unit("kubelet", ("/usr/bin/python",), ("--a=1",))]
CHANGED = [UNITS[0], Unit("kubelet", ("/usr/bin/python",), ("--a=2",))]
MORE = [*UNITS, Unit("kube-proxy", ("/usr/bin/python",))]


@pytest.mark.parametrize(
    ("running", "wanted", "afresh", "asked", "started"),
    [
        pytest.param(True, UNITS, False, [], [], id="what runs is left alone"),
        pytest.param(True, UNITS, True, ["stop", "spawn"], ["etcd", "kubelet"], id="new certificates"),
        pytest.param(True, CHANGED, False, ["reload"], ["kubelet"], id="other flags concern one process"),
        pytest.param(True, MORE, False, ["reload"], ["kube-proxy"], id="one more"),
        pytest.param(True, UNITS[:1], False, ["reload"], [], id="one less"),
        pytest.param(
            False, UNITS, False, ["stop", "spawn"], ["etcd", "kubelet"], id="strays of a killed one end first"
        ),
    ],
)
def test_only_what_must_be_is_started(
    config: ClusterConfig,
    calls: list[str],
    monkeypatch: pytest.MonkeyPatch,
    running: bool,
    wanted: list[Unit],
    afresh: bool,
    asked: list[str],
    started: list[str],
) -> None:
    monkeypatch.setattr(supervisor, "is_running", lambda run_dir: running)
    units.save(config.run_dir, UNITS)
    assert Supervised(config).apply(wanted, afresh=afresh) == started
    assert calls == asked
    assert units.load(config.run_dir) == wanted


def test_a_time_out_names_the_processes_that_are_down(
    config: ClusterConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor, "is_running", lambda run_dir: True)
    units.save(config.run_dir, [Unit("etcd", ("etcd",))])
    assert status.trouble(config) == [f"etcd is down; see {config.log_dir}/etcd.log"]
    with pytest.raises(TimeoutError, match=r"(?s)not ready.*etcd is down"), up._explained(config):
        raise TimeoutError("the apiserver is not ready")


def test_a_cluster_keeps_the_nodes_it_was_started_with(config: ClusterConfig) -> None:
    assert node_names(units.load(config.run_dir)) == []
    units.save(config.run_dir, components(replace(config, node_count=2), "/usr/bin/etcd"))
    kept = cli._config(config.state_dir)
    assert [node.name for node in kept.nodes] == ["n1", "n1-2"]
    assert cli._config(config.state_dir, "n2", nodes=1).nodes == [Node("n2")]


BEGAN = datetime(2026, 1, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("status", "heartbeat", "since", "is_so"),
    [
        pytest.param("True", "2026-01-01T12:00:00Z", BEGAN, True, id="of this life"),
        pytest.param("True", "2026-01-01T11:59:59Z", BEGAN, False, id="of a former life"),
        pytest.param("True", "2026-01-01T11:59:59Z", None, True, id="its kubelet runs already"),
        pytest.param("False", "2026-01-01T12:00:01Z", BEGAN, False, id="not yet"),
    ],
)
def test_a_node_is_ready_when_its_new_kubelet_says_so(
    status: str, heartbeat: str, since: datetime | None, is_so: bool
) -> None:
    ready = {"type": "Ready", "status": status, "lastHeartbeatTime": heartbeat}
    assert up.is_ready({"status": {"conditions": [ready]}}, since) is is_so


def test_a_node_without_conditions_is_not_ready() -> None:
    assert not up.is_ready({"status": {}}, BEGAN)


@pytest.mark.parametrize("is_running", [False, True])
def test_only_new_kubelets_are_waited_for(
    config: ClusterConfig, calls: list[str], monkeypatch: pytest.MonkeyPatch, is_running: bool
) -> None:
    monkeypatch.setattr(Supervised, "is_running", lambda _: is_running)
    monkeypatch.setattr(host, "has_systemd", lambda: False)
    two = replace(config, node_count=2)
    units.save(two.run_dir, [each for each in components(two, "/usr/bin/etcd") if each.name != "kubelet-2"])
    begun = up.start(two, Progress())
    assert set(begun) == ({"n1-2"} if is_running else {"n1", "n1-2"})
