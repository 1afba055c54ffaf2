"""Regular expressions of schemas and rules: Go's syntax, by the engine that Go's comes from.

RE2 takes linear time whatever the pattern is: nobody can keep the server busy with one.
"""

from __future__ import annotations

import functools
from typing import Any

import re2


class PatternError(ValueError):
    """The pattern is no regular expression. Text: what is wrong, in Go's words where RE2 has the same."""


@functools.cache
def _options() -> Any:
    options = re2.Options()
    options.log_errors = False
    return options


def compile_pattern(pattern: str) -> Any:
    """A compiled pattern with a method `search`. Raises PatternError."""
    try:
        return re2.compile(pattern, _options())
    except re2.error as error:
        reason = error.args[0] if error.args else b""
        text = reason.decode() if isinstance(reason, bytes) else str(reason)
        raise PatternError(f"error parsing regexp: {text}") from None
