"""Warnings about the specs of Jobs. Source: upstream's pkg/api/job/warnings.go."""

from __future__ import annotations

from collections.abc import Iterator

from apimachinery.objects import Object
from apiserver.registry.strategies.warnings.pods import template_warnings

_COMPLETIONS, _PARALLELISM = 100_000, 10_000
_TOO_MANY = (
    "In Indexed Jobs with a number of completions higher than 10^5 and a parallelism higher than 10^4, "
    "Kubernetes might not be able to track completedIndexes when a big number of indexes fail"
)


def job_spec_warnings(path: str, spec: Object) -> Iterator[str]:
    is_large = (spec.get("completions") or 0) > _COMPLETIONS and (spec.get("parallelism") or 0) > _PARALLELISM
    if spec.get("completionMode") == "Indexed" and is_large:
        yield f"{path}: {_TOO_MANY}"
    yield from template_warnings(f"{path}.template", spec.get("template"))
