"""What `--help` prints, in kubectl's layout. Source: k8s.io/kubectl/pkg/util/templates."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from apimachinery.durations import format_duration
from kubectl.arguments import Option
from kubectl.commands import PROGRAM, Found, Group, Signature, Verb, global_options, member, signature

_FOOTER = f'Use "{PROGRAM} options" for a list of global command-line options (applies to all commands).'


def text(found: Found) -> str:
    """The help of a verb or a group."""
    name = " ".join((PROGRAM, *found.path))
    shape = signature(found.function) if found.function else Signature()
    parts = [_description(found.verb)]
    if isinstance(found.verb, Group):
        parts.append(commands("Available Commands:", summaries(found.verb)))
    if shape.options:
        parts.append("Options:\n" + "\n".join(map(_option, _shown(shape.options))))
    parts.append(f"Usage:\n  {name} {_usage(found, shape)}\n")
    if isinstance(found.verb, Group):
        parts.append(
            f'Use "{name} <command> --help" for more information about a given command.\n{_FOOTER}\n'
        )
    else:
        parts.append(f"{_FOOTER}\n")
    return "\n".join(parts)


def root(summary: str, categories: Mapping[str, Mapping[str, str]]) -> str:
    """The help of the program: its verbs by category."""
    parts = [f"{summary}\n", *(commands(title, verbs) for title, verbs in categories.items())]
    parts.append(f"Usage:\n  {PROGRAM} [flags] [options]\n")
    parts.append(f'Use "{PROGRAM} <command> --help" for more information about a given command.\n{_FOOTER}\n')
    return "\n".join(parts)


def options() -> str:
    """What the verb `options` prints."""
    listed = "\n".join(map(_option, _shown(global_options())))
    return f"The following options can be passed to any command:\n\n{listed}"


def commands(title: str, verbs: Mapping[str, str]) -> str:
    """A heading, and a line for each verb."""
    return "\n".join([title, *(f"  {name:<15} {summary}" for name, summary in verbs.items()), ""])


def summaries(group: Group) -> dict[str, str]:
    return {name: summary(each) for name, each in sorted(group.verbs.items())}


def names(group: Group) -> dict[str, str]:
    """The verbs of a group; of those that are not imported yet, the names alone."""
    return {name: "" if isinstance(each, str) else summary(each) for name, each in group.verbs.items()}


def summary(verb: Verb | Group | str) -> str:
    """The first sentence."""
    found = member(verb) if isinstance(verb, str) else verb
    return _description(found).split("\n")[0].rstrip(".")


def _description(verb: Verb | Group) -> str:
    return f"{verb.summary if isinstance(verb, Group) else inspect.getdoc(verb) or ''}\n"


def _shown(options: Iterable[Option]) -> Sequence[Option]:
    return sorted((each for each in options if not each.flag.hidden), key=lambda each: each.flag.long)


def _option(option: Option) -> str:
    return f"    {option.flag.title}={_default(option)}:\n\t{option.flag.help}\n"


def _default(option: Option) -> str:
    value: Any = option.default
    if option.type is list:
        return f"[{','.join(value or ())}]"
    if option.type is float:
        return format_duration(value or 0.0)
    if option.type is str:
        return f"'{value or ''}'"
    return str(value or 0 if option.type is int else bool(value)).lower()


def _usage(found: Found, shape: Signature) -> str:
    if isinstance(found.verb, Group):
        return "[flags] [options]" if found.function else "SUBCOMMAND [options]"
    words = [argument.usage for argument in shape.arguments if argument.usage]
    words += ["-- [COMMAND] [args...]"] * bool(shape.command)
    return " ".join([*words, "[options]"])
