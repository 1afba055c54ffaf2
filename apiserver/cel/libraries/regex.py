"""find and findAll, by RE2."""

from __future__ import annotations

import functools
from typing import Any

from apiserver.cel.libraries.function import Function, method
from apiserver.patterns import compile_pattern


@functools.lru_cache(maxsize=256)
def _compiled(pattern: str) -> Any:
    return compile_pattern(pattern)


def _find(text: str, pattern: str) -> str:
    match = _compiled(pattern).search(text)
    return match[0] if match else ""


def _find_all(text: str, pattern: str, limit: int = -1) -> list[str]:
    found = [match[0] for match in _compiled(pattern).finditer(text)]
    return found if limit < 0 else found[:limit]


FUNCTIONS: tuple[Function, ...] = (
    method("find", "string string", "string", _find),
    method("findAll", "string string", "list<string>", _find_all),
    method("findAll", "string string int", "list<string>", _find_all),
)
