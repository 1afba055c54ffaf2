"""What a structural check finds, and where: on the way back to the root from the inside out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from apimachinery.schema.scalars import Fault

UNKNOWN, TYPE, NULL, SPELLING = "unknown", "type", "null", "spelling"


class MapKey(str):
    """A step that is no field; Go's decoder leaves it out of its messages."""

    __slots__ = ()


@dataclass(slots=True)
class Finding:
    """One thing found at `holder[key]`; `way` grows from the inside out."""

    kind: str
    holder: Any = None
    key: Any = None
    fault: Fault | None = None
    value: Any = None
    struct: str = ""
    way: list[str | int] = field(default_factory=list)

    @property
    def path(self) -> str:
        """`spec.containers[0].image`"""
        text = ""
        for step in reversed(self.way):
            text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else step
        return text

    @property
    def message(self) -> str:
        """Upstream's decoding error."""
        fault = self.fault
        if fault is None or not fault.go_type:
            return fault.text if fault else ""
        names = ".".join(step for step in reversed(self.way) if type(step) is str)
        place = f"struct field {self.struct}.{names}" if names else "value"
        return f"json: {fault.text} into Go {place} of type {fault.go_type}"

    @property
    def conversion(self) -> str:
        return self.fault.conversion if self.fault else ""


Check = Callable[[Any], "list[Finding] | None"]


def gather(
    found: list[Finding] | None, more: list[Finding], holder: Any, key: str | int, struct: str
) -> list[Finding]:
    for finding in more:
        if finding.holder is None:
            finding.holder, finding.key = holder, key
        finding.struct = finding.struct or struct
        finding.way.append(key)
    if found is None:
        return more
    found += more  # in place: there may be very many
    return found
