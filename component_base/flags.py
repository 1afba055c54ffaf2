"""Command-line flags: a frozen dataclass of options whose fields are flags with upstream's names.

Owns parsing only. Meaning (files, addresses) belongs to the daemon.
"""

from __future__ import annotations

import argparse
import sys
import typing
from collections.abc import Callable, Sequence
from dataclasses import MISSING, dataclass, field, fields
from ipaddress import IPv4Network
from typing import Any, NoReturn, TypeVar

from apimachinery.durations import format_duration, parse_duration

T = TypeVar("T")


def flag(
    default: Any, help: str, *, name: str | None = None, parse: Callable[[str], Any] | None = None
) -> Any:
    """A field that is set by `--field-name`. `parse` is found from the annotation unless given."""
    metadata = {"help": help, "name": name, "parse": parse}
    if isinstance(default, dict):
        return field(default_factory=default.copy, metadata=metadata, kw_only=True)
    return field(default=default, metadata=metadata, kw_only=True)


def duration(default: float, help: str, *, name: str | None = None) -> Any:
    """A field of seconds, written as a Go duration: `--node-monitor-period=5s`."""
    metadata = {"help": help, "name": name, "parse": parse_duration, "show": format_duration}
    return field(default=default, metadata=metadata, kw_only=True)


@dataclass(frozen=True)
class CommonOptions:
    """Flags that every daemon has."""

    v: int = flag(0, "number for the log level verbosity")
    logging_format: str = flag("text", 'Sets the log format. Permitted formats: "json", "text".')


def parse(options: type[T], argv: Sequence[str] | None = None, *, prog: str) -> T:
    """The options of a command line; exits with upstream's words for a flag that is not known."""
    parser = _Parser(prog=prog, allow_abbrev=False, add_help=True, usage=f"{prog} [flags]")
    hints = typing.get_type_hints(options)
    for each in fields(typing.cast(Any, options)):
        _add(parser, each, hints[each.name])
    known, unknown = parser.parse_known_args(sys.argv[1:] if argv is None else argv)
    if unknown:
        parser.error(_complaint(unknown[0], prog))
    return options(**vars(known))


@dataclass(frozen=True, slots=True)
class FlagHelp:
    """A flag as people read of it. `default` is as it would be written, empty if there is none."""

    name: str
    help: str
    default: str


def describe(options: type[Any]) -> list[FlagHelp]:
    """Every flag of a command, as they are declared: what all daemons have comes first."""
    return [FlagHelp(_names(each)[0], each.metadata["help"], _default(each)) for each in fields(options)]


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.exit(1, f"Error: {message}\n")


class _Gather(argparse.Action):
    """A list or map that is said in parts: `--f=a --f=b` is `--f=a,b`, and neither adds to the default."""

    def __call__(self, parser: Any, namespace: Any, values: Any, option_string: str | None = None) -> None:
        before = vars(namespace).get(self.dest)
        is_first = before is self.default
        setattr(namespace, self.dest, values if is_first else _joined(before, values))


def _joined(before: Any, more: Any) -> Any:
    return before | more if isinstance(more, dict) else (*before, *more)


def _complaint(argument: str, prog: str) -> str:
    if argument.startswith("--"):
        return f"unknown flag: {argument.partition('=')[0]}"
    if argument.startswith("-"):
        return f"unknown shorthand flag: {argument[1:2]!r} in {argument}"
    return f'unknown command "{argument}" for "{prog}"'


def _add(parser: _Parser, each: Any, annotation: Any) -> None:
    default = _default(each)
    help = each.metadata["help"].replace("%", "%%")
    settings: dict[str, Any] = {
        "dest": each.name,
        "default": _value(each),
        "help": f"{help} (default {default.replace('%', '%%')})" if default else help,
        "type": each.metadata["parse"] or _parser_of(annotation),
        "metavar": "",
    }
    if annotation is bool:
        settings |= {"nargs": "?", "const": True}
    elif typing.get_origin(annotation) in (tuple, dict):
        settings["action"] = _Gather
    parser.add_argument(*_names(each), **settings)


def _names(each: Any) -> list[str]:
    name = each.metadata["name"] or each.name.replace("_", "-")
    return [f"--{name}"] if len(name) > 1 else [f"--{name}", f"-{name}"]


def _value(each: Any) -> Any:
    return each.default if each.default_factory is MISSING else each.default_factory()


def _default(each: Any) -> str:
    """As the flag would say it; nothing for what is nothing."""
    value, show = _value(each), each.metadata.get("show")
    if value in ("", (), {}, None):
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return ",".join(value)
    if isinstance(value, dict):
        return ",".join(f"{key}={given}" for key, given in value.items())
    return str(value if show is None else show(value))


def _parser_of(annotation: Any) -> Callable[[str], Any]:
    if annotation is bool:
        return _parse_bool_flag
    if typing.get_origin(annotation) is tuple:
        return _parse_list
    if typing.get_origin(annotation) is dict:
        return parse_map
    return annotation if annotation in (int, float) else str


def parse_bool(text: str) -> bool:
    """As Go reads one. Raises ValueError in Go's words."""
    if text in ("true", "True", "TRUE", "1", "t", "T"):
        return True
    if text in ("false", "False", "FALSE", "0", "f", "F"):
        return False
    raise ValueError(f'strconv.ParseBool: parsing "{text}": invalid syntax')


def _parse_bool_flag(text: str) -> bool:
    try:
        return parse_bool(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _parse_list(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


def parse_ipv4_cidrs(text: str) -> tuple[str, ...]:
    """For a flag that takes some."""
    try:
        return tuple(str(IPv4Network(each)) for each in _parse_list(text))
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"invalid CIDR address: {error}") from None


def parse_map(text: str) -> dict[str, str]:
    """Of `key=value,key=value`."""
    pairs = [part.partition("=") for part in _parse_list(text)]
    return {key.strip(): value.strip() for key, _, value in pairs}
