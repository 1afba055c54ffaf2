"""x-kubernetes-validations: what definitions are refused for, and what objects are."""

from __future__ import annotations

from typing import Any

import pytest

from apimachinery.field import Path
from apimachinery.objects import Object
from apiserver.cel.names import escaped
from apiserver.customresources.rules.validating import RuleValidator
from apiserver.customresources.schema.correlation import UNRELATED
from apiserver.customresources.schema.structural import Structural
from apiserver.customresources.validation.expressions import validate_expressions
from tests.unit.counting import Counting

TEXT, NUMBER = {"type": "string"}, {"type": "integer"}


def rule(text: str, **more: Any) -> Object:
    return {"rule": text, **more}


def place(*rules: Object, **properties: Any) -> Object:
    return {"type": "object", "properties": properties, "x-kubernetes-validations": list(rules)}


ANYTHING: Object = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}


def texts(**more: Any) -> Object:
    return {"type": "array", "items": {**TEXT, "maxLength": 10}, **more}


def on(schema: Object, *rules: Object) -> Object:
    return {**schema, "x-kubernetes-validations": list(rules)}


LATER = "(try simplifying the rule, or adding maxItems, maxProperties, and maxLength where arrays, maps, "
EQUALS = "self.l.all(x, self.l.all(y, x == y))"

REFUSED: list[tuple[str, Object, list[tuple[str, str]]]] = [
    ("good", place(rule("self.min <= self.max"), min=NUMBER, max=NUMBER), []),
    (
        "a field there is not",
        place(rule("self.z == 1"), min=NUMBER),
        [
            (
                "[0].rule",
                "compilation failed: ERROR: <input>:1:5: undefined field 'z'\n | self.z == 1\n | ....^",
            )
        ],
    ),
    (
        "no expression",
        on(ANYTHING, rule("self = 42")),
        [("[0].rule", "compilation failed: ERROR: <input>:1:6: Syntax error: token recognition error")],
    ),
    ("whether there is something of which nothing is known", place(rule("has(self.o)"), o=ANYTHING), []),
    (
        "what is in it",
        place(rule("self.o.x == 1"), o=ANYTHING),
        [("[0].rule", "compilation failed: ERROR: <input>:1:7: undefined field 'x'")],
    ),
    (
        "the name and kind of a resource within another",
        place(
            rule("self.o.metadata.name != self.o.kind"),
            o={**ANYTHING, "x-kubernetes-embedded-resource": True},
        ),
        [],
    ),
    (
        "a wrong type",
        on(TEXT, rule("self > 1")),
        [("[0].rule", "compilation failed: ERROR: <input>:1:6: found no matching overload")],
    ),
    (
        "no text for a message",
        on(TEXT, rule("self == 'a'", messageExpression="self + 1")),
        [
            (
                "[0].messageExpression",
                "messageExpression compilation failed: ERROR: <input>:1:6: found no match",
            )
        ],
    ),
    (
        "a wrong type below",
        place(rule("self.o.n == self.l[0]"), o=place(n=NUMBER), l=texts()),
        [
            (
                "[0].rule",
                "compilation failed: ERROR: <input>:1:10: found no matching overload for '_==_' applied",
            )
        ],
    ),
    (
        "counting the fields of an object",
        place(rule("self.o.size() == 1"), o=place(n=NUMBER)),
        [
            (
                "[0].rule",
                "compilation failed: ERROR: <input>:1:12: found no matching overload for 'size' applied to "
                "'selfType.o.()'",
            )
        ],
    ),
    (
        "looking at all fields of an object",
        place(rule("self.all(f, f != '')"), n=NUMBER),
        [
            (
                "[0].rule",
                "compilation failed: ERROR: <input>:1:1: expression of type 'selfType' cannot be range",
            )
        ],
    ),
    ("what may be null compared with null", place(rule("self.o != null"), o=place(n=NUMBER)), []),
    ("no bool", place(rule("1 + 1"), a=TEXT), [("[0].rule", "cel expression must evaluate to a bool")]),
    (
        "a message that is no text",
        place(rule("true", messageExpression="1"), a=TEXT),
        [("[0].messageExpression", "messageExpression must evaluate to a string")],
    ),
    ("loops within limits", place(rule(EQUALS), l=texts(maxItems=10)), []),
    (
        "loops without",
        place(rule(EQUALS), l=texts()),
        [
            ("[0].rule", f"estimated rule cost exceeds budget by factor of more than 100x {LATER}"),
            ("[0].rule", "contributed to estimated rule cost total exceeding cost limit"),
            ("", "x-kubernetes-validations estimated rule cost total for entire OpenAPIv3 schema"),
        ],
    ),
    (
        "a message with loops",
        place(rule("self.n > 0", messageExpression=f"{EQUALS} ? 'a' : 'b'"), l=texts(), n=NUMBER),
        [
            (
                "[0].messageExpression",
                f"estimated messageExpression cost exceeds budget by factor of more than 100x {LATER}",
            ),
            ("[0].messageExpression", "contributed to estimated rule cost total exceeding cost limit"),
            ("", "x-kubernetes-validations estimated rule cost total for entire OpenAPIv3 schema"),
        ],
    ),
    (
        "a rule that costs too much, and its message that is no text",
        place(rule(EQUALS, messageExpression="1"), l=texts()),
        [
            ("[0].rule", f"estimated rule cost exceeds budget by factor of more than 100x {LATER}"),
            ("[0].messageExpression", "messageExpression must evaluate to a string"),
            ("[0].rule", "contributed to estimated rule cost total exceeding cost limit"),
            ("", "x-kubernetes-validations estimated rule cost total for entire OpenAPIv3 schema"),
        ],
    ),
    (
        "oldSelf where nothing tells which is which",
        place(
            l={"type": "array", "maxItems": 5, "items": on({**TEXT, "maxLength": 5}, rule("self == oldSelf"))}
        ),
        [
            (
                "[0].rule",
                "oldSelf cannot be used on the uncorrelatable portion of the schema within s.properties[l]",
            )
        ],
    ),
    (
        "optionalOldSelf for nothing",
        place(rule("self.a == 'x'", optionalOldSelf=True), a=TEXT),
        [("[0].optionalOldSelf", "may not be set if oldSelf is not used in rule")],
    ),
    (
        "an error in a rule with an optional oldSelf is where the author sees it",
        place(rule("oldSelf.hasValue() && foo", optionalOldSelf=True), a=TEXT),
        [("[0].rule", "compilation failed: ERROR: <input>:1:23: undeclared reference to 'foo'")],
    ),
]


@pytest.mark.parametrize(("schema", "errors"), [pytest.param(*row[1:], id=row[0]) for row in REFUSED])
def test_what_definitions_are_refused_for(schema: Object, errors: list[tuple[str, str]]) -> None:
    found = validate_expressions(Structural(schema), Path("s"))
    assert len(found) == len(errors)
    for error, (where, text) in zip(found, errors, strict=True):
        assert error.path.endswith(where)
        assert error.detail.startswith(text)


def broken(schema: Object, new: Any, old: Any = UNRELATED) -> list[str]:
    return [str(each) for each in RuleValidator(Structural(schema)).validate(new, old)]


RANGE = place(
    rule("self.min <= self.max", message="min is too large"),
    rule(
        "self.min > 0",
        messageExpression="'min is ' + string(self.min)",
        reason="FieldValueForbidden",
        fieldPath=".min",
    ),
    min=NUMBER,
    max=NUMBER,
)  # fmt: skip
SET = texts(**{"x-kubernetes-list-type": "set"})
KEYED = {
    "type": "array",
    "x-kubernetes-list-type": "map",
    "x-kubernetes-list-map-keys": ["name"],
    "items": place(name=TEXT, set=SET),
}
GROWS = place(rule("self.n >= oldSelf.n"), n=NUMBER)
STARTS_SMALL = place(
    rule("oldSelf.hasValue() ? self.n >= oldSelf.value().n : self.n == 0", optionalOldSelf=True), n=NUMBER
)
BY_NAME = {
    "type": "array",
    "x-kubernetes-list-type": "map",
    "x-kubernetes-list-map-keys": ["name"],
    "items": place(rule("self.n >= oldSelf.n", message="smaller"), name=TEXT, n=NUMBER),
}

OBJECTS: list[tuple[str, Object, Any, Any, list[str]]] = [
    ("good", RANGE, {"min": 1, "max": 2}, UNRELATED, []),
    ("messages, reasons, paths", RANGE, {"min": -1, "max": -2}, UNRELATED,
     ['<nil>: Invalid value: "object": min is too large', "min: Forbidden: min is -1"]),
    ("default message", place(rule("self.a == 'x'"), a=TEXT), {"a": "y"}, UNRELATED,
     ['<nil>: Invalid value: "object": failed rule: self.a == \'x\'']),
    ("a field that is not there", place(rule("self.a == 'x'"), a=TEXT), {}, UNRELATED,
     ['<nil>: Invalid value: "object": no such key: a evaluating rule: self.a == \'x\'']),
    ("a transition", GROWS, {"n": 1}, {"n": 2},
     ['<nil>: Invalid value: "object": failed rule: self.n >= oldSelf.n']),
    ("no transition on create", GROWS, {"n": 1}, UNRELATED, []),
    ("an optional old value on create", STARTS_SMALL, {"n": 1}, UNRELATED,
     ['<nil>: Invalid value: "object": failed rule: '
      "oldSelf.hasValue() ? self.n >= oldSelf.value().n : self.n == 0"]),
    ("and on update", STARTS_SMALL, {"n": 1}, {"n": 0}, []),
    ("items are compared with those of the same key", BY_NAME,
     [{"name": "b", "n": 5}, {"name": "a", "n": 0}], [{"name": "a", "n": 1}],
     ['[1]: Invalid value: "object": smaller']),
    ("what has not changed may stay broken", place(a=on(NUMBER, rule("self > 1")), b=TEXT),
     {"a": 1, "b": "y"}, {"a": 1, "b": "x"}, []),
    ("what is not known is compared", place(rule("self.o == oldSelf.o", message="fixed"), o=ANYTHING),
     {"o": {"x": [1]}}, {"o": {"x": [2]}}, ['<nil>: Invalid value: "object": fixed']),
    ("maps", {"type": "object", "additionalProperties": on(NUMBER, rule("self > 1", message="small"))},
     {"x": 1, "y": 2}, UNRELATED, ['[x]: Invalid value: "integer": small']),
    ("times, durations, bytes and numbers are what they say", place(
        rule("self.t.getFullYear() == 2024 && self.d < duration('1h') && self.b == b'a' && self.n == 3.0"),
        t={**TEXT, "format": "date-time"}, d={**TEXT, "format": "duration"}, b={**TEXT, "format": "byte"},
        n={"type": "number"}),
     {"t": "2024-01-01T00:00:00Z", "d": "30m", "b": "YQ==", "n": 3}, UNRELATED, []),
    ("names that need escaping", place(rule("self.a__dash__b == self.__namespace__"),
                                       **{"a-b": NUMBER, "namespace": NUMBER}),
     {"a-b": 1, "namespace": 1}, UNRELATED, []),
    ("reserved words as they are", place(rule("self.if == self.namespace"),
                                         **{"if": NUMBER, "namespace": NUMBER}),
     {"if": 1, "namespace": 1}, UNRELATED, []),
    ("null is nothing", place(rule("!has(self.n)"), n={**NUMBER, "nullable": True}),
     {"n": None}, UNRELATED, []),
    ("sets have no order", place(
        rule("self.a == self.b && self.a + self.b == ['x', 'y']"), rule("[self.a] != [self.c]"),
        a=SET, b=SET, c=SET),
     {"a": ["x", "y"], "b": ["y", "x"], "c": ["x", "z"]}, UNRELATED, []),
    ("other lists have", place(rule("self.a == ['y', 'x']", message="differs"), a=texts()),
     {"a": ["x", "y"]}, UNRELATED, ['<nil>: Invalid value: "object": differs']),
    ("items by key have no order, wherever they are", place(
        rule("self == oldSelf && self.o.l == oldSelf.o.l && (self.o.l + oldSelf.o.l).size() == 2"),
        o=place(l=KEYED)),
     {"o": {"l": [{"name": "a", "set": ["x", "y"]}, {"name": "b"}]}},
     {"o": {"l": [{"name": "b"}, {"name": "a", "set": ["y", "x"]}]}}, []),
    ("who comes later wins", place(rule("(self.l + oldSelf.l)[0].set == ['z']"), l=KEYED),
     {"l": [{"name": "a", "set": ["x"]}]}, {"l": [{"name": "a", "set": ["z"]}]}, []),
    ("times and durations in lists", place(
        rule("self.d.max() == duration('1h') && self.d.sum().getMilliseconds() == 3661000"),
        rule("[timestamp('2024-01-01T00:00:00Z')].min().getFullYear() == 2024"),
        d={"type": "array", "items": {**TEXT, "format": "duration"}}),
     {"d": ["1h", "1m", "1s"]}, UNRELATED, []),
    ("int or string", place(rule("self.p == 5 || self.p == 'x'"), p={"x-kubernetes-int-or-string": True}),
     {"p": "x"}, UNRELATED, []),
]  # fmt: skip


@pytest.mark.parametrize(
    ("schema", "new", "old", "errors"), [pytest.param(*row[1:], id=row[0]) for row in OBJECTS]
)
def test_what_objects_are_refused_for(schema: Object, new: Any, old: Any, errors: list[str]) -> None:
    assert broken(schema, new, old) == errors


def test_it_is_told_how_long_rules_take() -> None:
    counting = Counting()
    validator = RuleValidator(Structural(place(rule("self.a > 1"), a=NUMBER)))
    for value in (1, 2):
        validator.validate({"a": value})
    names = (
        "apiserver_cel_compilation_duration_seconds_count",
        "apiserver_cel_evaluation_duration_seconds_count",
    )
    assert [counting.more(each) for each in names] == [1, 2]


def test_the_name_of_a_resource_can_be_asked_for() -> None:
    schema = Structural(place(rule("self.metadata.name.startsWith('a')", message="wrong name")), is_root=True)
    validator = RuleValidator(schema, is_resource=True)
    assert validator.validate({"kind": "K", "metadata": {"name": "ab", "labels": {}}}) == []
    assert len(validator.validate({"kind": "K", "metadata": {"name": "b"}})) == 1


def test_what_is_broken_is_tolerated_where_nothing_changed() -> None:
    short = on({**TEXT, "maxLength": 9}, rule("self.size() > 3", message="short"))
    inner = place(rule("self.a != 'ab'", message="ab"), a=short, b=short)
    validator = RuleValidator(Structural(place(rule("self == oldSelf", message="changed"), c=inner, d=short)))
    old = {"c": {"a": "ab", "b": "x"}, "d": "x"}
    new = {"c": {"a": "ab", "b": "y"}, "d": "x"}
    told = [[str(each).replace("Invalid value: ", "") for each in validator.validate(new, old)]]
    told.append([str(each).replace("Invalid value: ", "") for each in validator.tolerated(new, old)])
    assert told == [
        ['<nil>: "object": changed', 'c: "object": ab', 'c.b: "string": short'],
        ['c.a: "string": short', 'd: "string": short'],
    ]


def test_a_rule_that_costs_too_much_for_this_object_ends_it_all() -> None:
    schema = place(
        rule("self.l.all(x, self.l.exists_one(y, x == y))"), rule("false"), l={"type": "array", "items": TEXT}
    )
    small, large = ({"l": [str(number) for number in range(count)]} for count in (10, 3000))
    assert broken(schema, small) == ['<nil>: Invalid value: "object": failed rule: false']
    [error] = broken(schema, large)
    assert "actual cost limit exceeded': no further validation rules will be run" in error


def test_a_message_that_costs_too_much_for_this_object_ends_it_all() -> None:
    text = "self.l.all(x, self.l.exists_one(y, x == y)) ? 'a' : 'b'"
    schema = place(rule("false", messageExpression=text), rule("false"), l={"type": "array", "items": TEXT})
    small, large = ({"l": [str(number) for number in range(count)]} for count in (10, 3000))
    failed = '<nil>: Invalid value: "object": '
    assert broken(schema, small) == [f"{failed}a", f"{failed}failed rule: false"]
    why = "no further validation rules will be run due to call cost exceeds limit for messageExpression"
    assert broken(schema, large) == [f'{failed}{why}: "{text}"']


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("plain", "plain"),
        ("in", "__in__"),
        ("a.b/c-d__e", "a__dot__b__slash__c__dash__d__underscores__e"),
        ("1a", None),
        ("ü", None),
    ],
)
def test_names_as_cel_says_them(name: str, said: str | None) -> None:
    assert escaped(name) == said
