"""What is counted of checks against pod security standards, with upstream's names.

Source: metrics/metrics.go of kubernetes/pod-security-admission at 1.34.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Literal

from prometheus_client.core import Metric
from prometheus_client.registry import Collector

from apimachinery.scheme import NAMESPACES, PODS
from apiserver.admission.attributes import Attributes
from apiserver.admission.pod_security.policy import LATEST, PRIVILEGED, Standard
from component_base.metric_families import counter
from component_base.version import MINOR

_OPERATIONS = ("create", "update")
_REQUEST = ["request_operation", "resource", "subresource"]
_EVALUATION = ["decision", "policy_level", "policy_version", "mode", *_REQUEST]

_evaluations: Counter[tuple[str, ...]] = Counter(
    {("allow", PRIVILEGED, "latest", "enforce", operation, "pod", ""): 0 for operation in _OPERATIONS}
)
_exemptions: Counter[tuple[str, ...]] = Counter(
    {(operation, kind, ""): 0 for operation in _OPERATIONS for kind in ("pod", "controller")}
)
_errors: Counter[tuple[str, ...]] = Counter()
"""By values of labels, for this process."""


def count_evaluation(
    attributes: Attributes, standard: Standard, mode: Literal["enforce", "audit", "warn"], *, allows: bool
) -> None:
    decision = "allow" if allows else "deny"
    _evaluations[decision, standard.level, _version(standard), mode, *_request(attributes)] += 1


def count_exemption(attributes: Attributes) -> None:
    _exemptions[_request(attributes)] += 1


def count_error(attributes: Attributes, *, is_fatal: bool) -> None:
    """Others are gone round: the request is held against the strictest standard."""
    _errors[str(is_fatal).lower(), *_request(attributes)] += 1


def _version(standard: Standard) -> str:
    if standard.minor == LATEST or standard.level == PRIVILEGED:
        return "latest"
    return f"v1.{standard.minor}" if standard.minor <= int(MINOR) else "future"


def _request(attributes: Attributes) -> tuple[str, str, str]:
    resource = attributes.resource
    kind = "pod" if resource == PODS else "namespace" if resource == NAMESPACES else "controller"
    return attributes.operation.lower(), kind, attributes.subresource


class PodSecurityMetrics(Collector):
    """Of all that this process has judged."""

    def collect(self) -> Iterator[Metric]:
        yield counter(
            "pod_security_evaluations",
            "Number of policy evaluations that occurred, not counting ignored or exempt requests.",
            _EVALUATION,
            _evaluations.items(),
        )
        yield counter(
            "pod_security_exemptions",
            "Number of exempt requests, not counting ignored or out of scope requests.",
            _REQUEST,
            _exemptions.items(),
        )
        yield counter(
            "pod_security_errors",
            "Number of errors preventing normal evaluation. Non-fatal errors may result in the latest "
            "restricted profile being used for evaluation.",
            ["fatal", *_REQUEST],
            _errors.items(),
        )
