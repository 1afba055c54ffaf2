"""Semantic versions: `semver("1.2.3")`; with a second argument true, also `v1.2` and `01.2.3`."""

from __future__ import annotations

import re

from apiserver.cel.libraries.function import Function, function, method

_NUMBER = r"(0|[1-9]\d*)"
_VERSION = re.compile(
    rf"{_NUMBER}\.{_NUMBER}\.{_NUMBER}(?:-([0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?(?:\+[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?"
)


def _normalized(text: str) -> str:
    core, *rest = re.split(r"(?=[-+])", text.removeprefix("v"), maxsplit=1)
    parts = [part.lstrip("0") or "0" for part in core.split(".")]
    return ".".join([*parts, "0", "0"][: max(3, len(parts))]) + "".join(rest)


def _parsed(text: str, normalize: bool = False) -> str:
    """The text, if it is a version. Raises ValueError."""
    candidate = _normalized(text) if normalize and text else text
    match = _VERSION.fullmatch(candidate)
    if match is None or any(each.isdigit() and len(each) > 1 and each[0] == "0" for each in _tags(match)):
        raise ValueError(f"semver parse error during conversion from string: {_what_is_wrong(candidate)}")
    return candidate


def _what_is_wrong(text: str) -> str:
    if not text:
        return "Version string empty"
    parts = text.split(".", 2)
    if len(parts) < 3:
        return "No Major.Minor.Patch elements found"
    core = [*parts[:2], re.split(r"[-+]", parts[2], maxsplit=1)[0]]
    for name, part in zip(("Major", "Minor", "Patch"), core, strict=True):
        if not part.isdigit():
            return f'Invalid character(s) found in {name.lower()} number "{part}"'
        if len(part) > 1 and part[0] == "0":
            return f'{name} number must not contain leading zeroes "{part}"'
    return "Invalid Semantic Version"


def _tags(match: re.Match[str]) -> list[str]:
    return match[4].split(".") if match[4] else []


def _is_semver(text: str, normalize: bool = False) -> bool:
    try:
        _parsed(text, normalize)
    except ValueError:
        return False
    return True


def _key(text: str) -> tuple[tuple[int, int, int], tuple[int, list[tuple[int, int, str]]]]:
    """What versions are ordered by: a release is after all of its pre-releases, numbers before words."""
    match = _VERSION.fullmatch(text)
    assert match is not None, "only parsed versions are compared"
    tags = [(0, int(each), "") if each.isdigit() else (1, 0, each) for each in _tags(match)]
    return (int(match[1]), int(match[2]), int(match[3])), (0 if tags else 1, tags)


def _compare(left: str, right: str) -> int:
    a, b = _key(left), _key(right)
    return (a > b) - (a < b)


FUNCTIONS: tuple[Function, ...] = (
    function("semver", "string", "Semver", _parsed),
    function("semver", "string bool", "Semver", _parsed),
    function("isSemver", "string", "bool", _is_semver),
    function("isSemver", "string bool", "bool", _is_semver),
    method("isGreaterThan", "Semver Semver", "bool", lambda left, right: _compare(left, right) > 0),
    method("isLessThan", "Semver Semver", "bool", lambda left, right: _compare(left, right) < 0),
    method("compareTo", "Semver Semver", "int", _compare),
    method("major", "Semver", "int", lambda text: _key(text)[0][0]),
    method("minor", "Semver", "int", lambda text: _key(text)[0][1]),
    method("patch", "Semver", "int", lambda text: _key(text)[0][2]),
)
