"""pflag's rules: which words of a command line are flags, which are their values, and which arguments.

Pure functions from words to values. Source: spf13/pflag/flag.go; the messages are its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Literal, NamedTuple

from apimachinery.durations import parse_duration

TRUE, FALSE = ("true", "t", "1", "True", "TRUE", "T"), ("false", "f", "0", "False", "FALSE", "F")


class Flag(NamedTuple):
    """How a parameter is said on the command line, kept in its annotation.

    `bare` is what the flag means without `=value`, where it may stand so (NoOptDefVal); with `commas` a list
    is split at them, and `make` makes something else of each of its values.
    """

    long: str
    short: str = ""
    help: str = ""
    bare: str | None = None
    commas: bool = False
    hidden: bool = False
    make: Callable[[str], Any] | None = None

    @property
    def title(self) -> str:
        """`-o, --output`, as messages name it."""
        return f"{self.short}, {self.long}" if self.short else self.long


class Words(NamedTuple):
    """The arguments of a verb, and how its usage shows them."""

    usage: str = ""


class Command:
    """What stands behind `--`: the words of another command. None if there was no `--`."""


class Option(NamedTuple):
    """A flag and the parameter that it fills: bool, int, float (a duration in seconds), str or list."""

    parameter: str
    flag: Flag
    type: type
    default: Any


class UsageError(Exception):
    """The command line makes no sense; the message is kubectl's. `hint` says which help to point to."""

    def __init__(
        self, message: str, verb: str = "", hint: Literal["usage", "examples", "plugin", "none"] = "usage"
    ) -> None:
        super().__init__(message)
        self.verb = verb
        self.hint = hint


class Parsed:
    """Values by parameter, the arguments, and those behind `--`."""

    def __init__(self) -> None:
        self.values: dict[str, Any] = {}
        self.given: list[tuple[str, str]] = []
        """The flags by their long names, in their order."""
        self.words: list[str] = []
        self.command: list[str] | None = None


def parse(words: Iterable[str], options: Sequence[Option]) -> Parsed:
    """Takes a command line apart; flags may stand anywhere before `--`. Raises UsageError."""
    by_name = index(options)
    parsed = Parsed()
    queue = list(words)
    while queue:
        word = queue.pop(0)
        if word == "--":
            parsed.command = queue
            break
        if word.startswith("--"):
            _parse_long(word, queue, by_name, parsed)
        elif word.startswith("-") and len(word) > 1:
            _parse_short(word, queue, by_name, parsed)
        else:
            parsed.words.append(word)
    return parsed


def index(options: Iterable[Option]) -> dict[str, Option]:
    """The options by each of their names."""
    return {name: option for option in options for name in (option.flag.long, option.flag.short) if name}


def takes_next_word(word: str, by_name: dict[str, Option]) -> bool:
    """Whether the next word is a flag's value; of an unknown flag it is taken to be."""
    if "=" in word or (not word.startswith("--") and len(word) > 2):
        return False
    option = by_name.get(word)
    return option is None or _bare(option) is None


def _bare(option: Option) -> str | None:
    return "true" if option.type is bool else option.flag.bare


def _parse_long(word: str, queue: list[str], by_name: dict[str, Option], parsed: Parsed) -> None:
    name, equals, value = word.partition("=")
    if name in ("--", "---") or name.startswith("---"):
        raise UsageError(f"bad flag syntax: {word}")
    option = by_name.get(name.replace("_", "-"))
    if option is None:
        raise UsageError(f"unknown flag: {name}")
    bare = _bare(option)
    if not equals and bare is not None:
        value = bare
    elif not equals:
        if not queue:
            raise UsageError(f"flag needs an argument: {name}")
        value = queue.pop(0)
    _set(option, value, parsed)


def _parse_short(word: str, queue: list[str], by_name: dict[str, Option], parsed: Parsed) -> None:
    """`-A`, `-it`, `-o yaml`, `-oyaml`, `-o=yaml`."""
    rest = word[1:]
    while rest:
        letter, rest = rest[0], rest[1:]
        option = by_name.get(f"-{letter}")
        if option is None:
            raise UsageError(f"unknown shorthand flag: '{letter}' in -{letter}{rest}")
        bare = _bare(option)
        if rest.startswith("="):
            value, rest = rest[1:], ""
        elif bare is not None:
            value = bare
        elif rest:
            value, rest = rest, ""
        elif queue:
            value = queue.pop(0)
        else:
            raise UsageError(f"flag needs an argument: '{letter}' in {word}")
        _set(option, value, parsed)


def _set(option: Option, value: str, parsed: Parsed) -> None:
    parsed.given.append((option.flag.long, value))
    if option.type is list:
        parts = value.split(",") if option.flag.commas else [value]
        made = map(option.flag.make, parts) if option.flag.make else parts
        parsed.values.setdefault(option.parameter, []).extend(made)
        return
    try:
        parsed.values[option.parameter] = _convert(option.type, value)
    except ValueError as error:
        raise UsageError(f'invalid argument "{value}" for "{option.flag.title}" flag: {error}') from None


def _convert(kind: type, value: str) -> Any:
    if kind is bool:
        if value not in TRUE + FALSE:
            raise ValueError(f'strconv.ParseBool: parsing "{value}": invalid syntax')
        return value in TRUE
    if kind is int:
        try:
            return int(value, 0)
        except ValueError:
            raise ValueError(f'strconv.ParseInt: parsing "{value}": invalid syntax') from None
    return parse_duration(value) if kind is float else value
