"""What may come next on a command line: verbs, flags, and what usage calls TYPE, POD, NODE and so on.

Pure: `wanted` says what is to be found, `kubectl.verbs.completion` finds it.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from itertools import pairwise
from typing import NamedTuple

from kubectl import help
from kubectl.arguments import Option, UsageError, index, parse, takes_next_word
from kubectl.commands import Found, Group, Signature, find, global_options, signature


class Kind(StrEnum):
    """Of things that only the server or the kubeconfig knows."""

    NOTHING = ""
    TYPES = "types"
    NAMES = "names"
    NAMESPACES = "namespaces"
    CONTAINERS = "containers"
    CONTEXTS = "contexts"
    CLUSTERS = "clusters"
    USERS = "users"


class Wanted(NamedTuple):
    """Candidates that are known with what they are for, and the kind of those to be looked up.

    `type` is that of names, `pod` the one whose containers are meant; `prefix` goes before what is found.
    """

    known: tuple[tuple[str, str], ...] = ()
    kind: Kind = Kind.NOTHING
    type: str = ""
    prefix: str = ""
    pod: str = ""


_FORMATS = (
    "custom-columns", "custom-columns-file", "go-template", "go-template-file", "json", "jsonpath",
    "jsonpath-as-json", "jsonpath-file", "name", "template", "templatefile", "wide", "yaml",
)  # fmt: skip
_VALUES = {
    "--output": _FORMATS,
    "--dry-run": ("none", "client", "server"),
    "--cascade": ("background", "foreground", "orphan"),
    "--validate": ("strict", "warn", "ignore"),
    "--type": ("json", "merge", "strategic"),
    "--restart": ("Always", "OnFailure", "Never"),
}
_KINDS = {
    "--namespace": Kind.NAMESPACES,
    "--context": Kind.CONTEXTS,
    "--cluster": Kind.CLUSTERS,
    "--user": Kind.USERS,
    "--container": Kind.CONTAINERS,
}
_ROLLING = ("daemonset", "deployment", "statefulset")
_WITH_PODS = ("daemonset", "deployment", "job", "pod", "replicaset", "service", "statefulset")


def given_globals(words: Sequence[str]) -> list[str]:
    """The global flags among the words with their values: whom to ask, and about which namespace."""
    by_name = index(global_options())
    found: list[str] = []
    for word, following in pairwise(words):
        if word.partition("=")[0] in by_name:
            found += [word, following] if takes_next_word(word, by_name) else [word]
    return found


def wanted(root: Group, words: Sequence[str]) -> Wanted:
    """For a command line whose last word, perhaps empty, is not finished yet."""
    *before, last = words or [""]
    found = find(root, before, global_options())
    shape = signature(found.function) if found.function else Signature()
    options = [*global_options(), *shape.options]
    by_name = index(options)
    if last.startswith("-"):
        flag, equals, _ = last.partition("=")
        if not equals:
            return Wanted(tuple(_flags(options)))
        return _value(by_name.get(flag), found)._replace(prefix=f"{flag}=")
    if (
        before
        and before[-1].startswith("-")
        and before[-1] in by_name
        and takes_next_word(before[-1], by_name)
    ):
        return _value(by_name[before[-1]], found)
    try:
        arguments = parse(found.words, options).words
    except UsageError:
        return Wanted()
    if isinstance(found.verb, Group) and not arguments:
        return Wanted(tuple(help.names(found.verb).items()))
    return _argument(found, shape, arguments, last)


def _flags(options: Sequence[Option]) -> list[tuple[str, str]]:
    return [(each.flag.long, each.flag.help) for each in options if not each.flag.hidden]


def _value(option: Option | None, found: Found) -> Wanted:
    if option is None:
        return Wanted()
    name = option.flag.long
    words = [each for each in found.words if not each.startswith("-")]
    pod = words[0] if words else ""
    return Wanted(
        tuple((each, "") for each in _VALUES.get(name, ())), _KINDS.get(name, Kind.NOTHING), pod=pod
    )


def _argument(found: Found, shape: Signature, before: Sequence[str], last: str) -> Wanted:
    usage = shape.arguments[0].usage if shape.arguments else ""
    if "CONTEXT_NAME" in usage and not before:
        return Wanted(kind=Kind.CONTEXTS)
    if "NODE" in usage and "TYPE" not in usage and found.path[0] != "taint":
        return Wanted(kind=Kind.NAMES, type="nodes")
    if "TYPE" not in usage:
        return Wanted()
    type_, slash, _ = last.partition("/")
    if slash:
        return Wanted(kind=Kind.NAMES, type=type_, prefix=f"{type_}/")
    if "POD" in usage or found.path[0] == "port-forward":
        return _pods(before)
    if before and "/" not in before[0]:
        return Wanted(kind=Kind.NAMES, type=before[0])
    if found.path[0] == "rollout":
        return Wanted(tuple((each, "") for each in _ROLLING))
    return Wanted(kind=Kind.TYPES)


def _pods(before: Sequence[str]) -> Wanted:
    """A pod, or the type of what has pods."""
    if before:
        return Wanted()
    return Wanted(tuple((f"{each}/", "") for each in _WITH_PODS), Kind.NAMES, type="pods")
