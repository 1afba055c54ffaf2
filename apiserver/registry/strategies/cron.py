"""Whether a text is a cron schedule, as robfig/cron's standard parser has it."""

from __future__ import annotations

import re
from collections.abc import Mapping

_MONTHS = {
    m: i
    for i, m in enumerate(
        ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"], 1
    )
}
_DAYS = {d: i for i, d in enumerate(["sun", "mon", "tue", "wed", "thu", "fri", "sat"])}
_FIELDS: tuple[tuple[int, int, Mapping[str, int]], ...] = (
    (0, 59, {}),
    (0, 23, {}),
    (1, 31, {}),
    (1, 12, _MONTHS),
    (0, 6, _DAYS),
)
_DESCRIPTORS = ("@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly")


def is_schedule(text: str) -> str:
    """What is wrong with it, or nothing."""
    if text.startswith("@"):
        known = text in _DESCRIPTORS or re.fullmatch(r"@every [0-9.]+[a-zµ]+([0-9.]+[a-zµ]+)*", text)
        return "" if known else f"unrecognized descriptor: {text}"
    if text.startswith(("TZ=", "CRON_TZ=")):
        text = text.partition(" ")[2]
    parts = text.split()
    if len(parts) != len(_FIELDS):
        listed = " ".join(parts)
        return f"expected exactly 5 fields, found {len(parts)}: [{listed}]"
    for part, (low, high, names) in zip(parts, _FIELDS, strict=True):
        for term in part.split(","):
            if wrong := _term(term, low, high, names):
                return wrong
    return ""


def _term(term: str, low: int, high: int, names: Mapping[str, int]) -> str:
    span, slash, step = term.partition("/")
    if "/" in step:
        return f"too many slashes: {term}"
    bounds = span.split("-")
    if len(bounds) > 2:
        return f"too many hyphens: {term}"
    if slash and not step.isdigit():
        return f'failed to parse int from {step}: strconv.Atoi: parsing "{step}": invalid syntax'
    if slash and int(step) == 0:
        return f"step of range should be a positive number: {term}"
    if span in ("*", "?"):
        return ""
    values = [names[b.lower()] if b.lower() in names else int(b) if b.isdigit() else None for b in bounds]
    for bound, value in zip(bounds, values, strict=True):
        if value is None:
            return f'failed to parse int from {bound}: strconv.Atoi: parsing "{bound}": invalid syntax'
    start, end = values[0] or 0, values[-1] or 0
    if start < low:
        return f"beginning of range ({start}) below minimum ({low}): {term}"
    if end > high:
        return f"end of range ({end}) above maximum ({high}): {term}"
    if start > end:
        return f"beginning of range ({start}) beyond end of range ({end}): {term}"
    return ""
