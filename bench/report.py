"""Prints figures beside upstream's, their ratio, and whether the target is reached."""

from __future__ import annotations

from bench.reference import FIGURES


def lines(measured: dict[str, float]) -> list[str]:
    """One line a figure that has a reference, in the order of the reference."""
    return [_line(name, measured[name]) for name in FIGURES if name in measured]


def _line(name: str, value: float) -> str:
    figure = FIGURES[name]
    ratio = value / figure.upstream
    sign = "≥" if figure.more_is_better else "≤"
    verdict = "ok" if figure.holds(ratio) else "MISSED"
    ours, theirs = f"{value:.5g} {figure.unit}", f"{figure.upstream:g}"
    wanted = f"want {sign} {figure.target:g}"
    return f"{name:<36} {ours:>16}  upstream {theirs:>6}  ratio {ratio:6.2f}  {wanted}  {verdict}"
