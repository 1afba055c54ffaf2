"""`$(VAR)` in values, commands and arguments.

`$$` is a dollar sign; what is not known stays as it is written.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

_REFERENCE = re.compile(r"\$(?:\$|\(([^)]*)\))")


def expand(text: str, values: Mapping[str, str]) -> str:
    def replace(match: re.Match[str]) -> str:
        name = match[1]
        if name is None:
            return "$"
        return values.get(name, match[0])

    return _REFERENCE.sub(replace, text) if "$" in text else text


def unknown_in(text: str, values: Mapping[str, str]) -> list[str]:
    """The names that are referred to and have no value, sorted."""
    names = {match[1] for match in _REFERENCE.finditer(text) if match[1] is not None}
    return sorted(names - values.keys())
