"""`--cascade`: what becomes of the objects that a deleted one owned."""

from __future__ import annotations

from kubectl.failures import CommandError


def propagation(cascade: str) -> str:
    """The DeleteOptions' propagationPolicy. Raises CommandError."""
    names = {"background": "Background", "foreground": "Foreground", "orphan": "Orphan"}
    names |= {"true": "Background", "false": "Orphan"}
    if cascade not in names:
        raise CommandError(
            f'invalid cascade value ({cascade}). Must be "background", "foreground", or "orphan"'
        )
    return names[cascade]
