"""Command-line flags: a frozen dataclass of options whose fields are flags with upstream's names.

Owns parsing only. Meaning (files, addresses) belongs to the daemon.
"""

from __future__ import annotations

import argparse
import re
import sys
import typing
from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, dataclass, field, fields
from types import UnionType
from typing import Any, NoReturn, TypeVar

from apimachinery.durations import format_duration, parse_duration
from component_base.flag_values import (
    parse_bool,
    parse_float,
    parse_int,
    parse_list,
    parse_map,
    parse_quoted_map,
    parse_uint,
    parse_vmodule,
)
from component_base.version import GIT_VERSION, version_info

T = TypeVar("T")
_NONE: dict[str, Callable[[str], Any]] = {}
_NO_LABELS: dict[str, str] = {}
_MISSING = re.compile(r"argument ([^/:]+)\S*: expected one argument")
_VERSION_HELP = "Print version information and quit, with --version=raw all of it."


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

    v: int = flag(0, "number for the log level verbosity", parse=parse_uint)
    logging_format: str = flag("text", 'Sets the log format. Permitted formats: "json", "text".')
    vmodule: tuple[tuple[str, int], ...] = flag(
        (),
        "comma-separated list of pattern=N settings for file-filtered logging: queue=4 is --v=4 for queue.py "
        "alone.",
        parse=parse_vmodule,
    )
    show_hidden_metrics_for_version: str = flag(
        "",
        "The previous version for which you want to show hidden metrics. Only the previous minor version is "
        "meaningful, other values will not be allowed. The format is <major>.<minor>, e.g.: '1.16'.",
    )
    disabled_metrics: tuple[str, ...] = flag(
        (),
        "Fully qualified names of metrics to disable, comma separated. Disabling metrics is higher in "
        "precedence than showing hidden metrics.",
    )
    allow_metric_labels: dict[str, str] = flag(  # noqa: RUF009 (flag makes a field)
        _NO_LABELS,
        "The map from metric-label to value allow-list of this label, as metric1,label1=v1,v2,v3: any other "
        "value is told as 'unexpected'.",
        parse=parse_quoted_map,
    )
    allow_metric_labels_manifest: str = flag(
        "",
        "The path to the manifest file that contains the allow-list mapping, as --allow-metric-labels has "
        "it, which overrides the file.",
    )
    unused: tuple[str, ...] = field(default=(), kw_only=True)
    """Flags that were given, and change nothing."""


Unused = dict[str, Callable[[str], Any]]
"""Flags of upstream's that change nothing here, and how they are read.

A command line that was made for one of its daemons starts ours.
"""


def unused(*, bools: str = "", numbers: str = "", durations: str = "", texts: str = "") -> Unused:
    """Of names with blanks between them."""
    kinds = ((bools, parse_bool), (numbers, parse_float), (durations, parse_duration), (texts, str))
    return {name: read for names, read in kinds for name in names.split()}


def parse(options: type[T], argv: Sequence[str] | None = None, *, prog: str, unused: Unused = _NONE) -> T:
    """The options of a command line; exits with upstream's words for a flag that is not known."""
    parser = _Parser(prog=prog, allow_abbrev=False, add_help=True, usage=f"{prog} [flags]")
    parser.add_argument(
        "--version",
        action=_Tell,
        dest=argparse.SUPPRESS,
        default=argparse.SUPPRESS,
        nargs="?",
        const="true",
        type=_reader(["--version"], _version),
        metavar="",
        help=_VERSION_HELP,
    )
    hints = typing.get_type_hints(options)
    for each in _flags(options):
        _add(parser, each, hints[each.name])
    for name, read in unused.items():
        _add_unused(parser, name, read)
    try:
        known, unknown = parser.parse_known_args([*map(_dashed, sys.argv[1:] if argv is None else argv)])
    except _FlagError as error:
        parser.error(str(error))
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
    return [FlagHelp(_names(each)[0], each.metadata["help"], _default(each)) for each in _flags(options)]


def _flags(options: type[Any]) -> list[Any]:
    return [each for each in fields(options) if "help" in each.metadata]


class _FlagError(Exception):
    """A value that cannot be read, in pflag's words; argparse has others for a ValueError."""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        missing = _MISSING.match(message)
        self.exit(1, f"Error: flag needs an argument: {missing[1]}\n" if missing else f"Error: {message}\n")


def _reader(names: Sequence[str], read: Callable[[str], Any]) -> Callable[[str], Any]:
    """Raises _FlagError for what `read` refuses with a ValueError."""

    def reading(text: str) -> Any:
        try:
            return read(text)
        except ValueError as error:
            flag = ", ".join(reversed(names))
            raise _FlagError(f'invalid argument "{text}" for "{flag}" flag: {error}') from None

    return reading


class _Tell(argparse.Action):
    """Prints a text, and that is all, if there is one."""

    def __call__(self, parser: Any, namespace: Any, values: Any, option_string: str | None = None) -> None:
        if values:
            print(values)
            parser.exit(0)


class _Gather(argparse.Action):
    """A list or map that is said in parts: `--f=a --f=b` is `--f=a,b`, and neither adds to the default."""

    def __call__(self, parser: Any, namespace: Any, values: Any, option_string: str | None = None) -> None:
        before = vars(namespace).get(self.dest)
        is_first = before is self.default
        setattr(namespace, self.dest, values if is_first else _joined(before, values))


class _Note(argparse.Action):
    """Of a flag that changes nothing it is only kept that it was given."""

    def __call__(self, parser: Any, namespace: Any, values: Any, option_string: str | None = None) -> None:
        setattr(namespace, self.dest, (*getattr(namespace, self.dest), option_string))


def _version(text: str) -> str:
    """What `--version=text` prints: nothing, where it is false."""
    if text != "raw":
        return f"Kubernetes {GIT_VERSION}" if parse_bool(text) else ""
    fields = [f'{name[:1].upper()}{name[1:]}:"{value}"' for name, value in version_info().items()]
    return f"version.Info{{{', '.join(fields)}}}"


def _joined(before: Any, more: Any) -> Any:
    """Lists grow, those within a map as well."""
    if not isinstance(more, dict):
        return (*before, *more)
    lists = {key: [*before[key], *more[key]] for key in before.keys() & more if isinstance(more[key], list)}
    return before | more | lists


def _dashed(argument: str) -> str:
    """`--flag_name=value` is `--flag-name=value`, as upstream has it."""
    name, equals, value = argument.partition("=")
    return f"{name.replace('_', '-')}{equals}{value}" if argument.startswith("--") else argument


def _complaint(argument: str, prog: str) -> str:
    if argument.startswith("--"):
        return f"unknown flag: {argument.partition('=')[0]}"
    if argument.startswith("-"):
        return f"unknown shorthand flag: {argument[1:2]!r} in {argument}"
    return f'unknown command "{argument}" for "{prog}"'


def _add(parser: _Parser, each: Any, annotation: Any) -> None:
    default = _default(each)
    annotation = _given(annotation)
    help = each.metadata["help"].replace("%", "%%")
    settings: dict[str, Any] = {
        "dest": each.name,
        "default": _value(each),
        "help": f"{help} (default {default.replace('%', '%%')})" if default else help,
        "type": _reader(_names(each), each.metadata["parse"] or _parser_of(annotation)),
        "metavar": "",
    }
    if annotation is bool:
        settings |= {"nargs": "?", "const": True}
    elif _is_many(annotation):
        settings["action"] = _Gather
    parser.add_argument(*_names(each), **settings)


def _add_unused(parser: _Parser, name: str, read: Callable[[str], Any]) -> None:
    parser.add_argument(
        f"--{name}",
        action=_Note,
        dest="unused",
        default=(),
        type=_reader([f"--{name}"], read),
        nargs="?" if read is parse_bool else None,
        help=argparse.SUPPRESS,
    )


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


def _given(annotation: Any) -> Any:
    """The type of a flag's value when it is given: without None."""
    kinds = [each for each in typing.get_args(annotation) if each is not type(None)]
    return kinds[0] if isinstance(annotation, UnionType) else annotation


def _is_many(annotation: Any) -> bool:
    """Of a list or a map."""
    return typing.get_origin(annotation) in (tuple, dict, Sequence, Mapping)


def _parser_of(annotation: Any) -> Callable[[str], Any]:
    if annotation is bool:
        return parse_bool
    if _is_many(annotation):
        return parse_map if issubclass(typing.get_origin(annotation), Mapping) else parse_list
    return {int: parse_int, float: parse_float}.get(annotation, str)
