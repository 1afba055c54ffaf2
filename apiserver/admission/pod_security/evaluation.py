"""A pod against a standard: which checks that is, and what they find."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache

from apimachinery.objects import Object, controller_of, name_of
from apiserver.admission.pod_security import baseline, restricted
from apiserver.admission.pod_security.policy import BASELINE, LATEST, PRIVILEGED, Standard
from apiserver.admission.pod_security.violation import Check, Violation

_NEWEST = max(
    since for checks in (baseline.CHECKS, restricted.CHECKS) for each in checks.values() for since in each
)


@cache
def checks_of(standard: Standard) -> tuple[Check, ...]:
    """In the order in which findings are told: by name, those of the baseline first."""
    if standard.level == PRIVILEGED:
        return ()
    minor = _NEWEST if standard.minor == LATEST else standard.minor
    of_baseline = _in_force(baseline.CHECKS, minor)
    if standard.level == BASELINE:
        return tuple(of_baseline.values())
    of_restricted = _in_force(restricted.CHECKS, minor)
    replaced = {restricted.REPLACED.get(name) for name in of_restricted}
    kept = [check for name, check in of_baseline.items() if name not in replaced]
    return (*kept, *of_restricted.values())


def _in_force(checks: dict[str, dict[int, Check]], minor: int) -> dict[str, Check]:
    found = {name: [since for since in versions if since <= minor] for name, versions in checks.items()}
    return {name: checks[name][max(since)] for name, since in found.items() if since}


def violations(standard: Standard, metadata: Object, spec: Object) -> list[Violation]:
    found = (check(metadata, spec) for check in checks_of(standard))
    return [each for each in found if each is not None]


def told(found: Sequence[Violation]) -> str:
    return ", ".join(map(str, found))


def warnings_of_existing(
    namespace: str, enforce: Standard, pods: Iterable[Object], maximum: int
) -> list[str]:
    """What to tell somebody who makes a namespace stricter: which pods there could not be made any more."""
    ordered = _one_of_each_controller_first(pods)
    names: dict[str, list[str]] = {}
    for pod in ordered[:maximum]:
        reasons = ", ".join(each.reason for each in violations(enforce, pod["metadata"], pod["spec"]))
        if reasons:
            names.setdefault(reasons, []).append(name_of(pod))
    warnings = []
    if len(ordered) > maximum:
        warnings.append(
            "new PodSecurity enforce level only checked against the first "
            f"{maximum} of {len(ordered)} existing pods"
        )
    if names:
        warnings.append(
            f'existing pods in namespace "{namespace}" violate the new PodSecurity enforce level "{enforce}"'
        )
    return [*warnings, *sorted(f"{_first_of(pods)}: {reasons}" for reasons, pods in names.items())]


def _one_of_each_controller_first(pods: Iterable[Object]) -> list[Object]:
    """Copies say the same as the first."""
    seen: set[str] = set()
    first, copies = [], []
    for pod in pods:
        controller = controller_of(pod)
        if controller is not None and controller["uid"] in seen:
            copies.append(pod)
        else:
            first.append(pod)
            seen.add(controller["uid"] if controller else "")
    return first + copies


def _first_of(names: Sequence[str]) -> str:
    others = len(names) - 1
    return min(names) + (f" (and {others} other {'pod' if others == 1 else 'pods'})" if others else "")
