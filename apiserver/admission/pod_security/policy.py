"""Which standard holds in a namespace, for each mode, as its labels say.

Source: api/helpers.go of kubernetes/pod-security-admission at 1.34.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from apimachinery.field import ErrorList, Path, invalid

PREFIX = "pod-security.kubernetes.io/"
PRIVILEGED, BASELINE, RESTRICTED = "privileged", "baseline", "restricted"
LEVELS = (PRIVILEGED, BASELINE, RESTRICTED)
"""From the least strict to the strictest."""
LATEST = -1
MODES = ("enforce", "audit", "warn")

_VERSION = re.compile(r"v1\.(0|[1-9][0-9]*)")
_LABELS = Path("metadata", "labels")


class Standard(NamedTuple):
    """A level as it was in one minor version of Kubernetes; LATEST follows the server's."""

    level: str = PRIVILEGED
    minor: int = LATEST

    def __str__(self) -> str:
        return f"{self.level}:{'latest' if self.minor == LATEST else f'v1.{self.minor}'}"

    def is_like(self, other: Standard) -> bool:
        return self == other or self.level == other.level == PRIVILEGED

    def is_stricter(self, other: Standard) -> bool:
        return LEVELS.index(self.level) > LEVELS.index(other.level)


ANYTHING = Standard()


@dataclass(frozen=True, slots=True)
class Policy:
    """What is refused, what is noted, what is warned of."""

    enforce: Standard = ANYTHING
    audit: Standard = ANYTHING
    warn: Standard = ANYTHING

    @property
    def allows_everything(self) -> bool:
        return self.enforce.level == self.audit.level == self.warn.level == PRIVILEGED

    def is_like(self, other: Policy) -> bool:
        pairs = ((self.enforce, other.enforce), (self.audit, other.audit), (self.warn, other.warn))
        return all(one.is_like(another) for one, another in pairs)


def parse_level(text: str) -> str:
    """Raises ValueError."""
    if text not in LEVELS:
        raise ValueError(f"must be one of {', '.join(LEVELS)}")
    return text


def parse_version(text: str) -> int:
    """The minor version, or LATEST. Raises ValueError."""
    if text == "latest":
        return LATEST
    found = _VERSION.fullmatch(text)
    if found is None:
        raise ValueError('must be "latest" or "v1.x"')
    return int(found[1])


def policy_of(labels: Mapping[str, str], defaults: Policy) -> tuple[Policy, ErrorList]:
    """The policy of a namespace and what is wrong with its labels.

    There is always a policy: a wrong level enforces restricted, and neither audits nor warns; a wrong
    version is the latest.
    """
    if not any(label.startswith(PREFIX) for label in labels):
        return defaults, []
    errors: ErrorList = []

    def read(label: str, parse: Any, default: Any, otherwise: Any) -> Any:
        if PREFIX + label not in labels:
            return default
        try:
            return parse(labels[PREFIX + label])
        except ValueError as error:
            errors.append(invalid(_LABELS.key(PREFIX + label), labels[PREFIX + label], str(error)))
            return otherwise

    standards: dict[str, Standard] = {}
    for mode in MODES:
        default: Standard = getattr(defaults, mode)
        level = read(mode, parse_level, default.level, RESTRICTED if mode == "enforce" else PRIVILEGED)
        standards[mode] = Standard(level, read(f"{mode}-version", parse_version, default.minor, LATEST))
    policy = Policy(**standards)
    return _warning_of_what_is_enforced(policy, labels), errors


def _warning_of_what_is_enforced(policy: Policy, labels: Mapping[str, str]) -> Policy:
    """Who enforces more than is warned of is warned of as much, so that workloads are told, too."""
    is_said = labels.get(PREFIX + "enforce") in LEVELS and PREFIX + "warn" not in labels
    if not is_said or not policy.enforce.is_stricter(policy.warn):
        return policy
    minor = policy.warn.minor if PREFIX + "warn-version" in labels else policy.enforce.minor
    return replace(policy, warn=Standard(policy.enforce.level, minor))
