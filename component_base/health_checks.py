"""/healthz, /livez and /readyz in upstream's text: each a list of named checks, asked in order.

Source: staging/src/k8s.io/apiserver/pkg/server/healthz/healthz.go of Kubernetes 1.34.
"""

from __future__ import annotations

import inspect
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from component_base import slis

log = logging.getLogger(__name__)

Check = Callable[[], str | Awaitable[str | None] | None]
"""Says what is wrong; nothing if all is well."""


@dataclass(frozen=True, slots=True)
class Report:
    status: int
    text: str


async def problem_of(check: Check) -> str:
    result = check()
    return (await result if inspect.isawaitable(result) else result) or ""


async def report(name: str, checks: Mapping[str, Check], *, verbose: bool, exclude: frozenset[str]) -> Report:
    """The answer of one endpoint. Reasons are logged, not told: anonymous may ask."""
    lines, failed = [], []
    for each, check in checks.items():
        if each in exclude:
            lines.append(f"[+]{each} excluded: ok\n")
            continue
        problem = await problem_of(check)
        slis.observe(name, each, ok=not problem)
        lines.append(f"[-]{each} failed: reason withheld\n" if problem else f"[+]{each} ok\n")
        if problem:
            failed.append(f"{each}: {problem}")
    unknown = ",".join(sorted(f'"{each}"' for each in exclude - set(checks)))
    if unknown:
        lines.append(f"warn: some health checks cannot be excluded: no matches for {unknown}\n")
    text = "".join(lines)
    if failed:
        log.debug("Health check failed: name=%s err=%s", name, "; ".join(failed))
        return Report(500, f"{text}{name} check failed\n")
    return Report(200, f"{text}{name} check passed\n" if verbose else "ok")


async def report_one(check: Check) -> Report:
    """The answer of a single check's own path."""
    problem = await problem_of(check)
    return Report(500, f"internal server error: {problem}\n") if problem else Report(200, "ok")


def delayed(check: Check, is_due: Callable[[], bool]) -> Check:
    """All is well until it is due."""

    def checking() -> str | Awaitable[str | None] | None:
        return check() if is_due() else ""

    return checking


def flag_check(is_done: Callable[[], bool], problem: str = "not finished") -> Check:
    """A check of something that becomes true once."""

    return lambda: "" if is_done() else problem


def ping() -> str:
    return ""
