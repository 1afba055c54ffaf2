"""`--sort-by`: objects in the order of a field, numbers and quantities by size, text naturally."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from apimachinery import jsonpath
from apimachinery.objects import Object
from apimachinery.quantity import parse_quantity
from kubectl.failures import MissingFieldError


def sort_key(expression: str, objects: Sequence[Object]) -> Callable[[Object], Any]:
    """A key function for the field. Raises MissingFieldError."""
    path = jsonpath.relaxed(expression)
    if objects and not any(path.find(obj) for obj in objects):
        problem = f'couldn\'t find any field with path "{path.template}" in the list of objects'
        raise MissingFieldError(problem)

    def key(obj: Object) -> Any:
        values = path.find(obj)
        return (0, "") if not values else _comparable(values[0])

    return key


def _comparable(value: Any) -> Any:
    if isinstance(value, bool | int | float):
        return (1, float(value))
    try:
        return (1, float(parse_quantity(value).milli_value()))
    except (ValueError, TypeError):
        return (2, str(value))
