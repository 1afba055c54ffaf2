"""ServiceAccounts."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from apimachinery.objects import Object, annotations_of
from apiserver.registry.strategies.tables import age, columns
from apiserver.registry.strategy import Column, Strategy

_MOUNTABLE = "kubernetes.io/enforce-mountable-secrets"


class ServiceAccountStrategy(Strategy):
    has_status = False
    tracks_generation = False
    columns: Sequence[Column] = columns("Secrets")

    def prepare_for_create(self, obj: Object) -> None:
        """Of its secrets nothing counts but their names."""
        for secret in obj.get("secrets") or ():
            for field in secret.keys() - {"name"}:
                del secret[field]

    def prepare_for_update(self, new: Object, old: Object) -> None:
        self.prepare_for_create(new)

    def warnings(self, obj: Object, old: Object | None) -> list[str]:
        is_new = _MOUNTABLE in annotations_of(obj) and not (old and _MOUNTABLE in annotations_of(old))
        text = "deprecated in v1.32+; prefer separate namespaces to isolate access to mounted secrets"
        return [f"metadata.annotations[{_MOUNTABLE}]: {text}"] if is_new else []

    def cells(self, obj: Object, now: datetime) -> list[Any]:
        return [obj["metadata"]["name"], len(obj.get("secrets") or ()), age(obj, now)]
