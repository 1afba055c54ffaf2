"""KubeSchedulerConfiguration: the file that `--config` names, as a frozen value with upstream's defaults.

Fields that mean nothing here (parallelism, percentageOfNodesToScore: every node is looked at) are accepted.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from apimachinery.durations import parse_duration
from apimachinery.objects import Object, get_path
from scheduler.pod_info import DEFAULT_SCHEDULER
from scheduler.preemption import NAME as DEFAULT_PREEMPTION

API_VERSION, KIND = "kubescheduler.config.k8s.io/v1", "KubeSchedulerConfiguration"
_EXTENSION_POINTS = (
    "multiPoint", "preEnqueue", "queueSort", "preFilter", "filter", "postFilter", "preScore", "score",
    "reserve", "permit", "preBind", "bind", "postBind",
)  # fmt: skip
FIELDS = (
    "apiVersion", "kind", "clientConnection", "leaderElection", "podInitialBackoffSeconds",
    "podMaxBackoffSeconds", "profiles",
)  # fmt: skip
WITHOUT_EFFECT = (
    "delayCacheUntilActive", "enableContentionProfiling", "enableProfiling", "extenders", "parallelism",
    "percentageOfNodesToScore",
)  # fmt: skip


class ConfigError(ValueError):
    """The file says something that is not understood."""


@dataclass(frozen=True, slots=True)
class ProfileConfig:
    """One schedulerName. `disabled` are plugins that are off altogether, the others only at one point."""

    name: str = DEFAULT_SCHEDULER
    disabled: frozenset[str] = frozenset()
    not_filtering: frozenset[str] = frozenset()
    not_scoring: frozenset[str] = frozenset()
    weights: Mapping[str, int] = field(default_factory=dict)
    preempts: bool = True
    # PodTopologySpreadArgs: None for the system's own.
    default_constraints: tuple[Object, ...] | None = None
    # VolumeBindingArgs: bindTimeoutSeconds.
    bind_seconds: float = 600.0


@dataclass(frozen=True, slots=True)
class LeaderElectionConfig:
    enabled: bool = True
    lease_seconds: float = 15.0
    renew_seconds: float = 10.0
    retry_seconds: float = 2.0
    namespace: str = "kube-system"
    name: str = "kube-scheduler"


@dataclass(frozen=True, slots=True)
class Configuration:
    profiles: tuple[ProfileConfig, ...] = (ProfileConfig(),)
    leader_election: LeaderElectionConfig = LeaderElectionConfig()
    initial_backoff: float = 1.0
    max_backoff: float = 10.0
    kubeconfig: str = ""


def parse_configuration(document: Object) -> Configuration:
    """Raises ConfigError."""
    if (document.get("apiVersion"), document.get("kind")) != (API_VERSION, KIND):
        raise ConfigError(
            f'no kind "{document.get("kind")}" is registered for version "{document.get("apiVersion")}"'
        )
    unknown = sorted(set(document) - {*FIELDS, *WITHOUT_EFFECT})
    if unknown:
        raise ConfigError(f'strict decoding error: unknown field "{unknown[0]}"')
    profiles = tuple(map(_profile, document.get("profiles") or [{}]))
    names = [profile.name for profile in profiles]
    duplicate = next((name for name in names if names.count(name) > 1), None)
    if duplicate is not None:
        raise ConfigError(
            f'profiles[{names.index(duplicate) + 1}].schedulerName: Duplicate value: "{duplicate}"'
        )
    return Configuration(
        profiles=profiles,
        leader_election=_leader_election(document.get("leaderElection") or {}),
        initial_backoff=float(document.get("podInitialBackoffSeconds") or 1),
        max_backoff=float(document.get("podMaxBackoffSeconds") or 10),
        kubeconfig=get_path(document, "clientConnection.kubeconfig", ""),
    )


def _leader_election(election: Object) -> LeaderElectionConfig:
    return LeaderElectionConfig(
        enabled=election.get("leaderElect", True),
        lease_seconds=_seconds(election.get("leaseDuration"), 15.0),
        renew_seconds=_seconds(election.get("renewDeadline"), 10.0),
        retry_seconds=_seconds(election.get("retryPeriod"), 2.0),
        namespace=election.get("resourceNamespace") or "kube-system",
        name=election.get("resourceName") or "kube-scheduler",
    )


def _seconds(duration: str | None, default: float) -> float:
    return parse_duration(duration) if duration else default


def _profile(profile: Object) -> ProfileConfig:
    plugins: dict[str, Any] = profile.get("plugins") or {}
    unknown = sorted(set(plugins) - set(_EXTENSION_POINTS))
    if unknown:
        raise ConfigError(f'strict decoding error: unknown field "profiles[0].plugins.{unknown[0]}"')
    everywhere = _off(plugins, "multiPoint")
    preemption_off = _off(plugins, "postFilter") | everywhere
    spread = _plugin_arguments(profile, "PodTopologySpread")
    constraints = tuple(spread.get("defaultConstraints") or ())
    return ProfileConfig(
        name=profile.get("schedulerName") or DEFAULT_SCHEDULER,
        disabled=everywhere,
        not_filtering=_off(plugins, "filter"),
        not_scoring=_off(plugins, "score"),
        weights={**_weights(plugins, "multiPoint"), **_weights(plugins, "score")},
        preempts=not preemption_off & {DEFAULT_PREEMPTION, "*"},
        bind_seconds=float(_plugin_arguments(profile, "VolumeBinding").get("bindTimeoutSeconds", 600)),
        default_constraints=constraints if spread.get("defaultingType") == "List" else None,
    )


def _off(plugins: Mapping[str, Any], point: str) -> frozenset[str]:
    """The plugins disabled at a point; "*" less those enabled again is expanded by the registry."""
    chosen = plugins.get(point) or {}
    enabled = {each["name"] for each in chosen.get("enabled") or ()}
    return frozenset(each["name"] for each in chosen.get("disabled") or ()) - enabled


def _weights(plugins: Mapping[str, Any], point: str) -> dict[str, int]:
    enabled = (plugins.get(point) or {}).get("enabled") or ()
    return {each["name"]: each["weight"] for each in enabled if each.get("weight")}


def _plugin_arguments(profile: Object, plugin: str) -> Object:
    found = [each.get("args") or {} for each in profile.get("pluginConfig") or () if each["name"] == plugin]
    return found[0] if found else {}
