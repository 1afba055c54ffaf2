"""The library `format`: what is wrong with a text that should be a name, a label value, a URI."""

from __future__ import annotations

from collections.abc import Callable

from apimachinery import names
from apimachinery.metadata import check_prefix
from apimachinery.urls import parse_request_uri
from apiserver.cel.libraries.function import Function, function, method
from apiserver.customresources.schema.formats import checker_of


def _matching(name: str, problem: str) -> Callable[[str], list[str]]:
    check = checker_of(name)
    assert check is not None, "a format of schemas"
    return lambda text: [] if check(text) else [problem]


def _uri(text: str) -> list[str]:
    try:
        parse_request_uri(text)
    except ValueError as error:
        return [str(error)]
    return []


_FORMATS: dict[str, Callable[[str], list[str]]] = {
    "dns1123Label": names.is_dns1123_label,
    "dns1123Subdomain": names.is_dns1123_subdomain,
    "dns1035Label": names.is_dns1035_label,
    "qualifiedName": names.is_qualified_name,
    "dns1123LabelPrefix": lambda text: check_prefix(text, names.is_dns1123_label),
    "dns1123SubdomainPrefix": lambda text: check_prefix(text, names.is_dns1123_subdomain),
    "dns1035LabelPrefix": lambda text: check_prefix(text, names.is_dns1035_label),
    "labelValue": names.is_label_value,
    "uri": _uri,
    "uuid": _matching("uuid", "does not match the UUID format"),
    "byte": _matching("byte", "invalid base64"),
    "date": _matching("date", "invalid date"),
    "datetime": _matching("datetime", "invalid datetime"),
}


def _named(name: str) -> str:
    return name if name in _FORMATS else ""


FUNCTIONS: tuple[Function, ...] = (
    function("format.named", "string", "optional<NamedFormat>", _named),
    *(function(f"format.{name}", "", "NamedFormat", lambda name=name: name) for name in _FORMATS),
    method(
        "validate",
        "NamedFormat string",
        "optional<list<string>>",
        lambda name, text: _FORMATS[name](text),
    ),
)
