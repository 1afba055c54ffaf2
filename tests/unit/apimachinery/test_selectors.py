"""Label and field selectors."""

import pytest

from apimachinery.fields import FieldSelectorError, parse_field_selector
from apimachinery.labels import (
    EVERYTHING,
    NOTHING,
    SelectorError,
    parse_selector,
    selector_from_label_selector,
    selector_from_map,
)

LABELS = {"app": "web", "tier": "front", "n": "5"}


@pytest.mark.parametrize(
    ("text", "matches"),
    [
        ("", True),
        ("app=web", True),
        ("app==web", True),
        ("app!=web", False),
        ("app", True),
        ("!app", False),
        ("nope", False),
        ("!nope", True),
        ("nope!=x", True),
        ("app in (a, web)", True),
        ("app notin (web)", False),
        ("nope notin (x)", True),
        ("n>4", True),
        ("n<5", False),
        ("app>1", False),
        ("app=web,tier=back", False),
        (" app = web , tier ", True),
        ("app=", False),
        ("app in ()", False),
    ],
)
def test_label_selectors_match(text: str, matches: bool) -> None:
    assert parse_selector(text).matches(LABELS) is matches


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a=(", "unable to parse requirement: found '(', expected: identifier"),
        ("a=b c", "found 'c', expected: ',' or 'end of string'"),
        ("=x", "found '=', expected: !, identifier, or 'end of string'"),
        ("a in b", "unable to parse requirement: found 'b' expected: '('"),
        ("a,", "found '', expected: identifier after ','"),
        ("a in (", "unable to parse requirement: found '', expected: ',', ')' or identifier"),
        (
            "a>b",
            'unable to parse requirement: values[0]: Invalid value: "b": '
            "for 'Gt', 'Lt' operators, the value must be an integer",
        ),
    ],
)
def test_wrong_label_selectors_are_explained(text: str, message: str) -> None:
    with pytest.raises(SelectorError) as caught:
        parse_selector(text)
    assert str(caught.value) == message


def test_selectors_print_sorted() -> None:
    assert str(parse_selector("z,b in (y,x),a!=1,!c")) == "a!=1,b in (x,y),!c,z"
    assert str(selector_from_map({"b": "2", "a": "1"})) == "a=1,b=2"


def test_no_selector_selects_nothing_and_an_empty_one_everything() -> None:
    assert selector_from_label_selector(None) == NOTHING
    assert selector_from_label_selector({}) == EVERYTHING
    assert not NOTHING.matches({})
    assert EVERYTHING.matches({})


def test_label_selector_objects_match() -> None:
    selector = selector_from_label_selector(
        {
            "matchLabels": {"app": "web"},
            "matchExpressions": [
                {"key": "tier", "operator": "In", "values": ["front"]},
                {"key": "gone", "operator": "DoesNotExist"},
            ],
        }
    )
    assert selector.matches(LABELS)
    assert not selector.matches({**LABELS, "gone": ""})


@pytest.mark.parametrize(
    ("text", "matches"),
    [
        ("", True),
        ("metadata.name=a", True),
        ("metadata.name!=a", False),
        ("spec.nodeName=", True),
        ("metadata.name==a,status.phase=Running", False),
        (r"x=a\,b", True),
    ],
)
def test_field_selectors_match(text: str, matches: bool) -> None:
    fields = {"metadata.name": "a", "status.phase": "Pending", "x": "a,b"}
    assert parse_field_selector(text).matches(fields) is matches


def test_field_selectors_tell_what_they_demand() -> None:
    assert parse_field_selector("spec.nodeName=n1,a!=b").exact("spec.nodeName") == "n1"
    assert parse_field_selector("a!=b").exact("a") is None


def test_a_field_selector_of_nothing_selects_everything() -> None:
    assert parse_field_selector("=,,==").is_empty


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a=b,nonsense", "invalid selector: 'a=b,nonsense'; can't understand 'nonsense'"),
        ("a=b\\", "invalid field selector: invalid escape sequence: \\"),
        ("a=b\\c", "invalid field selector: invalid escape sequence: \\c"),
        ("a=b=c", "invalid field selector: unescaped character in value: ="),
    ],
)
def test_wrong_field_selectors_are_explained(text: str, message: str) -> None:
    with pytest.raises(FieldSelectorError) as caught:
        parse_field_selector(text)
    assert str(caught.value) == message
