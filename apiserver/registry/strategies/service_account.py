"""ServiceAccounts."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from apimachinery.objects import Object
from apiserver.registry.strategies.tables import age, columns
from apiserver.registry.strategy import Column, Strategy


class ServiceAccountStrategy(Strategy):
    has_status = False
    tracks_generation = False
    columns: Sequence[Column] = columns("Secrets")

    def cells(self, obj: Object, now: datetime) -> list[Any]:
        return [obj["metadata"]["name"], len(obj.get("secrets") or ()), age(obj, now)]
