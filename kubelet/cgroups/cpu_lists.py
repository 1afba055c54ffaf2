"""Processors as the kernel lists them: `0-3,8`. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection

_NUMBER = re.compile(r"[+-]?[0-9]+")


def parse_cpus(text: str) -> set[int]:
    """Raises ValueError in Go's words."""
    return {cpu for part in text.split(",") if text for cpu in _range(part)}


def _range(text: str) -> range:
    first, dash, last = text.partition("-")
    low = _number(first)
    high = _number(last) if dash else low
    if low > high:
        raise ValueError(f'invalid range "{text}" ({low} > {high})')
    return range(low, high + 1)


def _number(text: str) -> int:
    if not _NUMBER.fullmatch(text):
        raise ValueError(f'strconv.Atoi: parsing "{text}": invalid syntax')
    return int(text)


def format_cpus(cpus: Collection[int]) -> str:
    runs: list[list[int]] = []
    for cpu in sorted(cpus):
        if runs and runs[-1][-1] == cpu - 1:
            runs[-1].append(cpu)
        else:
            runs.append([cpu])
    return ",".join(str(run[0]) if len(run) == 1 else f"{run[0]}-{run[-1]}" for run in runs)
