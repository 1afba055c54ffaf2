"""The library `format`: what is wrong with a text that should be a name, a label value, a URI.

Its `validate` gives an optional value, which the runtime takes from no function: `expanded` writes calls anew
as an optional of what `format.problems` gives, which is nothing if the text is fine.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from apimachinery import names
from apimachinery.metadata import check_prefix
from apiserver.cel.libraries.function import Function, function
from apiserver.customresources.schema.formats import checker_of

_CALL = re.compile(r"\bformat\.(\w+)\(\)\.validate\(")
_STRING_OR_BRACKET = re.compile(r"""'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|[()]""")


def _matching(name: str, problem: str) -> Callable[[str], list[str]]:
    check = checker_of(name)
    assert check is not None, "a format of schemas"
    return lambda text: [] if check(text) else [problem]


_FORMATS: dict[str, Callable[[str], list[str]]] = {
    "dns1123Label": names.is_dns1123_label,
    "dns1123Subdomain": names.is_dns1123_subdomain,
    "dns1035Label": names.is_dns1035_label,
    "qualifiedName": names.is_qualified_name,
    "dns1123LabelPrefix": lambda text: check_prefix(text, names.is_dns1123_label),
    "dns1123SubdomainPrefix": lambda text: check_prefix(text, names.is_dns1123_subdomain),
    "dns1035LabelPrefix": lambda text: check_prefix(text, names.is_dns1035_label),
    "labelValue": names.is_label_value,
    "uri": _matching("uri", "invalid URI for request"),
    "uuid": _matching("uuid", "does not match the UUID format"),
    "byte": _matching("byte", "invalid base64"),
    "date": _matching("date", "invalid date"),
    "datetime": _matching("datetime", "invalid datetime"),
}


def _problems(name: str, text: str) -> list[str]:
    check = _FORMATS.get(name)
    if check is None:
        raise ValueError(f"there is no format {name}")
    return check(text)


def expanded(text: str) -> str:
    """An expression without `format.<name>().validate(…)`; as it is, if a bracket is missing."""
    while match := _CALL.search(text):
        end = _closing(text, match.end())
        if end is None or match[1] not in _FORMATS:
            return text
        argument = text[match.end() : end]
        call = f"optional.ofNonZeroValue(format.problems('{match[1]}', {argument}))"
        text = text[: match.start()] + call + text[end + 1 :]
    return text


def _closing(text: str, start: int) -> int | None:
    """Where the bracket that was opened before `start` is closed."""
    depth = 1
    for token in _STRING_OR_BRACKET.finditer(text, start):
        depth += {"(": 1, ")": -1}.get(token[0], 0)
        if not depth:
            return token.start()
    return None


FUNCTIONS: tuple[Function, ...] = (function("format.problems", "string string", "list<string>", _problems),)
