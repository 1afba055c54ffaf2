"""What of a KubeletConfiguration no kubelet would start with. Pure; words are upstream's.

Source: pkg/kubelet/apis/config/validation/validation.go of Kubernetes 1.34.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import PurePath
from typing import Any

from apimachinery.durations import format_duration, parse_duration
from component_base.features import FeatureGates
from component_base.metric_filters import hidden_problem

Configuration = Mapping[str, Any]


def complaints_of_cgroups(configuration: Configuration, *, on_v1: bool) -> list[str]:
    """What does not go together with the version of this machine's cgroups."""
    if not on_v1:
        return []
    found = []
    if configuration["failCgroupV1"]:
        found.append(
            "kubelet is configured to not run on a host using cgroup v1. cgroup v1 support is in "
            "maintenance mode"
        )
    if configuration["singleProcessOOMKill"] is False:
        found.append(
            "invalid configuration: singleProcessOOMKill must not be explicitly set to false when using "
            "cgroup v1"
        )
    return found[:1]


def complaints(configuration: Configuration, gates: FeatureGates) -> list[str]:
    """All of them; none if the configuration will do."""
    checks = (_numbers, _images, _places, _shutdown, _back_off, _enforcement, _others)
    found = [f"invalid configuration: {each}" for check in checks for each in check(configuration, gates)]
    if hidden := hidden_problem(configuration["showHiddenMetricsForVersion"]):
        found.append(hidden)
    if (form := configuration["logging"].get("format") or "text") not in ("text", "json"):
        found.append(f'logging.format: Invalid value: "{form}": Unsupported log format')
    return found


_NOT_NEGATIVE = {
    "eventBurst": "event-burst",
    "eventRecordQPS": "event-qps",
    "kubeAPIBurst": "kube-api-burst",
    "kubeAPIQPS": "kube-api-qps",
    "maxOpenFiles": "max-open-files",
    "maxPods": "max-pods",
    "podsPerCore": "pods-per-core",
    "registryBurst": "registry-burst",
    "registryPullQPS": "registry-qps",
}
_WITHIN = {
    "imageGCHighThresholdPercent": ("image-gc-high-threshold", 0, 100),
    "imageGCLowThresholdPercent": ("image-gc-low-threshold", 0, 100),
    "iptablesDropBit": ("iptables-drop-bit", 0, 31),
    "iptablesMasqueradeBit": ("iptables-masquerade-bit", 0, 31),
    "oomScoreAdj": ("oom-score-adj", -1000, 1000),
    "port": ("port", 1, 65535),
}
_CHOICES = {
    "topologyManagerPolicy": ("none", "best-effort", "restricted", "single-numa-node"),
    "topologyManagerScope": ("container", "pod"),
    "hairpinMode": ("none", "hairpin-veth", "promiscuous-bridge"),
}
"""Lists of Go are written without commas, two choices with `or`."""


def _numbers(configuration: Configuration, gates: FeatureGates) -> Iterator[str]:
    for name, flag in _NOT_NEGATIVE.items():
        if configuration[name] < 0:
            yield f"{name} (--{flag}) {configuration[name]} must not be a negative number"
    for name, (flag, low, high) in _WITHIN.items():
        if not low <= configuration[name] <= high:
            yield f"{name} (--{flag}) {configuration[name]} must be between {low} and {high}, inclusive"
    for name, flag, low in (("healthzPort", "healthz-port", 1), ("readOnlyPort", "read-only-port", 0)):
        if configuration[name] and not 1 <= configuration[name] <= 65535:
            yield f"{name} (--{flag}) {configuration[name]} must be between {low} and 65535, inclusive"
    if configuration["nodeLeaseDurationSeconds"] <= 0:
        yield "nodeLeaseDurationSeconds must be greater than 0"
    if (images := configuration["nodeStatusMaxImages"]) < -1:
        yield f"nodeStatusMaxImages (--node-status-max-images) {images} must be -1 or greater"
    if configuration["containerLogMaxWorkers"] < 1:
        yield "containerLogMaxWorkers must be greater than or equal to 1"
    if configuration["containerLogMaxFiles"] <= 1:
        yield "containerLogMaxFiles must be greater than 1"
    if not 0 < (factor := configuration["memoryThrottlingFactor"]) <= 1:
        yield f"memoryThrottlingFactor {factor} must be greater than 0 and less than or equal to 1.0"


def _images(configuration: Configuration, gates: FeatureGates) -> Iterator[str]:
    low, high = configuration["imageGCLowThresholdPercent"], configuration["imageGCHighThresholdPercent"]
    if low >= high:
        yield (
            f"imageGCLowThresholdPercent (--image-gc-low-threshold) {low} must be less than "
            f"imageGCHighThresholdPercent (--image-gc-high-threshold) {high}"
        )
    oldest, youngest = (_seconds(configuration, f"image{each}GCAge") for each in ("Maximum", "Minimum"))
    if oldest < 0:
        yield f"imageMaximumGCAge {format_duration(oldest)} must not be negative"
    if 0 < oldest <= youngest:
        yield (
            f"imageMaximumGCAge {format_duration(oldest)} must be greater than "
            f"imageMinimumGCAge {format_duration(youngest)}"
        )
    pulls = configuration["maxParallelImagePulls"]
    if pulls is not None and pulls < 1:
        yield f"maxParallelImagePulls {pulls} must be a positive number"
    if pulls is not None and pulls > 1 and configuration["serializeImagePulls"]:
        yield (
            "maxParallelImagePulls cannot be larger than 1 unless SerializeImagePulls "
            "(--serialize-image-pulls) is set to false"
        )


def _places(configuration: Configuration, gates: FeatureGates) -> Iterator[str]:
    logs = configuration["podLogsDir"]
    if not logs:
        yield "podLogsDir was not specified"
    if not logs.startswith("/"):
        yield f'pod logs path "{logs}" must be absolute path'
    if logs and str(PurePath(logs)) != logs:
        yield f'pod logs path "{logs}" must be normalized'
    if not logs.isascii():
        yield f'pod logs path "{logs}" mut contains ASCII characters only'
    if configuration["systemCgroups"] and not configuration["cgroupRoot"]:
        yield (
            "systemCgroups (--system-cgroups) was specified and cgroupRoot (--cgroup-root) was not specified"
        )
    reserved = configuration["systemReservedCgroup"] or configuration["kubeReservedCgroup"]
    if configuration["reservedSystemCPUs"] and reserved:
        yield (
            "can't use reservedSystemCPUs (--reserved-cpus) with systemReservedCgroup "
            "(--system-reserved-cgroup) or kubeReservedCgroup (--kube-reserved-cgroup)"
        )


def _shutdown(configuration: Configuration, gates: FeatureGates) -> Iterator[str]:
    names = ("shutdownGracePeriod", "shutdownGracePeriodCriticalPods")
    total, critical = (_seconds(configuration, each) for each in names)
    if critical > total:
        yield (
            f"shutdownGracePeriodCriticalPods {format_duration(critical)} must be <= "
            f"shutdownGracePeriod {format_duration(total)}"
        )
    for name, seconds in zip(names, (total, critical), strict=True):
        if seconds < 0 or 0 < seconds < 1:
            yield f"{name} {format_duration(seconds)} must be either zero or otherwise >= 1 sec"
    by_priority = configuration["shutdownGracePeriodByPodPriority"]
    if by_priority and (total > 0 or critical > 0):
        yield "Cannot specify both shutdownGracePeriodByPodPriority and shutdownGracePeriod at the same time"
    if by_priority and not gates.enabled("GracefulNodeShutdownBasedOnPodPriority"):
        yield (
            "Specifying shutdownGracePeriodByPodPriority requires feature gate "
            "GracefulNodeShutdownBasedOnPodPriority"
        )


def _back_off(configuration: Configuration, gates: FeatureGates) -> Iterator[str]:
    longest = configuration["crashLoopBackOff"].get("maxContainerRestartPeriod")
    if longest is None:
        return
    seconds = parse_duration(longest)
    if not gates.enabled("KubeletCrashLoopBackOffMax"):
        yield (
            "FeatureGate KubeletCrashLoopBackOffMax not enabled, "
            "CrashLoopBackOff.MaxContainerRestartPeriod must not be set"
        )
    elif not 1 <= seconds <= 300:
        yield (
            f"CrashLoopBackOff.MaxContainerRestartPeriod (got: {seconds:g} seconds) must be set between "
            "1s and 300s"
        )


_PLACE = "enforceNodeAllocatable (--enforce-node-allocatable)"
_RESERVED = {
    "system-reserved": ("systemReservedCgroup", "system-reserved-cgroup"),
    "kube-reserved": ("kubeReservedCgroup", "kube-reserved-cgroup"),
}
_COMPRESSIBLE = "-compressible"


def _enforcement(configuration: Configuration, gates: FeatureGates) -> Iterator[str]:
    enforced = configuration["enforceNodeAllocatable"]
    for name in ("system-reserved", "kube-reserved"):
        both = name + _COMPRESSIBLE, name
        if set(both) <= set(enforced):
            yield f'both "{both[1]}" and "{both[0]}" cannot be specified together in {_PLACE}'
    for at, name in enumerate(enforced):
        if name in enforced[:at]:
            yield f'duplicated enforcements "{name}" in {_PLACE}'
        else:
            yield from _enforced(name, configuration)


def _enforced(name: str, configuration: Configuration) -> Iterator[str]:
    plain = name.removesuffix(_COMPRESSIBLE)
    if name == "none":
        if len(configuration["enforceNodeAllocatable"]) > 1:
            yield f'{_PLACE} may not contain additional enforcements when "none" is specified'
        return
    if name != "pods" and plain not in _RESERVED:
        options = '"pods", "system-reserved", "system-reserved-compressible", "kube-reserved"'
        options += ', "kube-reserved-compressible" or "none"'
        yield f'option "{name}" specified for {_PLACE}. Valid options are {options}'
        return
    if plain in _RESERVED and not configuration[_RESERVED[plain][0]]:
        field, flag = _RESERVED[plain]
        which = f'"{plain}" or "{plain}{_COMPRESSIBLE}"'
        yield f"{field} (--{flag}) must be specified when {which} included in {_PLACE}"
    if not configuration["cgroupsPerQOS"]:
        yield f'cgroupsPerQOS (--cgroups-per-qos) must be set to true when "{name}" contained in {_PLACE}'


def _others(configuration: Configuration, gates: FeatureGates) -> Iterator[str]:
    policy, scope = configuration["topologyManagerPolicy"], configuration["topologyManagerScope"]
    if policy not in _CHOICES["topologyManagerPolicy"]:
        choices = " ".join(f'"{each}"' for each in _CHOICES["topologyManagerPolicy"])
        yield f'topologyManagerPolicy (--topology-manager-policy) "{policy}" must be one of: [{choices}]'
    if scope not in _CHOICES["topologyManagerScope"]:
        yield (
            f'topologyManagerScope (--topology-manager-scope) "{scope}" must be one of: "container", or "pod"'
        )
    if (mode := configuration["hairpinMode"]) not in _CHOICES["hairpinMode"]:
        choices = '"none", "hairpin-veth" or "promiscuous-bridge"'
        yield f'option "{mode}" specified for hairpinMode (--hairpin-mode). Valid options are {choices}'
    if (swap := configuration["memorySwap"].get("swapBehavior", "")) not in ("", "NoSwap", "LimitedSwap"):
        yield f'memorySwap.swapBehavior "{swap}" must be one of: "", "LimitedSwap" or "NoSwap"'
    if configuration["runOnce"]:
        yield "runOnce (--runOnce) true, Runonce mode has been deprecated and should not be set"
    period = format_duration(_seconds(configuration, "cpuCFSQuotaPeriod"))
    if period != "100ms" and not gates.enabled("CustomCPUCFSQuotaPeriod"):
        yield (
            f"cpuCFSQuotaPeriod (--cpu-cfs-quota-period) {period} requires feature gate "
            "CustomCPUCFSQuotaPeriod"
        )
    if _seconds(configuration, "containerLogMonitorInterval") < 3:
        yield "containerLogMonitorInterval must be a positive time duration greater than or equal to 3s"
    if configuration["enableSystemLogQuery"] and not gates.enabled("NodeLogQuery"):
        yield "NodeLogQuery feature gate is required for enableSystemLogHandler"
    if configuration["enableSystemLogQuery"] and not configuration["enableSystemLogHandler"]:
        yield "enableSystemLogHandler is required for enableSystemLogQuery"
    if configuration["imagePullCredentialsVerificationPolicy"]:
        yield (
            "`imagePullCredentialsVerificationPolicy` must not be set if KubeletEnsureSecretPulledImages "
            "feature gate is not enabled"
        )


def _seconds(configuration: Configuration, name: str) -> float:
    return parse_duration(configuration[name])
