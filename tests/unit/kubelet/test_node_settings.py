"""What a node does by its KubeletConfiguration and flags."""

from __future__ import annotations

from dataclasses import replace

import pytest

from apimachinery.objects import Object
from component_base.flags import parse
from kubelet.cgroups.cpu_lists import format_cpus, parse_cpus
from kubelet.cgroups.policy import CgroupPolicyError, check_reserved_cpus, reserved_of
from kubelet.configuration import ConfigError, check, completed, merge
from kubelet.node.machine import Machine
from kubelet.node.status import NodeConfig, capacity_of, changes, node_images
from kubelet.node_settings import event_limit_of, heartbeat_seconds_of, request_limit_of, restart_seconds_of
from kubelet.options import Options
from kubelet.runtime.interface import ImageRef

MACHINE = Machine(cpus=2, memory=4 << 30, disk=100 << 30)
CONFIG = NodeConfig("n1", ("192.0.2.1",), "n1")


@pytest.mark.parametrize(("each", "most", "pods"), [(0, 110, "110"), (10, 110, "20"), (10, 5, "5")])
def test_pods_may_be_limited_by_processors(each: int, most: int, pods: str) -> None:
    assert capacity_of(MACHINE, replace(CONFIG, pods_per_core=each, max_pods=most))["pods"] == pods


@pytest.mark.parametrize(("most", "shown"), [(50, 50), (-1, 60), (0, 0)])
def test_how_many_images_are_told(most: int, shown: int) -> None:
    images = [ImageRef(str(each), (), (f"i:{each}",), each) for each in range(60)]
    assert len(node_images(images, most)) == shown


@pytest.mark.looptime
@pytest.mark.parametrize(
    ("qps", "burst", "at_once", "wait"),
    [
        pytest.param(50, 100, 100, 0.02, id="as it is said"),
        pytest.param(0, 0, 10, 0.2, id="of Go's clients"),
    ],
)
async def test_so_many_events_are_sent(qps: int, burst: int, at_once: int, wait: float) -> None:
    limit = event_limit_of({"eventRecordQPS": qps, "eventBurst": burst})
    assert {limit.reserve() for _ in range(at_once)} == {0.0}
    assert limit.reserve() == pytest.approx(wait)


@pytest.mark.parametrize(
    ("given", "limit"),
    [
        pytest.param({}, (50, 100), id="upstream's defaults"),
        pytest.param({"kubeAPIQPS": 7, "kubeAPIBurst": 9}, (7, 9), id="as it is said"),
        pytest.param({"kubeAPIQPS": 0, "kubeAPIBurst": 0}, (5, 100), id="none in a file"),
    ],
)
def test_so_many_requests_are_sent(given: Object, limit: tuple[float, int]) -> None:
    assert request_limit_of(merge(given, Options())) == limit


def test_a_burst_of_none_by_flag_is_that_of_gos_clients() -> None:
    assert request_limit_of(merge({}, Options(kube_api_burst=0))) == (50, 10)


@pytest.mark.parametrize(
    ("given", "seconds"),
    [
        ({}, 10.0),
        ({"nodeStatusUpdateFrequency": "1m"}, 40.0),
        ({"nodeLeaseDurationSeconds": 4}, 4.0),
    ],
)
def test_a_heartbeat_takes_no_longer_than_it_is_worth(given: Object, seconds: float) -> None:
    assert heartbeat_seconds_of(merge(given, Options())) == seconds


def test_headers_of_the_url_may_be_given_in_parts() -> None:
    line = "--manifest-url-header=a:hello,b:again,c:world --manifest-url-header=b:beautiful"
    options = parse(Options, line.split(), prog="kubelet")
    merged = merge({"staticPodURLHeader": {"d": ["of the file"]}}, options)
    assert merged["staticPodURLHeader"] == {"a": ["hello"], "b": ["again", "beautiful"], "c": ["world"]}


def test_a_header_without_a_value_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parse(Options, ["--manifest-url-header=a"], prog="kubelet")
    assert "malformed pair, expect string:string" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("gates", "longest", "seconds"),
    [
        pytest.param((), "", (10, 300), id="as ever"),
        pytest.param(("ReduceDefaultCrashLoopBackOffDecay",), "", (1, 60), id="less by a gate"),
        pytest.param(("KubeletCrashLoopBackOffMax",), "", (10, 300), id="configurable"),
        pytest.param(("KubeletCrashLoopBackOffMax",), "4s", (4, 4), id="configured"),
        pytest.param(
            ("KubeletCrashLoopBackOffMax", "ReduceDefaultCrashLoopBackOffDecay"), "2m", (1, 120), id="both"
        ),
    ],
)
def test_what_crashes_waits_so_long(
    gates: tuple[str, ...], longest: str, seconds: tuple[float, float]
) -> None:
    given = {
        "featureGates": dict.fromkeys(gates, True),
        "crashLoopBackOff": {"maxContainerRestartPeriod": longest} if longest else {},
    }
    assert restart_seconds_of(merge(given, Options())) == seconds


def test_processors_that_are_listed_are_the_systems() -> None:
    given = {
        "reservedSystemCPUs": "0-1,3",
        "systemReserved": {"cpu": "1", "memory": "1Gi"},
        "kubeReserved": {"cpu": "500m", "memory": "1Gi"},
    }
    reserved = reserved_of(merge(given, Options()))
    assert {name: str(amount) for name, amount in reserved.items()} == {"cpu": "3", "memory": "2Gi"}


@pytest.mark.parametrize(
    ("listed", "words"),
    [
        ("x", 'unable to parse reserved-cpus list: strconv.Atoi: parsing "x": invalid syntax'),
        ("3-1", 'unable to parse reserved-cpus list: invalid range "3-1" (3 > 1)'),
        ("2-9", "reserved-cpus: 2-9 is not a subset of online-cpus: 0-3"),
    ],
)
def test_processors_that_cannot_be_reserved(listed: str, words: str) -> None:
    with pytest.raises(CgroupPolicyError) as raised:
        check_reserved_cpus(merge({"reservedSystemCPUs": listed}, Options()), range(4))
    assert str(raised.value) == words


def test_processors_are_listed_as_the_kernel_does() -> None:
    assert format_cpus(parse_cpus("8,0-3,5-5")) == "0-3,5,8"
    assert parse_cpus("") == set()


def test_disk_may_be_no_resource() -> None:
    machine = Machine(cpus=2, memory=4 << 30, disk=100 << 30)
    capacity = capacity_of(machine, NodeConfig("n", (), "n", isolates_storage=False))
    assert capacity == {"cpu": "2", "memory": "4Gi", "pods": "110"}
    patch = changes({"capacity": {**capacity, "ephemeral-storage": "100Gi"}}, {"capacity": capacity})
    assert patch == {"capacity": {**capacity, "ephemeral-storage": None}}


def test_the_file_tells_of_logs_and_metrics_what_no_flag_does() -> None:
    given = {
        "logging": {
            "format": "json",
            "verbosity": 4,
            "vmodule": [{"filePattern": "queue", "verbosity": 5}],
        },
        "showHiddenMetricsForVersion": "1.33",
    }
    told = completed(Options(), merge(given, Options()))
    assert (told.v, told.logging_format, told.vmodule) == (4, "json", (("queue", 5),))
    assert told.show_hidden_metrics_for_version == "1.33"
    assert completed(Options(v=2), merge(given, Options())).v == 2
    assert completed(Options(), merge({}, Options())) == Options()


def test_logs_of_another_format_are_refused() -> None:
    words = 'logging.format: Invalid value: "xml": Unsupported log format'
    with pytest.raises(ConfigError, match=words):
        check(merge({"logging": {"format": "xml"}}, Options()))
