"""A shell of five words, so that hollow containers can play what their command says. Pure.

Understands `sleep`, `echo`, `true`, `false`, `exit`, `cat` and `sh -c` with `;`, `&&` and `>&2`; any other
command just runs for ever (as a container) or succeeds at once (as an exec).
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass

STDOUT, STDERR = 1, 2
_SHELLS = {"sh", "ash", "bash"}


@dataclass(frozen=True, slots=True)
class Sleep:
    seconds: float


@dataclass(frozen=True, slots=True)
class Print:
    stream: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Cat:
    """Gives back its stdin until that is closed."""


@dataclass(frozen=True, slots=True)
class Exit:
    code: int


Step = Sleep | Print | Cat | Exit


def parse_command(words: Sequence[str]) -> tuple[Step, ...] | None:
    """The steps of a command that ends with an Exit, or None if it says nothing to us."""
    if len(words) >= 3 and _name(words[0]) in _SHELLS and words[1] == "-c":
        return _parse_script(words[2])
    steps = _parse_simple(list(words))
    return None if steps is None else (*steps, Exit(_exit_code(steps)))


def _parse_script(text: str) -> tuple[Step, ...] | None:
    try:
        lexer = shlex.shlex(text, posix=True, punctuation_chars=";&|<>()")
        lexer.whitespace_split = True
        tokens = list(lexer)
    except ValueError:
        return None
    done: list[Step] = []
    for statement in _statements(tokens):
        steps = _parse_simple(statement)
        if steps is None:
            return None
        done.extend(steps)
        if steps and isinstance(steps[-1], Exit) and statement[0] == "exit":
            return tuple(done)
    return (*[each for each in done if not isinstance(each, Exit)], Exit(_exit_code(tuple(done))))


def _statements(tokens: Sequence[str]) -> list[list[str]]:
    statements: list[list[str]] = [[]]
    for token in tokens:
        if token in (";", "&&"):
            statements.append([])
        else:
            statements[-1].append(token)
    return [each for each in statements if each]


def _parse_simple(words: list[str]) -> tuple[Step, ...] | None:
    stream = STDOUT
    if words[-2:] == [">&", "2"]:
        words, stream = words[:-2], STDERR
    match [_name(words[0]), *words[1:]] if words else []:
        case ["sleep", seconds] if seconds.replace(".", "", 1).isdigit():
            return (Sleep(float(seconds)),)
        case ["echo", *rest] if not _is_special(rest):
            return (Print(stream, " ".join(rest).encode() + b"\n"),)
        case ["true"] | ["exit"]:
            return (Exit(0),)
        case ["false"]:
            return (Exit(1),)
        case ["exit", code] if code.isdigit():
            return (Exit(int(code) & 0xFF),)
        case ["cat"]:
            return (Cat(),)
    return None


def _is_special(words: Sequence[str]) -> bool:
    return any(each in {"|", "||", "&", ">", ">>", "<", "(", ")"} or "$" in each for each in words)


def _exit_code(steps: tuple[Step, ...]) -> int:
    last = steps[-1] if steps else None
    return last.code if isinstance(last, Exit) else 0


def _name(word: str) -> str:
    return word.rpartition("/")[2]
