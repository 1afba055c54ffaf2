"""pflag's rules, as tables."""

from typing import Any

import pytest

from kubectl.arguments import Flag, Option, UsageError, parse

OPTIONS = [
    Option("output", Flag("--output", "-o"), str, ""),
    Option("files", Flag("--filename", "-f", commas=True), list, None),
    Option("images", Flag("--image"), list, None),
    Option("watch", Flag("--watch", "-w"), bool, False),
    Option("stdin", Flag("--stdin", "-i"), bool, False),
    Option("tty", Flag("--tty", "-t"), bool, False),
    Option("dry", Flag("--dry-run", bare="unchanged"), str, "none"),
    Option("replicas", Flag("--replicas"), int, 0),
    Option("timeout", Flag("--timeout"), float, 0.0),
]


@pytest.mark.parametrize(
    ("words", "values", "left"),
    [
        pytest.param("pods -o yaml", {"output": "yaml"}, ["pods"], id="a short flag and its value"),
        pytest.param("-oyaml pods", {"output": "yaml"}, ["pods"], id="joined"),
        pytest.param("-o=yaml", {"output": "yaml"}, [], id="short with an equals sign"),
        pytest.param("--output yaml", {"output": "yaml"}, [], id="long"),
        pytest.param("--output=yaml", {"output": "yaml"}, [], id="long with an equals sign"),
        pytest.param("--output=", {"output": ""}, [], id="an empty value"),
        pytest.param("-it pod", {"stdin": True, "tty": True}, ["pod"], id="several short ones"),
        pytest.param("-wo yaml", {"watch": True, "output": "yaml"}, [], id="the last one takes the value"),
        pytest.param("--watch=false", {"watch": False}, [], id="a boolean switched off"),
        pytest.param("-w=f", {"watch": False}, [], id="a short boolean switched off"),
        pytest.param("--watch pods", {"watch": True}, ["pods"], id="a boolean takes no word"),
        pytest.param("--dry-run pods", {"dry": "unchanged"}, ["pods"], id="a bare flag takes no word"),
        pytest.param("--dry_run=client", {"dry": "client"}, [], id="underscores are dashes"),
        pytest.param("-f a,b -f c", {"files": ["a", "b", "c"]}, [], id="lists are split at commas"),
        pytest.param("--image a,b --image c", {"images": ["a,b", "c"]}, [], id="unless they are not"),
        pytest.param("--replicas -1", {"replicas": -1}, [], id="a number may look like a flag"),
        pytest.param("--timeout=1m30s", {"timeout": 90.0}, [], id="a duration"),
        pytest.param("-", {}, ["-"], id="a dash is a word"),
    ],
)
def test_flags_are_told_from_arguments(words: str, values: dict[str, Any], left: list[str]) -> None:
    parsed = parse(words.split(), OPTIONS)
    assert (parsed.values, parsed.words, parsed.command) == (values, left, None)


def test_what_stands_behind_two_dashes_is_left_alone() -> None:
    parsed = parse(["pod", "-i", "--", "ls", "-o", "--", "x"], OPTIONS)
    assert (parsed.words, parsed.command) == (["pod"], ["ls", "-o", "--", "x"])


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("--foo", "unknown flag: --foo"),
        ("--foo=1", "unknown flag: --foo"),
        ("-z", "unknown shorthand flag: 'z' in -z"),
        ("-wz", "unknown shorthand flag: 'z' in -z"),
        ("--=x", "bad flag syntax: --=x"),
        ("--output", "flag needs an argument: --output"),
        ("-o", "flag needs an argument: 'o' in -o"),
        ("-wo", "flag needs an argument: 'o' in -wo"),
        (
            "--watch=maybe",
            'invalid argument "maybe" for "-w, --watch" flag: strconv.ParseBool: parsing "maybe": '
            "invalid syntax",
        ),
        (
            "--replicas=x",
            'invalid argument "x" for "--replicas" flag: strconv.ParseInt: parsing "x": invalid syntax',
        ),
        ("--timeout=x", 'invalid argument "x" for "--timeout" flag: time: invalid duration "x"'),
    ],
)
def test_what_makes_no_sense_is_refused_in_pflags_words(words: str, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse(words.split(), OPTIONS)
    assert str(caught.value) == message
