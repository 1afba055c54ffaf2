"""KubeletConfiguration: what follows from what, and what no kubelet starts with."""

from __future__ import annotations

import logging
from contextlib import suppress

import pytest

from apimachinery.objects import Object
from kubelet.cgroups.policy import CgroupPolicyError
from kubelet.cgroups.policy import policy_of as cgroup_policy_of
from kubelet.configuration import ConfigError, check, load_document, merge
from kubelet.configuration_defaults import ACCEPTED, DEFAULTS
from kubelet.configuration_shape import CONFIGURATION
from kubelet.eviction.thresholds import ThresholdError, parse_thresholds
from kubelet.options import Options
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
