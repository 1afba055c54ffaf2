"""Which features of Kubernetes are on: the gates of `--feature-gates` over their defaults.

Source: https://github.com/kubernetes/component-base/blob/v0.34.0/featuregate/feature_gate.go
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from component_base.feature_table import FEATURES, Stage
from component_base.flag_values import parse_bool
from component_base.flags import CommonOptions, flag

_NONE: dict[str, str] = {}
"""What no key=value pairs are."""


class FeatureGateError(Exception):
    """Gates that cannot be set so; in upstream's words."""


@dataclass(frozen=True)
class GatedOptions(CommonOptions):
    """The flag of every daemon that upstream gives gates."""

    feature_gates: dict[str, str] = flag(  # noqa: RUF009 (flag makes a field)
        _NONE, "A set of key=value pairs that describe feature gates for alpha/experimental features."
    )


@dataclass(frozen=True, slots=True)
class FeatureGates:
    """What was asked for, over the defaults."""

    given: Mapping[str, bool] = field(default_factory=dict)

    def enabled(self, name: str) -> bool:
        """Raises KeyError for what is no feature."""
        feature = FEATURES[name]
        if name in self.given:
            return self.given[name]
        every = {Stage.ALPHA: "AllAlpha", Stage.BETA: "AllBeta"}.get(feature.stage, "")
        return self.given.get(every, feature.default)


def parse_gates(pairs: Mapping[str, str | bool]) -> FeatureGates:
    """Of a flag's texts or a file's booleans; `kube:` before a name says what goes without saying.

    Raises FeatureGateError.
    """
    given = {name.removeprefix("kube:"): _value(name, value) for name, value in pairs.items()}
    for name, value in given.items():
        if name not in FEATURES:
            raise FeatureGateError(f"unrecognized feature gate: {name}")
        feature = FEATURES[name]
        if feature.locked and value != feature.default:
            asked, only = str(value).lower(), str(feature.default).lower()
            raise FeatureGateError(f"cannot set feature gate {name} to {asked}, feature is locked to {only}")
    return FeatureGates(given)


def _value(name: str, value: str | bool) -> bool:
    if isinstance(value, bool):
        return value
    if not value:
        raise FeatureGateError(f"missing bool value for {name}")
    try:
        return parse_bool(value)
    except ValueError as error:
        raise FeatureGateError(f"invalid value of {name}={value}, err: {error}") from None
