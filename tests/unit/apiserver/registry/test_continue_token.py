"""Tokens of lists in chunks: what is wrong with one is told as Go's decoders tell it."""

from __future__ import annotations

import base64

import pytest

from apimachinery.errors import BadRequestError
from apiserver.registry.continue_token import Position, decode_position

PREFIX = "/registry/configmaps/default/"
NO_FIELD = "json: cannot unmarshal {} into Go struct field continueToken.{} of type {}"


def token(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def test_a_token_leads_back_to_its_position() -> None:
    position = Position(7, f"{PREFIX}a")
    assert decode_position(position.encode(PREFIX), PREFIX) == position


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        pytest.param("!!!", "illegal base64 data at input byte 0", id="a strange character"),
        pytest.param(token('{"rv":5}') + "==", "illegal base64 data at input byte 11", id="padding"),
        pytest.param("AAAAA", "illegal base64 data at input byte 4", id="half a byte"),
        pytest.param(token("abc"), "invalid character 'a' looking for beginning of value", id="no JSON"),
        pytest.param(token("{"), "unexpected end of JSON input", id="half an object"),
        pytest.param(
            token("[]"),
            "json: cannot unmarshal array into Go value of type storage.continueToken",
            id="no object",
        ),
        pytest.param(token('{"rv":"x"}'), NO_FIELD.format("string", "rv", "int64"), id="a revision in words"),
        pytest.param(token('{"rv":true}'), NO_FIELD.format("bool", "rv", "int64"), id="a truth"),
        pytest.param(token('{"start":5}'), NO_FIELD.format("number", "start", "string"), id="a number"),
        pytest.param(
            token('{"rv":9223372036854775808}'),
            NO_FIELD.format("number 9223372036854775808", "rv", "int64"),
            id="beyond 64 bits",
        ),
        pytest.param(token('{"v":"meta.k8s.io/v1","rv":5,"start":"../x"}'), "../x", id="a way out"),
    ],
)
def test_what_is_no_token_is_refused_in_the_words_of_go(wrong: str, why: str) -> None:
    with pytest.raises(BadRequestError) as caught:
        decode_position(wrong, PREFIX)
    assert str(caught.value) == f"invalid continue token: continue key is not valid: {why}"


@pytest.mark.parametrize("nothing", ["null", "{}"])
def test_a_token_of_nothing_has_no_version(nothing: str) -> None:
    with pytest.raises(BadRequestError, match=r"server does not recognize this encoded version $"):
        decode_position(token(nothing), PREFIX)
