"""Which metrics are told, and what their labels may say: `--disabled-metrics` and its like. Pure.

Upstream filters when something is counted, here it is done when Prometheus asks: what comes out is the same,
except that values which were not expected are not counted.
Source: staging/src/k8s.io/component-base/metrics/options.go of Kubernetes 1.34.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from prometheus_client.core import Metric
from prometheus_client.samples import Sample

from component_base.flags import CommonOptions
from component_base.version import MAJOR, MINOR

UNEXPECTED = "unexpected"
"""What a label says instead of what it may not say."""
_LABEL_OF_METRIC = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*,[a-zA-Z_][a-zA-Z0-9_]*")
_PREVIOUS = f"{MAJOR}.{int(MINOR) - 1}"

Allowed = Mapping[str, frozenset[str]]
"""By label, which values it may have."""


@dataclass(frozen=True, slots=True)
class Deprecated:
    """A metric that upstream hides by now."""

    name: str
    since: str


HIDDEN = {
    "apiserver_request_sli_duration_seconds": Deprecated("apiserver_request_slo_duration_seconds", "1.27.0"),
    "apiserver_flowcontrol_nominal_limit_seats": Deprecated(
        "apiserver_flowcontrol_request_concurrency_limit", "1.30.0"
    ),
    "apiserver_flowcontrol_current_executing_seats": Deprecated(
        "apiserver_flowcontrol_request_concurrency_in_use", "1.31.0"
    ),
}
"""By the metric that took its place."""


@dataclass(frozen=True, slots=True)
class Filters:
    disabled: frozenset[str] = frozenset()
    allowed: Mapping[str, Allowed] = field(default_factory=dict)
    shows_hidden: bool = False

    def apply(self, families: Iterable[Metric]) -> Iterator[Metric]:
        for family in self._with_hidden(families):
            name = full_name(family)
            if name not in self.disabled:
                yield _constrained(family, self.allowed[name]) if name in self.allowed else family

    def _with_hidden(self, families: Iterable[Metric]) -> Iterator[Metric]:
        for family in families:
            yield family
            if self.shows_hidden and family.name in HIDDEN:
                yield _as_deprecated(family, HIDDEN[family.name])


def metrics_problem(options: CommonOptions) -> str:
    """What is wrong with the flags, in upstream's words."""
    problems = [hidden_problem(options.show_hidden_metrics_for_version)]
    if not all(map(_LABEL_OF_METRIC.fullmatch, options.allow_metric_labels)):
        problems.append(
            "--allow-metric-labels must have a list of kv pair with format "
            "`metricName,labelName=labelValue, labelValue,...`"
        )
    found = [each for each in problems if each]
    return "".join(found) if len(found) < 2 else f"[{', '.join(found)}]"


def hidden_problem(version: str) -> str:
    """Of a version whose metrics shall be shown still."""
    if version in ("", _PREVIOUS):
        return ""
    return (
        f"--show-hidden-metrics-for-version must be omitted or have the value '{_PREVIOUS}'. Only the "
        "previous minor version is allowed"
    )


def filters_of(options: CommonOptions, read: Callable[[str], Mapping[str, str]]) -> Filters:
    """`read`: of a manifest, which counts where no flag tells of labels."""
    manifest, labels = options.allow_metric_labels_manifest, options.allow_metric_labels
    return Filters(
        frozenset(options.disabled_metrics),
        _allowed(labels or (read(manifest) if manifest else {})),
        bool(options.show_hidden_metrics_for_version),
    )


def _allowed(pairs: Mapping[str, str]) -> dict[str, Allowed]:
    """Of `metric,label` to `value,value`."""
    found: dict[str, dict[str, frozenset[str]]] = {}
    for key, values in pairs.items():
        metric, label, *_ = [*key.split(","), ""]
        found.setdefault(metric, {})[label] = frozenset(values.split(","))
    return dict(found)


def full_name(family: Metric) -> str:
    """As upstream declares it: the library leaves out what counters end in."""
    return f"{family.name}_total" if family.type == "counter" else family.name


def _constrained(family: Metric, allowed: Allowed) -> Metric:
    """Series that are the same once their labels are put right are one."""
    sums: dict[tuple[str, tuple[tuple[str, str], ...]], float] = {}
    for sample in family.samples:
        labels = tuple(
            (label, _expected(value, allowed.get(label))) for label, value in sample.labels.items()
        )
        sums[sample.name, labels] = sums.get((sample.name, labels), 0.0) + sample.value
    samples = [Sample(name, dict(labels), value) for (name, labels), value in sums.items()]
    return _like(family, family.name, family.documentation, samples)


def _expected(value: str, allowed: frozenset[str] | None) -> str:
    return value if allowed is None or value in allowed else UNEXPECTED


def _as_deprecated(family: Metric, old: Deprecated) -> Metric:
    samples = [
        each._replace(name=f"{old.name}{each.name.removeprefix(family.name)}") for each in family.samples
    ]
    return _like(family, old.name, f"(Deprecated since {old.since}) {family.documentation}", samples)


def _like(family: Metric, name: str, documentation: str, samples: list[Sample]) -> Metric:
    made = Metric(name, documentation, family.type)
    made.samples = samples
    return made
