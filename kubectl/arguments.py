"""What typer must be told about kubectl's way with flags: pure functions from words to words.

kubectl takes its global flags before or after the verb, writes booleans as `--wait=false`, and has flags
whose value may only follow an equals sign (`--dry-run`, `--cascade`). Source: spf13/pflag, NoOptDefVal.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

_GLOBAL_NAMES = {
    "--kubeconfig": "kubeconfig",
    "--context": "context",
    "--namespace": "namespace",
    "-n": "namespace",
    "--server": "server",
    "--user": "user",
    "--as": "impersonate",
    "--as-group": "impersonate_group",
    "--token": "token",
    "--cluster": "cluster",
    "--certificate-authority": "certificate_authority",
    "--v": "verbosity",
    "-v": "verbosity",
    "--request-timeout": "request_timeout",
    "--cache-dir": "cache_dir",
}

OPTIONAL_VALUES = {"--dry-run": "unchanged", "--cascade": "background", "--validate": "strict"}
"""Flags that stand alone or with `=value`, and what standing alone means."""

TRUE, FALSE = ("true", "t", "1", "True", "TRUE"), ("false", "f", "0", "False", "FALSE")


@dataclass(frozen=True, slots=True)
class Globals:
    """The flags that every verb has."""

    kubeconfig: str = ""
    context: str = ""
    namespace: str = ""
    server: str = ""
    user: str = ""
    impersonate: str = ""
    impersonate_group: str = ""
    token: str = ""
    cluster: str = ""
    certificate_authority: str = ""
    verbosity: str = "0"
    insecure: bool = False
    request_timeout: str = "0"
    cache_dir: str = ""


class UsageError(Exception):
    """The command line makes no sense; the message is kubectl's."""

    def __init__(self, message: str, verb: str = "") -> None:
        super().__init__(message)
        self.verb = verb


def split_globals(words: Sequence[str]) -> tuple[Globals, list[str]]:
    """Takes the global flags out, wherever they stand before `--`. Raises UsageError."""
    found: dict[str, Any] = {}
    rest: list[str] = []
    queue = list(words)
    while queue:
        word = queue.pop(0)
        if word == "--":
            rest += [word, *queue]
            break
        name, equals, value = word.partition("=")
        if name == "--insecure-skip-tls-verify":
            found["insecure"] = value not in FALSE
        elif name in _GLOBAL_NAMES:
            if not equals:
                if not queue:
                    raise UsageError(f"flag needs an argument: {name}")
                value = queue.pop(0)
            found[_GLOBAL_NAMES[name]] = value
        elif _is_short_namespace(word):
            found["namespace"] = word[2:].removeprefix("=")
        else:
            rest.append(word)
    return replace(Globals(), **found), rest


def _is_short_namespace(word: str) -> bool:
    """`-nfoo`, but not `-now` of a single-dash typo: kubectl reads both as a namespace, and so do we."""
    return word.startswith("-n") and len(word) > 2


def normalise(words: Iterable[str], booleans: Mapping[str, str]) -> list[str]:
    """Rewrites `--flag=true|false` to `--flag` or its opposite, and fills in optional values.

    `booleans` maps each boolean flag to the flag that turns it off, or to "" where there is none.
    """
    result: list[str] = []
    queue = list(words)
    while queue:
        word = queue.pop(0)
        if word == "--":
            return [*result, word, *queue]
        name, equals, value = word.partition("=")
        if word in OPTIONAL_VALUES and word not in booleans:
            result.append(f"{word}={OPTIONAL_VALUES[word]}")
        elif equals and name in booleans:
            result += _boolean(name, value, booleans[name])
        else:
            result.append(word)
    return result


def _boolean(name: str, value: str, opposite: str) -> list[str]:
    if value in TRUE:
        return [name]
    if value in FALSE:
        return [opposite] if opposite else []
    raise UsageError(
        f'invalid argument "{value}" for "{name}" flag: strconv.ParseBool: parsing "{value}": invalid syntax'
    )
