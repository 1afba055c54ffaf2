"""The index of pods by the claims that their volumes name, shared by the controllers that care for claims."""

from __future__ import annotations

from collections.abc import Iterable

from apimachinery.objects import Object
from apimachinery.volumes import claims_of_pod

PODS_BY_CLAIM = "pods by claim"


def pods_by_claim(pod: Object) -> Iterable[str]:
    """`namespace/name` of each claim."""
    return map(str, claims_of_pod(pod))
