"""The commands in our pages and what they are to print: how a page is read, and what it must not do.

CONTRIBUTING.md has the convention. Pure: tests/e2e/test_docs.py runs what is found here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
ELSEWHERE = {"docs/labs": "tests/e2e/test_lab.py", "deploy/compose": "tests/e2e/test_compose.py"}
"""Folders whose pages have a test and a convention of their own."""
ROLES = ("", "soon", "aside", "stops")
SHOWN = ("text", "python", "yaml", "json")
"""What is to be read, not to be run."""
ANYTHING = "…"
_FENCE = re.compile(r"^(?P<indent>\s*)(?P<fence>```+|~~~+)(?P<info>.*)$")
_HEADING = re.compile(r"^#+ ")


@dataclass(frozen=True)
class Block:
    """A fenced block. `section` counts the headings before it, `line` is that of its fence."""

    language: str
    role: str
    text: str
    section: int
    line: int


@dataclass(frozen=True)
class Step:
    """Commands to paste and what they print, if the page says so."""

    block: Block
    answer: Block | None


class PageError(ValueError):
    """A page that cannot be read; the message begins with the line."""


def pages() -> list[Path]:
    """Every page a person may paste commands from."""
    return sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "deploy").rglob("*.md")])


def has_own_test(page: Path) -> bool:
    return any(page.is_relative_to(ROOT / folder) for folder in ELSEWHERE)


def blocks(page: str) -> list[Block]:
    """Raises PageError."""
    found: list[Block] = []
    section, start, fence, info, lines = 0, 0, "", "", list[str]()
    for number, line in enumerate(page.splitlines(), 1):
        match = _FENCE.match(line)
        if start:
            if match and match["fence"] == fence and not match["info"]:
                language, _, role = info.partition(" ")
                found.append(Block(language, role, "".join(f"{each}\n" for each in lines), section, start))
                start, lines = 0, []
            else:
                lines.append(line)
        elif match:
            if match["indent"] or match["fence"] != "```":
                raise PageError(f"{number}: a block begins with ``` at the margin")
            start, fence, info = number, match["fence"], match["info"].strip()
        elif _HEADING.match(line):
            section += 1
    if start:
        raise PageError(f"{start}: this block does not end")
    return found


def steps(found: list[Block]) -> list[Step]:
    """What is to be run here. A text belongs to the last commands of its section that have none yet."""
    result: list[Step] = []
    for each in found:
        if each.language == "sh" and each.role in ROLES:
            result.append(Step(each, None))
        elif each.language == "text" and (index := _asked(result, each)) is not None:
            result[index] = Step(result[index].block, each)
    return result


def _asked(result: list[Step], answer: Block) -> int | None:
    if answer.role == "aside":
        return max((i for i, step in enumerate(result) if step.block.role == "aside"), default=None)
    last = len(result) - 1
    if last < 0 or result[last].answer or result[last].block.section != answer.section:
        return None
    return last


def complaints(page: str) -> Iterator[str]:
    """What of a page would escape the tests, each with its line."""
    try:
        found = blocks(page)
    except PageError as error:
        yield str(error)
        return
    asides = False
    for each in found:
        asides |= (each.language, each.role) == ("sh", "aside")
        if problem := _problem(each, asides):
            yield f"{each.line}: {problem}"


def _problem(block: Block, asides: bool) -> str:
    if block.language == "sh":
        kind, is_elsewhere, path = block.role.partition("elsewhere=")
        if is_elsewhere and not kind:
            return "" if (ROOT / path).is_file() else f"{path} is not there to run this"
        if block.role not in ROLES:
            return f'"{block.role}" is no role of commands'
        return f"{ANYTHING} is to be filled in, so this cannot be run" if ANYTHING in block.text else ""
    if block.language not in SHOWN:
        return f'"{block.language}" is neither sh nor one of {", ".join(SHOWN)}'
    if block.role == "aside" and block.language == "text":
        return "" if asides else "nothing runs aside yet"
    return f'"{block.role}" is no role of what is only shown' if block.role else ""


def is_answer(answer: str, printed: str) -> bool:
    """Whether something was printed as the page says.

    Blanks count as one, `…` is anything within a line, and a line of it any lines.
    """
    pattern = "".join(map(_line_pattern, _lines(answer)))
    return re.fullmatch(pattern, "".join(f"{line}\n" for line in _lines(printed))) is not None


def _line_pattern(line: str) -> str:
    return r"(?:.*\n)*" if line == ANYTHING else re.escape(line).replace(ANYTHING, ".*") + r"\n"


def _lines(text: str) -> list[str]:
    return [" ".join(line.split()) for line in text.strip().splitlines()]
