"""Metrics that are of this moment and many: written as text as they are, not kept in a registry."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from component_base.metrics import Tally


@dataclass(slots=True)
class Family:
    """A metric of the Prometheus text format with its samples."""

    name: str
    kind: str
    """counter, gauge or histogram."""
    help: str
    samples: list[str] = field(default_factory=list)

    def add(
        self, labels: Mapping[str, str], value: float, milliseconds: int | None = None, *, part: str = ""
    ) -> None:
        """A sample, perhaps with the Unix time at which it was taken; `part` is of a histogram: `_sum`."""
        shown = ",".join(f'{key}="{_escaped(labels[key])}"' for key in sorted(labels))
        time = "" if milliseconds is None else f" {milliseconds}"
        self.samples.append(f"{self.name}{part}{f'{{{shown}}}' if shown else ''} {value!r}{time}")

    def add_histogram(self, labels: Mapping[str, str], tally: Tally) -> None:
        for bound, count in tally.cumulative():
            self.add({**labels, "le": bound.removesuffix(".0")}, count, part="_bucket")
        self.add(labels, tally.total, part="_sum")
        self.add(labels, tally.count, part="_count")

    def lines(self) -> Iterator[str]:
        yield f"# HELP {self.name} {self.help}"
        yield f"# TYPE {self.name} {self.kind}"
        yield from self.samples


def text_of(families: Iterable[Family]) -> str:
    """Families without samples are left out, as upstream does."""
    return "".join(f"{line}\n" for family in families if family.samples for line in family.lines())


def _escaped(value: str) -> str:
    return value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
