"""Where Events go: client-go's recorder in production, a list in tests."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from apimachinery.objects import Object


class Recorder(Protocol):
    def event(
        self,
        obj: Object,
        type: str,
        reason: str,
        message: str,
        annotations: Mapping[str, str] | None = None,
    ) -> None: ...


class NoEvents:
    """For those of whom nobody wants to hear: a thousand hollow nodes."""

    def event(
        self,
        obj: Object,
        type: str,
        reason: str,
        message: str,
        annotations: Mapping[str, str] | None = None,
    ) -> None:
        return None
