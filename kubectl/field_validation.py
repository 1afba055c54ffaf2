"""`--validate`: what the server is to do about fields that it does not know."""

from __future__ import annotations

from kubectl.failures import CommandError

_MEANINGS = {"true": "Strict", "strict": "Strict", "warn": "Warn", "false": "Ignore", "ignore": "Ignore"}


def parse(flag: str) -> str:
    """The request's `fieldValidation`. Raises CommandError."""
    if flag.lower() not in _MEANINGS:
        raise CommandError(
            f'invalid - validate option "{flag}"; must be one of: strict (or true), warn, ignore (or false)'
        )
    return _MEANINGS[flag.lower()]
