"""KubeSchedulerConfiguration: the file that `--config` names, as a frozen value with upstream's defaults.

All that is wrong is told at once, in upstream's words. Which plugins run where is worked out of `plugins` by
`scheduler.plugins.choice`. Fields that mean nothing here (parallelism) are checked, and that is all.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from apimachinery import names
from apimachinery.durations import parse_duration
from apimachinery.field import FieldError, Path, duplicate, invalid, required
from apimachinery.objects import Object, get_path
from component_base.config_shape import Struct, decoded, kind_problem, misfit, unknown_fields
from component_base.election import Election
from scheduler.config_shape import ARGS, CONFIGURATION
from scheduler.plugin_args import PluginArgs, parse_args
from scheduler.pod_info import DEFAULT_SCHEDULER
from scheduler.resources import is_extended

GROUP = "kubescheduler.config.k8s.io"
API_VERSION, KIND = f"{GROUP}/v1", "KubeSchedulerConfiguration"
WITHOUT_EFFECT = (
    "delayCacheUntilActive", "enableContentionProfiling", "enableProfiling", "parallelism",
)  # fmt: skip
FIELDS = tuple(each for each in CONFIGURATION.fields if each not in WITHOUT_EFFECT)


MAX_IN_UNSCHEDULABLE = 300.0
"""Seconds: however quiet the cluster is, an unschedulable pod is tried again after these."""


class ConfigError(ValueError):
    """The file says something that is not understood."""


@dataclass(frozen=True, slots=True)
class ProfileConfig:
    """One schedulerName. `plugins`: extension point, or multiPoint, -> its PluginSet, as the file has it.

    `args` are those of the scheduler's plugins, `own_args` those of others, by name. `percentage` of nodes to
    find before the best of them is chosen; 0: as many as usual.
    """

    name: str = DEFAULT_SCHEDULER
    plugins: Mapping[str, Any] = field(default_factory=dict)
    args: PluginArgs = field(default_factory=PluginArgs)
    own_args: Mapping[str, Object] = field(default_factory=dict)
    percentage: int = 0


_ELECTION = Election(name="kube-scheduler")


@dataclass(frozen=True, slots=True)
class Configuration:
    """`extenders` are as the file has them; `scheduler.extender` understands them. Without `qps` no limit."""

    profiles: tuple[ProfileConfig, ...] = (ProfileConfig(),)
    leader_election: Election = _ELECTION
    initial_backoff: float = 1.0
    max_backoff: float = 10.0
    max_unschedulable: float = MAX_IN_UNSCHEDULABLE
    kubeconfig: str = ""
    qps: float = 0.0
    burst: int = 0
    extenders: tuple[Object, ...] = ()


def parse_configuration(document: Any) -> Configuration:
    """Raises ConfigError."""
    if problem := kind_problem(document, API_VERSION, KIND):
        raise ConfigError(problem)
    document = _decode(document)
    profiles = document.get("profiles") or [{}]
    if len(profiles) == 1:
        profiles = [{"schedulerName": DEFAULT_SCHEDULER, **profiles[0]}]
    percentage = document.get("percentageOfNodesToScore") or 0
    parsed, errors = _profiles(profiles, percentage)
    election = _leader_election(document.get("leaderElection") or {})
    errors = [
        *_check_lock(document),
        *_check_election(election),
        *_check(document),
        *errors,
        *_check_extenders(document),
    ]
    if errors:
        texts = list(map(str, errors))
        raise ConfigError(texts[0] if len(texts) == 1 else f"[{', '.join(texts)}]")
    return Configuration(
        profiles=parsed,
        leader_election=election,
        initial_backoff=float(_given(document, "podInitialBackoffSeconds", 1)),
        max_backoff=float(_given(document, "podMaxBackoffSeconds", 10)),
        kubeconfig=get_path(document, "clientConnection.kubeconfig", ""),
        qps=get_path(document, "clientConnection.qps", 0.0),
        burst=get_path(document, "clientConnection.burst", 0),
        extenders=tuple(document.get("extenders") or ()),
    )


def _decode(document: Object) -> Object:
    """Raises ConfigError where fields are unknown, or hold values of another type."""
    found = _fit(document, CONFIGURATION)
    for index, profile in enumerate(found.get("profiles", ())):
        for number, entry in enumerate(profile.get("pluginConfig", ())):
            try:
                entry["args"] = _decode_args(entry.get("name", ""), entry.get("args", {}))
            except ConfigError as error:
                place = f".profiles[{index}].pluginConfig[{number}]"
                raise ConfigError(f"decoding {place}: {error}") from None
    return found


def _fit(value: Any, shape: Struct) -> Object:
    """Raises ConfigError."""
    if wrong := misfit(value, shape):
        raise ConfigError(wrong)
    if unknown := [f'unknown field "{each}"' for each in unknown_fields(value, shape)]:
        raise ConfigError(f"strict decoding error: {', '.join(unknown)}")
    fitting: Object = decoded(value, shape)
    return fitting


def _decode_args(plugin: str, args: Any) -> Any:
    """Those of plugins that are not the scheduler's are left to them."""
    shape = ARGS.get(plugin)
    if shape is None:
        return args
    kind = args.get("kind", f"{plugin}Args") if isinstance(args, dict) else ""
    if kind not in ("", f"{plugin}Args"):
        text = f"were not of type {plugin}Args.{GROUP}, got {kind}.{GROUP}"
        raise ConfigError(f"args for plugin {plugin} {text}")
    try:
        return _fit(args, shape)
    except ConfigError as error:
        raise ConfigError(f"decoding args for plugin {plugin}: {error}") from None


def _given(document: Object, name: str, default: int) -> int:
    """A number that may be 0."""
    value = document.get(name)
    return default if value is None else int(value)


def _check(document: Object) -> Iterator[FieldError]:
    parallelism = _given(document, "parallelism", 16)
    if parallelism <= 0:
        yield invalid(Path("parallelism"), parallelism, "should be an integer value greater than zero")
    yield from _check_percentage(document, Path("percentageOfNodesToScore"))
    initial, most = (
        _given(document, "podInitialBackoffSeconds", 1), _given(document, "podMaxBackoffSeconds", 10),
    )  # fmt: skip
    if initial <= 0:
        yield invalid(Path("podInitialBackoffSeconds"), initial, "must be greater than 0")
    if most < initial:
        text = "must be greater than or equal to PodInitialBackoffSeconds"
        yield invalid(Path("podMaxBackoffSeconds"), most, text)


def _check_percentage(holder: Object, path: Path) -> Iterator[FieldError]:
    percentage = _given(holder, "percentageOfNodesToScore", 0)
    if not 0 <= percentage <= 100:
        yield invalid(path, percentage, "not in valid range [0-100]")


def _profiles(
    profiles: Sequence[Object], percentage: int
) -> tuple[tuple[ProfileConfig, ...], list[FieldError]]:
    parsed: list[ProfileConfig] = []
    errors: list[FieldError] = []
    for index, profile in enumerate(profiles):
        path, name = Path("profiles").index(index), profile.get("schedulerName") or ""
        if not name:
            errors.append(required(path.child("schedulerName")))
        errors += _check_percentage(profile, path.child("percentageOfNodesToScore"))
        args, wrong = parse_args(profile.get("pluginConfig") or (), path.child("pluginConfig"))
        errors += wrong
        if name in [each.name for each in parsed]:
            errors.append(duplicate(path.child("schedulerName"), name))
        own = _given(profile, "percentageOfNodesToScore", percentage)
        given = {each.get("name") or "": each.get("args") or {} for each in profile.get("pluginConfig") or ()}
        others = {plugin: each for plugin, each in given.items() if plugin not in ARGS}
        parsed.append(ProfileConfig(name, profile.get("plugins") or {}, args, others, own))
    return tuple(parsed), errors


def _leader_election(election: Object) -> Election:
    return Election(
        enabled=election.get("leaderElect", True),
        lease_seconds=_seconds(election.get("leaseDuration"), 15.0),
        renew_seconds=_seconds(election.get("renewDeadline"), 10.0),
        retry_seconds=_seconds(election.get("retryPeriod"), 2.0),
        namespace=election.get("resourceNamespace") or "kube-system",
        name=election.get("resourceName") or "kube-scheduler",
    )


def _seconds(duration: str | None, default: float) -> float:
    return (parse_duration(duration) if duration else 0.0) or default


def _check_lock(document: Object) -> Iterator[FieldError]:
    lock = get_path(document, "leaderElection.resourceLock", "leases")
    if lock != "leases":
        yield invalid(Path("leaderElection.resourceLock"), lock, 'resourceLock value must be "leases"')


def _check_election(election: Election) -> Iterator[FieldError]:
    if not election.enabled:
        return
    path = Path("leaderElection")
    durations = {
        "leaseDuration": election.lease_seconds,
        "renewDeadline": election.renew_seconds,
        "retryPeriod": election.retry_seconds,
    }
    for name, seconds in durations.items():
        if seconds <= 0:
            yield invalid(path.child(name), f"{seconds:g}s", "must be greater than zero")
    if election.lease_seconds < election.renew_seconds:
        text = "LeaseDuration must be greater than RenewDeadline"
        yield invalid(path.child("leaseDuration"), f"{election.renew_seconds:g}s", text)
    if election.renew_seconds < election.retry_seconds:
        text = "RenewDeadline must be greater than RetryPeriod"
        yield invalid(path.child("renewDeadline"), f"{election.retry_seconds:g}s", text)


def _check_extenders(document: Object) -> Iterator[FieldError]:
    extenders, path = document.get("extenders") or (), Path("extenders")
    managed: set[str] = set()
    for index, extender in enumerate(extenders):
        at = path.index(index)
        if extender.get("prioritizeVerb") and (extender.get("weight") or 0) <= 0:
            text = "must have a positive weight applied to it"
            yield invalid(at.child("weight"), extender.get("weight") or 0, text)
        for number, resource in enumerate(extender.get("managedResources") or ()):
            name, where = resource.get("name") or "", at.child("managedResources").index(number).child("name")
            yield from _check_extended_resource(name, where)
            if name in managed:
                yield invalid(where, name, "duplicate extender managed resource name")
            managed.add(name)
    binders = sum(bool(each.get("bindVerb")) for each in extenders)
    if binders > 1:
        text = f"found {binders} extenders implementing bind"
        yield invalid(path, text, "only one extender can implement bind")


def _check_extended_resource(name: str, path: Path) -> Iterator[FieldError]:
    complaints = names.is_qualified_name(name)
    if not complaints and not is_extended(name):
        complaints = ["is an invalid extended resource name"]
    return (invalid(path, name, each) for each in complaints)
