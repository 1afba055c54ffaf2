"""Verbs as functions: the signature says which flags and arguments there are, the docstring what it does.

A parameter annotated with a Flag is a flag (several fill the same list), one with Words an argument, one with
Command what stands behind `--`; a NamedTuple stands for the flags that are its fields. Modules of verbs are
imported when they are used, so that `get` does not pay for `apply`.
Source of the rules: spf13/cobra/command.go.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib import import_module
from types import MappingProxyType, NoneType, UnionType
from typing import Annotated, Any, NamedTuple, Union, get_args, get_origin, get_type_hints

from kubectl.arguments import Command, Flag, Option, Parsed, UsageError, Words, index, parse, takes_next_word
from kubectl.global_flags import Globals

PROGRAM = "sampan"
GLOBALS = "globals"
HELP = Option("help", Flag("--help", "-h", hidden=True), bool, False)

Verb = Callable[..., None]


_SECRETS: tuple[str, ...] = ("--token", "--password")


class Group(NamedTuple):
    """A verb of verbs, such as `create`. Names of modules' members (`module:member`) are imported when used.

    `itself` runs where no subcommand is named; without it help is shown.
    """

    summary: str
    verbs: Mapping[str, Verb | Group | str]
    aliases: Mapping[str, str] = MappingProxyType({})
    itself: Verb | None = None

    def find(self, name: str) -> Verb | Group | None:
        found = self.verbs.get(self.aliases.get(name, name))
        return member(found) if isinstance(found, str) else found

    def canonical(self, name: str) -> str:
        return self.aliases.get(name, name)


class Argument(NamedTuple):
    """A parameter that is no flag: one word where `many` is false, else all that are left."""

    parameter: str
    usage: str
    many: bool
    required: bool


class Signature:
    """What a function's parameters mean on the command line; `groups` are its tuples of flags."""

    def __init__(self) -> None:
        self.options: list[Option] = []
        self.arguments: list[Argument] = []
        self.groups: dict[str, type] = {}
        self.command = ""


def member(place: str) -> Verb | Group:
    """The member that `module:member` names."""
    module, _, name = place.partition(":")
    found: Verb | Group = getattr(import_module(module), name)
    return found


def signature(target: Callable[..., Any]) -> Signature:
    """The flags and arguments of a function, or of a NamedTuple of flags."""
    hints = get_type_hints(target, include_extras=True)
    defaults = _defaults(target)
    result = Signature()
    for name, hint in hints.items():
        if isinstance(hint, type) and issubclass(hint, tuple):
            result.groups[name] = hint
            result.options += _inside(name, hint)
            continue
        if get_origin(hint) is not Annotated:
            continue
        kind, mark, *others = get_args(hint)
        if isinstance(mark, Flag):
            flags = [mark, *others]
            result.options += [Option(name, flag, _plain(kind), defaults.get(name)) for flag in flags]
        elif isinstance(mark, Words):
            many = _plain(kind) is list
            result.arguments.append(Argument(name, mark.usage, many, required=name not in defaults))
        elif isinstance(mark, Command):
            result.command = name
    return result


def _defaults(target: Any) -> dict[str, Any]:
    code = getattr(target, "__code__", None)
    if code is None:
        return dict(target._field_defaults)
    names = code.co_varnames[: code.co_argcount]
    values = target.__defaults__ or ()
    return {
        **dict(zip(names[len(names) - len(values) :], values, strict=True)),
        **(target.__kwdefaults__ or {}),
    }


def _plain(kind: Any) -> type:
    """`list` of `list[str] | None`."""
    if get_origin(kind) in (Union, UnionType):
        kind = next(each for each in get_args(kind) if each is not NoneType)
    plain: type = get_origin(kind) or kind
    return plain


class Found(NamedTuple):
    """A verb by its whole name (`create deployment`), and the words that are left for it."""

    path: tuple[str, ...]
    verb: Verb | Group
    words: list[str]

    @property
    def function(self) -> Verb | None:
        return self.verb.itself if isinstance(self.verb, Group) else self.verb


def global_options() -> list[Option]:
    return [*_inside(GLOBALS, Globals), HELP]


def _inside(parameter: str, kind: type) -> list[Option]:
    """The flags of a tuple that fills a parameter; `parameter.field` says which goes where."""
    return [each._replace(parameter=f"{parameter}.{each.parameter}") for each in signature(kind).options]


def find(root: Group, words: Sequence[str], options: Sequence[Option]) -> Found:
    """Descends as far as the words name verbs; flags may stand before and between them."""
    path: tuple[str, ...] = ()
    node: Verb | Group = root
    left = list(words)
    while isinstance(node, Group):
        own = signature(node.itself).options if node.itself else []
        place = next(_arguments(left, index([*options, *own])), None)
        below = node.find(left[place]) if place is not None else None
        if place is None or below is None:
            break
        path = (*path, node.canonical(left.pop(place)))
        node = below
    return Found(path, node, left)


def _arguments(words: Sequence[str], by_name: dict[str, Option]) -> Iterator[int]:
    """The positions of what is neither a flag nor the value of one."""
    position = 0
    while position < len(words) and words[position] != "--":
        word = words[position]
        if not word.startswith("-") or word == "-":
            yield position
        elif takes_next_word(word, by_name):
            position += 1
        position += 1


class Call(NamedTuple):
    """A command line that makes sense: what to run with what."""

    found: Found
    globals: Globals
    arguments: dict[str, Any]
    wants_help: bool
    line: str = ""
    """The command line in the form that --record keeps: flags last, secrets left out."""

    def run(self) -> None:
        function = self.found.function
        assert function is not None
        function(**self.arguments)


def understand(root: Group, words: Sequence[str]) -> Call:
    """The verb that the words name, with its arguments. Raises UsageError."""
    options = global_options()
    found = find(root, words, options)
    name = " ".join(found.path)
    shape = signature(found.function) if found.function else Signature()
    try:
        parsed = parse(found.words, [*options, *shape.options])
    except UsageError as error:
        raise UsageError(str(error), name) from None
    wants_help = bool(parsed.values.pop(HELP.parameter, False))
    values = _grouped({**shape.groups, GLOBALS: Globals}, parsed.values)
    chosen: Globals = values.pop(GLOBALS)
    if isinstance(found.verb, Group) and parsed.words and not wants_help:
        raise _unknown(found, parsed.words)
    if wants_help or found.function is None:
        return Call(found, chosen, {}, True)
    return Call(found, chosen, values | bind(shape, parsed, name), False, _line(found, parsed))


def _line(found: Found, parsed: Parsed) -> str:
    flags = (f"{name}={'CLASSIFIED' if name in _SECRETS else value}" for name, value in parsed.given)
    return " ".join([PROGRAM, *found.path, *parsed.words, *(parsed.command or ()), *flags])


def _grouped(groups: Mapping[str, type], values: Mapping[str, Any]) -> dict[str, Any]:
    """The values of flags by parameter, those of a tuple as one."""
    result: dict[str, Any] = {}
    inner: dict[str, dict[str, Any]] = {name: {} for name in groups}
    for path, value in values.items():
        group, dot, name = path.partition(".")
        if dot:
            inner[group][name] = value
        else:
            result[path] = value
    return result | {
        name: kind(**_grouped(signature(kind).groups, inner[name])) for name, kind in groups.items()
    }


_MEANT = {"list": ("get", "wait"), "ps": ("get", "wait"), "rm": ("delete",)}
"""Verbs by what people who come from elsewhere call them."""


def _suggestions(word: str, group: Verb | Group) -> str:
    """Verbs that begin so, are spelled alike or are called so elsewhere."""
    verbs = group.verbs if isinstance(group, Group) else ()
    typed = word.lower()
    meant = _MEANT.get(typed, ())
    similar = [
        name for name in verbs if name in meant or name.startswith(typed) or _distance(typed, name) <= 2
    ]
    return "".join(["\n\nDid you mean this?", *(f"\n\t{name}" for name in similar)]) if similar else ""


def _distance(one: str, other: str) -> int:
    """Levenshtein's: how many letters have to be put in, taken out or changed."""
    row = list(range(len(other) + 1))
    for above, letter in enumerate(one, start=1):
        last, row = row, [above]
        for place, each in enumerate(other):
            change = last[place] + (letter != each)
            row.append(min(change, last[place + 1] + 1, row[place] + 1))
    return row[-1]


def _unknown(found: Found, words: Sequence[str]) -> UsageError:
    name = " ".join(found.path)
    if not found.path and found.words[0].startswith("-"):
        # An unknown verb may be the name of a plugin, before which no flag may stand.
        flag = found.words[0].partition("=")[0]
        return UsageError(f"flags cannot be placed before plugin name: {flag}", hint="plugin")
    if not found.path:
        what = f'unknown command "{words[0]}" for "{PROGRAM}"'
        return UsageError(what + _suggestions(words[0], found.verb), hint="none")
    if found.function is not None:
        return UsageError(f"Unexpected args: [{' '.join(words)}]", name, hint="examples")
    return UsageError(f'unknown command "{words[0]}"', name, hint="examples")


def bind(shape: Signature, parsed: Parsed, name: str) -> dict[str, Any]:
    """The arguments by parameter. Raises UsageError where there are too few or too many."""
    words = list(parsed.words)
    values: dict[str, Any] = {}
    if shape.command:
        values[shape.command] = parsed.command
    else:
        words += parsed.command or []
    given = len(words)
    for argument in shape.arguments:
        if argument.many:
            values[argument.parameter], words = words, []
        elif words:
            values[argument.parameter] = words.pop(0)
        elif argument.required:
            raise _wrong_number(argument, given, name)
    if words:
        single = next((each for each in shape.arguments if each.required and not each.many), None)
        if single is not None:
            raise _wrong_number(single, given, name)
        raise UsageError(f"unexpected arguments: [{' '.join(words)}]", name, hint="examples")
    return values


def _wrong_number(argument: Argument, given: int, name: str) -> UsageError:
    return UsageError(f"exactly one {argument.usage} is required, got {given}", name, hint="examples")
