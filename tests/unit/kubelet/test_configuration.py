"""KubeletConfiguration: what follows from what, and what no kubelet starts with."""

from __future__ import annotations

import logging
from contextlib import suppress
from dataclasses import replace

import pytest

from apimachinery.objects import Object
from component_base.flags import parse
from kubelet.cgroups.cpu_lists import format_cpus, parse_cpus
from kubelet.cgroups.policy import CgroupPolicyError, check_reserved_cpus, reserved_of
from kubelet.cgroups.policy import policy_of as cgroup_policy_of
from kubelet.configuration import ConfigError, check, completed, load_document, merge
from kubelet.configuration_defaults import ACCEPTED, DEFAULTS
from kubelet.configuration_shape import CONFIGURATION
from kubelet.eviction.thresholds import ThresholdError, parse_thresholds
from kubelet.node.machine import Machine
from kubelet.node.status import NodeConfig, capacity_of, changes, node_images
from kubelet.node_settings import event_limit_of, heartbeat_seconds_of, request_limit_of, restart_seconds_of
from kubelet.options import Options
from kubelet.runtime.interface import ImageRef
from tests.unit.wrong_types import misshapen

PLACE = "enforceNodeAllocatable (--enforce-node-allocatable)"
KINDS = (
    '"pods", "system-reserved", "system-reserved-compressible", "kube-reserved", '
    '"kube-reserved-compressible" or "none"'
)
OOM = "oomScoreAdj (--oom-score-adj) 1001 must be between -1000 and 1000, inclusive"
IMAGES = "nodeStatusMaxImages (--node-status-max-images) -2 must be -1 or greater"
LOW = (
    "imageGCLowThresholdPercent (--image-gc-low-threshold) 90 must be less than "
    "imageGCHighThresholdPercent (--image-gc-high-threshold) 85"
)
PARALLEL = (
    "maxParallelImagePulls cannot be larger than 1 unless SerializeImagePulls (--serialize-image-pulls) "
    "is set to false"
)
RESTARTS = (
    "FeatureGate KubeletCrashLoopBackOffMax not enabled, CrashLoopBackOff.MaxContainerRestartPeriod must "
    "not be set"
)


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        ({"eventBurst": -1}, "eventBurst (--event-burst) -1 must not be a negative number"),
        (
            {"oomScoreAdj": 1001},
            "oomScoreAdj (--oom-score-adj) 1001 must be between -1000 and 1000, inclusive",
        ),
        ({"port": 70000}, "port (--port) 70000 must be between 1 and 65535, inclusive"),
        ({"healthzPort": -1}, "healthzPort (--healthz-port) -1 must be between 1 and 65535, inclusive"),
        ({"nodeLeaseDurationSeconds": -1}, "nodeLeaseDurationSeconds must be greater than 0"),
        (
            {"nodeStatusMaxImages": -2},
            "nodeStatusMaxImages (--node-status-max-images) -2 must be -1 or greater",
        ),
        ({"containerLogMaxFiles": 1}, "containerLogMaxFiles must be greater than 1"),
        ({"imageGCLowThresholdPercent": 90}, LOW),
        ({"imageMaximumGCAge": "1m"}, "imageMaximumGCAge 1m0s must be greater than imageMinimumGCAge 2m0s"),
        ({"maxParallelImagePulls": 2, "serializeImagePulls": True}, PARALLEL),
        ({"podLogsDir": "/a//b"}, 'pod logs path "/a//b" must be normalized'),
        (
            {"shutdownGracePeriod": "500ms"},
            "shutdownGracePeriod 500ms must be either zero or otherwise >= 1 sec",
        ),
        (
            {"shutdownGracePeriodCriticalPods": "2s"},
            "shutdownGracePeriodCriticalPods 2s must be <= shutdownGracePeriod 0s",
        ),
        ({"crashLoopBackOff": {"maxContainerRestartPeriod": "10s"}}, RESTARTS),
        (
            {"enforceNodeAllocatable": ["pots"]},
            f'option "pots" specified for {PLACE}. Valid options are {KINDS}',
        ),
        (
            {"enforceNodeAllocatable": ["kube-reserved"]},
            'kubeReservedCgroup (--kube-reserved-cgroup) must be specified when "kube-reserved" or '
            f'"kube-reserved-compressible" included in {PLACE}',
        ),
        (
            {"cgroupsPerQOS": False},
            f'cgroupsPerQOS (--cgroups-per-qos) must be set to true when "pods" contained in {PLACE}',
        ),
        (
            {"enforceNodeAllocatable": ["pods", "none"]},
            f'{PLACE} may not contain additional enforcements when "none" is specified',
        ),
        (
            {"topologyManagerPolicy": "x"},
            'topologyManagerPolicy (--topology-manager-policy) "x" must be one of: '
            '["none" "best-effort" "restricted" "single-numa-node"]',
        ),
        (
            {"cpuCFSQuotaPeriod": "50ms"},
            "cpuCFSQuotaPeriod (--cpu-cfs-quota-period) 50ms requires feature gate CustomCPUCFSQuotaPeriod",
        ),
    ],
)
def test_what_no_kubelet_starts_with(given: Object, complaint: str) -> None:
    with pytest.raises(ConfigError) as told:
        check(merge(given, Options()))
    expected = f"failed to validate kubelet configuration, error: invalid configuration: {complaint}"
    assert str(told.value) == expected


@pytest.mark.parametrize(
    ("given", "on_v1", "complaint"),
    [
        ({"failCgroupV1": True}, True, "kubelet is configured to not run on a host using cgroup v1"),
        ({"singleProcessOOMKill": False}, True, "singleProcessOOMKill must not be explicitly set to false"),
        ({"failCgroupV1": True, "singleProcessOOMKill": False}, False, None),
        ({}, True, None),
    ],
)
def test_the_version_of_cgroups_may_be_refused(given: Object, on_v1: bool, complaint: str | None) -> None:
    configuration = merge(given, Options())
    if complaint is None:
        check(configuration, on_v1=on_v1)
    else:
        with pytest.raises(ConfigError, match=complaint):
            check(configuration, on_v1=on_v1)


def test_metrics_of_a_version_long_gone_are_not_shown() -> None:
    with pytest.raises(ConfigError, match=r"error: --show-hidden-metrics-for-version must be omitted or"):
        check(merge({"showHiddenMetricsForVersion": "1.2"}, Options()))


def test_all_that_is_wrong_is_told_at_once() -> None:
    with pytest.raises(
        ConfigError, match=r"error: \[invalid configuration: maxPods .*, invalid configuration: port"
    ):
        check(merge({"maxPods": -1, "port": -1}, Options()))


@pytest.mark.parametrize(
    "given",
    [
        pytest.param({}, id="the defaults"),
        pytest.param({"cpuCFSQuotaPeriod": "0.1s"}, id="a default written differently"),
        pytest.param({"healthzPort": 0, "maxParallelImagePulls": 5}, id="no health, many pulls"),
        pytest.param({"cgroupsPerQOS": False, "enforceNodeAllocatable": []}, id="no cgroups"),
        pytest.param({"shutdownGracePeriod": "30s", "shutdownGracePeriodCriticalPods": "10s"}, id="shutdown"),
        pytest.param(
            {
                "crashLoopBackOff": {"maxContainerRestartPeriod": "10s"},
                "featureGates": {"KubeletCrashLoopBackOffMax": True},
            },
            id="behind a gate",
        ),
    ],
)
def test_what_will_do(given: Object) -> None:
    check(merge(given, Options()))


@pytest.mark.parametrize(
    ("given", "field", "expected"),
    [
        ({}, "serializeImagePulls", True),
        ({"maxParallelImagePulls": 3}, "serializeImagePulls", False),
        ({}, "nodeStatusReportFrequency", "5m0s"),
        ({"nodeStatusUpdateFrequency": "7s"}, "nodeStatusReportFrequency", "7s"),
        ({"evictionHard": {"memory.available": "1Gi"}}, "evictionHard", {"memory.available": "1Gi"}),
        ({"nodeStatusUpdateFrequency": "0s"}, "nodeStatusUpdateFrequency", "10s"),
        ({"nodeStatusUpdateFrequency": "0s"}, "nodeStatusReportFrequency", "5m0s"),
        (
            {"nodeStatusUpdateFrequency": "7s", "nodeStatusReportFrequency": "0s"},
            *("nodeStatusReportFrequency", "7s"),
        ),
        ({"maxPods": 0}, "maxPods", 110),
        ({"maxPods": 100}, "maxPods", 100),
        ({"topologyManagerPolicy": ""}, "topologyManagerPolicy", "none"),
        ({"eventRecordQPS": None}, "eventRecordQPS", 50),
        ({"eventRecordQPS": 0}, "eventRecordQPS", 0),
        ({"healthzPort": 0}, "healthzPort", 0),
        ({"imageMaximumGCAge": "0s"}, "imageMaximumGCAge", "0s"),
        (
            {"authentication": {"webhook": {"enabled": False, "cacheTTL": "0s"}}},
            "authentication",
            {
                "x509": {"clientCAFile": ""},
                "webhook": {"enabled": False, "cacheTTL": "2m0s"},
                "anonymous": {"enabled": False},
            },
        ),
    ],
)
def test_defaults_and_what_they_follow_from(given: Object, field: str, expected: object) -> None:
    assert merge(given, Options())[field] == expected


def test_defaults_of_eviction_may_be_kept() -> None:
    given = {"evictionHard": {"memory.available": "1Gi"}, "mergeDefaultEvictionSettings": True}
    merged = merge(given, Options())["evictionHard"]
    assert (merged["memory.available"], merged["nodefs.available"]) == ("1Gi", "10%")


HEAD = {"apiVersion": "kubelet.config.k8s.io/v1beta1", "kind": "KubeletConfiguration"}


def test_what_nobody_knows_is_ignored_and_said(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        document = load_document({**HEAD, "maxPods": 5, "maxPots": 6, "qosReserved": {}})
    assert document == {"maxPods": 5, "qosReserved": {}}
    assert caplog.messages == ["Ignoring unknown fields of the configuration: fields=['maxPots']"]


@pytest.mark.parametrize(
    ("given", "sort", "wanted"),
    [
        ({"maxPods": "110"}, "string", "int32"),
        ({"maxPods": True}, "bool", "int32"),
        ({"maxOpenFiles": []}, "array", "int64"),
        ({"clusterDNS": "10.0.0.10"}, "string", "[]string"),
        ({"clusterDomain": 5}, "number", "string"),
        ({"tlsCipherSuites": [[1]]}, "array", "string"),
        ({"systemReserved": {"cpu": {"a": "b"}}}, "object", "string"),
    ],
    ids=["a quoted number", "a boolean", "a list", "no list", "no string", "a list in a list", "in a map"],
)
def test_fields_of_another_type_are_told(given: Object, sort: str, wanted: str) -> None:
    with pytest.raises(ConfigError) as told:
        load_document({**HEAD, **given})
    [name] = given
    problem = f"cannot unmarshal {sort} into Go struct field KubeletConfiguration.{name} of type {wanted}"
    assert str(told.value) == f"failed to load kubelet config file: json: {problem}"


def test_nothing_of_a_wrong_type_is_more_than_refused() -> None:
    for each in misshapen(CONFIGURATION):
        with suppress(ConfigError, ThresholdError, CgroupPolicyError):
            found = merge(load_document({**HEAD, **each} if isinstance(each, dict) else each), Options())
            check(found)
            parse_thresholds(found)
            cgroup_policy_of(found)


def test_every_field_has_a_default() -> None:
    assert {*DEFAULTS, *ACCEPTED, *HEAD} == {*CONFIGURATION.fields}


@pytest.mark.parametrize(
    "given",
    [{"nodeStatusUpdateFrequency": "5 s"}, {"crashLoopBackOff": {"maxContainerRestartPeriod": "5 s"}}],
)
def test_durations_that_are_none_are_told(given: Object) -> None:
    with pytest.raises(ConfigError, match='time: unknown unit " s" in duration "5 s"'):
        check(merge(load_document({**HEAD, **given}), Options()))


def test_every_field_takes_its_default_and_null() -> None:
    for known in (DEFAULTS, ACCEPTED):
        assert load_document({**HEAD, **known}) == known
        load_document({**HEAD, **dict.fromkeys(known)})


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
