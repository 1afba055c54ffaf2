"""Decoding and encoding of JSON and YAML, and what is refused."""

import pytest

from apimachinery.serialize import (
    Decoded,
    DecodeError,
    from_json,
    from_json_strict,
    from_yaml_all,
    from_yaml_strict,
    to_yaml,
)


@pytest.mark.parametrize(
    ("text", "duplicates"),
    [
        (b'{"a":1,"b":{"a":2}}', ()),
        (b'{"a":1,"a":2}', ("a",)),
        (b'{"b":[{"c" : 1,\n"c":3}]}', ("b[0].c",)),
        (b'{"d":"{\\"x\\":1,\\"x\\":2}"}', ()),
        (b'{"a":"\\u0022","a":1}', ("a",)),
        (b'{"a":{"b":1,"b":2,"b":3}}', ("a.b",)),
    ],
)
def test_duplicate_keys_are_found(text: bytes, duplicates: tuple[str, ...]) -> None:
    assert from_json_strict(text).duplicates == duplicates


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"", "unexpected end of JSON input"),
        (b'{"a":', "unexpected end of JSON input"),
        (b"{a:1}", "invalid character 'a' looking for beginning of object key string"),
        (b"x", "invalid character 'x' looking for beginning of value"),
        (b"\0", r"invalid character '\x00' looking for beginning of value"),
        ("\ufeff{}".encode(), r"invalid character '\ufeff' looking for beginning of value"),
        (b"{} x", "invalid character 'x' after top-level value"),
        (b'{"a" 1}', "invalid character '1' after object key:value pair"),
        (b"[" * 100_000, "exceeded max depth"),
        (b'{"a":' * 201 + b"1" + b"}" * 201, "exceeded max depth"),
    ],
    ids=["empty", "cut", "bare key", "word", "null", "mark", "rest", "no colon", "endless", "deep"],
)
def test_broken_json_is_refused_in_gos_words(text: bytes, message: str) -> None:
    with pytest.raises(DecodeError) as caught:
        from_json(text)
    assert str(caught.value) == message


def test_yaml_that_is_not_utf8_is_refused_and_json_repaired() -> None:
    with pytest.raises(DecodeError):
        from_yaml_all(b'{"a":"\xff"}')
    assert from_json(b'{"a":"\xff"}') == {"a": "\ufffd"}
    assert from_json_strict(b'{"a":1,"a":"\xff"}').duplicates == ("a",)


def test_two_hundred_levels_are_fine() -> None:
    assert from_json(b"[" * 200 + b"]" * 200)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a: 010", 8),
        ("a: 1:30", "1:30"),
        ("a: 2020-01-01", "2020-01-01"),
        ("a: yes", True),
        ("a: 1e3", 1000),
        ('a: "1"', "1"),
        ("a: ~", None),
        ("a: 0.5", 0.5),
        ("a: 0x1F", 31),
        ("a: 1_000", 1000),
        ("a: y", "y"),
        ("a: |\n  x\n  y\n", "x\ny\n"),
        ("a: {b: 1}", {"b": 1}),
        ("a: &x [1]\nb: *x", [1]),
        ("b: &x {c: 1}\na: {<<: *x, d: 2}", {"c": 1, "d": 2}),
    ],
)
def test_yaml_scalars_are_kubernetes(text: str, value: object) -> None:
    assert from_yaml_all(text)[0]["a"] == value


def test_yaml_keys_become_texts() -> None:
    assert from_yaml_all("1: a\ntrue: b\n") == [{"1": "a", "true": "b"}]


def test_empty_documents_are_left_out() -> None:
    assert from_yaml_all("---\na: 1\n---\n---\n# nothing\n---\nb: 2\n") == [{"a": 1}, {"b": 2}]
    assert from_yaml_strict("") == Decoded(None)


def test_yaml_duplicates_are_found() -> None:
    decoded = from_yaml_strict("a:\n- b: 1\n  b: {c: 1, c: 2}\n1: 2\n1: 3\n")
    assert decoded.duplicates == ("a[0].b.c", "a[0].b", "1")
    assert decoded.lines == (
        'line 3: key "c" already set in map',
        'line 3: key "b" already set in map',
        "line 5: key 1 already set in map",
    )


BOMB = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{chr(98 + i)}: &{chr(98 + i)} [{','.join(['*' + chr(97 + i)] * 9)}]\n" for i in range(8)
)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[" * 5000, "exceeded max depth"),
        ("- " * 5000, "exceeded max depth"),
        (BOMB, "excessive aliasing"),
        ("a: &x [*x]", "excessive aliasing"),
        ("a: b: c", "yaml: mapping values are not allowed"),
        ("a:\n\t- b", "cannot start any token"),
        ("a: .inf", "unsupported value"),
    ],
    ids=["brackets", "dashes", "bomb", "loop", "colons", "tab", "infinity"],
)
def test_broken_and_hostile_yaml_is_refused(text: str, message: str) -> None:
    with pytest.raises(DecodeError, match=message):
        from_yaml_all(text)


def test_yaml_is_written_as_kubectl_writes_it() -> None:
    obj = {
        "b": "true",
        "a": "x\ny\n",
        "time": "2020-01-01T00:00:00Z",
        "empty": {},
        "none": [],
        "l": [{"z": 1, "a": None}],
        "quote": "it's: x",
        "y": "y",
        "z10": 1,
        "z9": 2,
        "s": "",
        "star": "*",
        "space": "a \nb",
        "float": "1e3",
        "text": "plain text",
    }
    assert to_yaml(obj) == (
        'a: |\n  x\n  y\nb: "true"\nempty: {}\nfloat: "1e3"\nl:\n- a: null\n  z: 1\nnone: []\n'
        "quote: 'it''s: x'\ns: \"\"\nspace: \"a \\nb\"\nstar: '*'\ntext: plain text\n"
        'time: "2020-01-01T00:00:00Z"\n"y": "y"\nz9: 2\nz10: 1\n'
    )
    assert from_yaml_all(to_yaml(obj)) == [obj]


@pytest.mark.parametrize("number", ["9" * 5000, "1e999", "0x" + "f" * 5000])
def test_numbers_without_end_are_refused(number: str) -> None:
    with pytest.raises(DecodeError):
        from_yaml_all(f"a: {number}")


def test_numbers_wider_than_64_bits_are_floats() -> None:
    assert from_yaml_all("a: 99999999999999999999") == [{"a": 1e20}]
