"""Whether a device is what a class and a request ask for."""

from __future__ import annotations

from collections.abc import Iterable

from apimachinery.objects import Object


class AllocationError(Exception):
    """Not for want of devices: a claim, a class or a pool is not as it should be."""


def selects(selectors: Iterable[Object], driver: str, device: Object, whose: str) -> bool:
    """`whose`: "class gpus" or "claim ns/c", for the error. Raises AllocationError."""
    # Here, as the runtime of expressions costs memory, and most clusters have no devices.
    from apiserver.cel.devices import compile_selector
    from apiserver.cel.environment import CompilationError, EvaluationError

    for index, selector in enumerate(selectors):
        if selector.get("cel") is None:
            raise AllocationError(f"{whose}: selector #{index}: CEL expression empty")
        try:
            if not compile_selector(selector["cel"]["expression"]).matches(driver, device):
                return False
        except CompilationError as error:
            raise AllocationError(f"{whose}: selector #{index}: CEL compile error: {error}") from None
        except EvaluationError as error:
            raise AllocationError(f"{whose}: selector #{index}: CEL runtime error: {error}") from None
    return True
