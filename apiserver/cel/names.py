"""Names of fields as CEL can say them."""

from __future__ import annotations

import re
from functools import lru_cache

RESERVED = frozenset(
    (
        "true", "false", "null", "in", "as", "break", "const", "continue", "else", "for", "function", "if",
        "import", "let", "loop", "package", "namespace", "return", "var", "void", "while",
    )
)  # fmt: skip
_ESCAPES = {"__": "__underscores__", "-": "__dash__", ".": "__dot__", "/": "__slash__"}
_ESCAPED = re.compile(r"__|[-./]")
_IDENTIFIER = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")


@lru_cache(maxsize=4096)
def escaped(name: str) -> str | None:
    """None for names that cannot be said."""
    if name in RESERVED:
        return f"__{name}__"
    result = _ESCAPED.sub(lambda match: _ESCAPES[match[0]], name)
    return result if _IDENTIFIER.fullmatch(result) else None


@lru_cache(maxsize=4096)
def sayings(name: str) -> tuple[str, ...]:
    """How a field can be called: reserved words as they are, too, and some names not at all."""
    said = escaped(name)
    if said is None:
        return ()
    return (said, name) if name in RESERVED else (said,)
