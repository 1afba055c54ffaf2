"""CEL about the claims of a token, and about the user that they stand for.

Source: staging/src/k8s.io/apiserver/pkg/authentication/cel, and the authenticator for OpenID, of Kubernetes
1.34.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from apimachinery.objects import Object
from apiserver.cel.environment import CompilationError, EvaluationError, Program, compile_expression
from apiserver.cel.names import escaped
from apiserver.cel.structs import STRUCTS
from apiserver.cel.types import Type, parse_type
from apiserver.request import UserInfo

_CLAIMS, _USER = "claims", "user"
_CLAIMS_TYPE = parse_type("map<string,dyn>")


class ExpressionError(Exception):
    """No value, or not of the type that is wanted."""


@lru_cache(maxsize=1024)
def claims_program(text: str) -> Program:
    """Raises CompilationError, in upstream's words."""
    return _compiled(text, {_CLAIMS: _CLAIMS_TYPE})


@lru_cache(maxsize=1024)
def user_program(text: str) -> Program:
    """Raises CompilationError, in upstream's words."""
    return _compiled(text, {_USER: STRUCTS["UserInfo"]})


def _compiled(text: str, variables: Mapping[str, Type]) -> Program:
    try:
        return compile_expression(text, variables)
    except CompilationError as error:
        raise CompilationError(f"compilation failed: {error}") from None


def about_claims(text: str, claims: Object) -> Any:
    """What an expression about a token's claims gives; numbers are JSON's. Raises ExpressionError."""
    return _value(claims_program(text), text, {_CLAIMS: _spoken_of(claims)})


def about_user(text: str, user: UserInfo) -> Any:
    """What an expression about the user that a token stands for gives. Raises ExpressionError."""
    extra = {key: list(values) for key, values in user.extra.items()}
    seen = {"username": user.name, "uid": user.uid, "groups": list(user.groups), "extra": extra}
    return _value(user_program(text), text, {_USER: _spoken_of(seen)})


def _value(program: Program, text: str, variables: Object) -> Any:
    try:
        return program.evaluate(variables)
    except EvaluationError as error:
        raise ExpressionError(f"expression '{text}' resulted in error: {error}") from None


def _spoken_of(value: Any) -> Any:
    """With every number a double, and names that are no identifiers as an expression can say them, too."""
    if isinstance(value, dict):
        spoken = {key: _spoken_of(each) for key, each in value.items()}
        return {**{escaped(key) or key: each for key, each in spoken.items()}, **spoken}
    if isinstance(value, list):
        return [_spoken_of(each) for each in value]
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value


def strings_of(value: Any) -> tuple[str, ...]:
    """One string or several; empty ones and null are none. Raises ExpressionError."""
    found = [] if value is None else [value] if isinstance(value, str) else value
    if not isinstance(found, list) or not all(isinstance(each, str) for each in found):
        raise ExpressionError("expression must return a string or a list of strings")
    return tuple(each for each in found if each)
