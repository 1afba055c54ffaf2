"""A real systemd: units that start, fail and come back, also after a reboot; a second machine that joins."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.fakes.machines import Machine, build_images, machines

pytestmark = pytest.mark.machines

CONTROL_PLANE = ("etcd", "apiserver", "controller-manager", "scheduler")
UNITS = (*CONTROL_PLANE, "dns", "kubelet", "proxy")
READY = "hello 3/3"


@pytest.fixture(scope="module")
def pair() -> Iterator[list[Machine]]:
    build_images()
    with machines("one", "two") as made:
        yield made


@pytest.fixture(scope="module")
def one(pair: list[Machine]) -> Machine:
    """Has a cluster with the demo."""
    pair[0].run("sampan up")
    return pair[0]


@pytest.fixture(scope="module")
def two(pair: list[Machine], one: Machine) -> Machine:
    """Has joined."""
    pair[1].run(one.run("sampan token create --print-join-command"))
    return pair[1]


def pods(machine: Machine) -> list[str]:
    """The containers of pods, by their ids."""
    return sorted(machine.run("docker ps --quiet --filter name=k8s_").split())


def deployment(machine: Machine) -> str:
    return machine.run("sampan get deployment hello --no-headers | awk '{ print $1, $2 }'")


def is_active(machine: Machine, unit: str) -> bool:
    return machine.run(f"systemctl is-active sampan-{unit} || true") == "active"


def test_up_installs_and_starts_units(one: Machine) -> None:
    for unit in UNITS:
        assert is_active(one, unit)
        assert one.run(f"systemctl is-enabled sampan-{unit}") == "enabled"
    assert deployment(one) == READY
    assert one.run("sampan status | head -1") == "systemd: running"
    assert "Daemon is ready" in one.run("journalctl -u sampan-apiserver -o cat")
    assert one.run("systemctl --failed --quiet") == ""


def test_up_again_leaves_everything_alone(one: Machine) -> None:
    before = [one.run(f"systemctl show -P MainPID sampan-{unit}") for unit in UNITS]
    assert "run already" in one.run("sampan up")
    assert [one.run(f"systemctl show -P MainPID sampan-{unit}") for unit in UNITS] == before


@pytest.mark.parametrize("unit", UNITS)
def test_restarting_a_unit_disturbs_no_pod(one: Machine, unit: str) -> None:
    before = pods(one)
    one.run(f"systemctl restart sampan-{unit}")
    assert is_active(one, unit)
    assert pods(one) == before
    one.eventually("sampan get deployment hello --no-headers", lambda text: "3/3" in text)


@pytest.mark.parametrize("unit", UNITS)
def test_a_killed_daemon_is_started_again(one: Machine, unit: str) -> None:
    before, pid = pods(one), one.run(f"systemctl show -P MainPID sampan-{unit}")
    one.run(f"kill -9 {pid}")
    one.eventually(
        f"systemctl show -P MainPID,ActiveState sampan-{unit} | tr '\\n' ' '",
        lambda text: "active" in text.split() and pid not in text.split(),
    )
    one.eventually("sampan get --raw /readyz", lambda text: text == "ok")
    assert pods(one) == before


def test_a_stopped_kubelet_leaves_pods_running_and_takes_them_up_again(one: Machine) -> None:
    before = pods(one)
    one.run("systemctl stop sampan-kubelet")
    assert not is_active(one, "kubelet")
    assert pods(one) == before
    one.run("systemctl start sampan-kubelet")
    one.eventually("sampan get deployment hello --no-headers", lambda text: "3/3" in text)
    assert pods(one) == before


def test_a_daemon_that_fails_is_seen_and_stops_no_other(one: Machine) -> None:
    own = "/etc/default/sampan-scheduler"
    one.run(f"echo SAMPAN_EXTRA_ARGS=--no-such-flag > {own}")
    try:
        one.run("systemctl restart sampan-scheduler || true")
        one.eventually("sampan status | grep scheduler", lambda text: "down" in text)
        one.eventually("journalctl -u sampan-scheduler -o cat", lambda text: "no-such-flag" in text)
        assert all(is_active(one, unit) for unit in UNITS if unit != "scheduler")
    finally:
        one.run(f"rm {own}")
    one.eventually("systemctl is-active sampan-scheduler")


def test_everything_is_back_after_a_reboot(one: Machine) -> None:
    marker = one.run("sampan create configmap before-the-reboot --from-literal=a=1")
    assert "created" in marker
    one.reboot()
    one.eventually("sampan get deployment hello --no-headers", lambda text: "3/3" in text)
    assert one.run("sampan get configmap before-the-reboot -o jsonpath='{.data.a}'") == "1"
    for unit in UNITS:
        one.eventually(f"systemctl is-active sampan-{unit}")


def test_control_plane_units_are_confined(one: Machine) -> None:
    for unit in CONTROL_PLANE:
        shown = one.run(f"systemd-analyze security sampan-{unit} --no-pager | tail -1")
        exposure = float(shown.split("sampan-")[1].split()[1])
        assert exposure <= 3, shown


def test_a_machine_joins_and_its_pods_are_reached(one: Machine, two: Machine) -> None:
    one.eventually("sampan get nodes --no-headers", both_are_ready)
    one.run("sampan create deployment spread --image=busybox:1.36 --replicas=4 -- sleep 1000")
    one.run("sampan rollout status deployment/spread --timeout=300s", limit=330)
    here = one.run(
        "sampan get pods -l app=spread -o wide --no-headers | awk '$7 == \"two\" { print $1 }' | head -1"
    )
    there = one.run("sampan get pods -l app=hello -o jsonpath='{.items[0].status.podIP}'")
    one.eventually(f"sampan exec {here} -- ping -c 1 -W 3 {there}", lambda text: " 0% packet loss" in text)
    # Through the apiserver to the kubelet of the other machine, whose certificate it verifies.
    service = one.run("sampan get service hello -o jsonpath='{.spec.clusterIP}'")
    request = f"printf 'GET / HTTP/1.0\\r\\n\\r\\n' | nc -w 20 {service} 80"
    one.eventually(f'sampan exec {here} -- sh -c "{request}"', lambda text: "Hello from Sampan" in text)


def both_are_ready(nodes: str) -> bool:
    return [line.split()[:2] for line in nodes.splitlines()] == [["one", "Ready"], ["two", "Ready"]]


def test_node_ports_answer_on_every_machine(one: Machine, two: Machine) -> None:
    address = two.run("hostname -i")
    one.eventually(
        f"curl --silent --max-time 20 http://{address}:30080/", lambda text: text == "Hello from Sampan"
    )


def test_joining_twice_is_harmless(one: Machine, two: Machine) -> None:
    before = pods(two)
    two.run(one.run("sampan token create --print-join-command"))
    assert pods(two) == before


def test_a_machine_that_has_joined_is_back_after_a_reboot(one: Machine, two: Machine) -> None:
    two.reboot()
    one.eventually("sampan get node two --no-headers", lambda text: " Ready" in text)
    one.eventually("sampan get deployment spread --no-headers", lambda text: "4/4" in text)


def test_reset_takes_everything_away(one: Machine, two: Machine) -> None:
    printed = two.run("sampan reset")
    assert "kubectl delete node two" in printed
    assert pods(two) == []
    assert two.run("find /var/lib/sampan /etc/sampan -mindepth 1 2>/dev/null || true") == ""
    assert two.run("systemctl list-units --plain --no-legend 'sampan-[!j]*'") == ""
    assert two.run("ip -brief link | grep -c smp || true") == "0"
    one.run("sampan delete node two")


def test_down_takes_everything_away(one: Machine) -> None:
    one.run("sampan down")
    assert pods(one) == []
    assert one.run("ls /etc/systemd/system | grep -c '^sampan-[^j]' || true") == "0"
    assert one.run("nft list tables | grep -c -E 'sampan|kube-proxy' || true") == "0"
