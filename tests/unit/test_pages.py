"""Our pages: every command in them is one that a test runs, every link leads somewhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.pages import (
    ELSEWHERE,
    ROOT,
    Block,
    Step,
    blocks,
    complaints,
    has_own_test,
    is_answer,
    pages,
    steps,
)

_SOURCE = re.compile(r"\[`([\w.]+)`\]\(([^)]+\.py)\)")
_LINK = re.compile(r"\[[^\]]*\]\((?!https?:)([^)#]+)[^)]*\)")


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_no_command_escapes_the_tests(page: Path) -> None:
    assert has_own_test(page) or list(complaints(page.read_text())) == []


@pytest.mark.parametrize("test", ELSEWHERE.values())
def test_pages_with_a_test_of_their_own_have_one(test: str) -> None:
    assert (ROOT / test).is_file()


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_somewhere(page: Path) -> None:
    assert [link for link in _LINK.findall(page.read_text()) if not (page.parent / link).exists()] == []


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_what_a_page_names_is_where_it_says(page: Path) -> None:
    assert [
        f"{name} in {path}"
        for name, path in _SOURCE.findall(page.read_text())
        if not re.search(rf"^\s*(async def|def|class) {name}\b", (page.parent / path).read_text(), re.M)
    ] == []


@pytest.mark.parametrize(
    ("page", "complaint"),
    [
        pytest.param("```sh\nls\n```", None, id="commands"),
        pytest.param("```sh soon\nls\n```", None, id="commands to repeat"),
        pytest.param("```sh elsewhere=Makefile\nls\n```", None, id="run by another test"),
        pytest.param("```sh aside\nls\n```\n```text aside\na\n```", None, id="in another terminal"),
        pytest.param("```text\na\n```", None, id="a picture"),
        pytest.param("```sh elsewhere=nobody\nls\n```", "1: nobody is not there to run this", id="by nobody"),
        pytest.param("a\n```sh later\nls\n```", '2: "later" is no role of commands', id="unknown role"),
        pytest.param(
            "```sh\nls …\n```", "1: … is to be filled in, so this cannot be run", id="not whole commands"
        ),
        pytest.param(
            "```bash\nls\n```", '1: "bash" is neither sh nor one of text, python, yaml, json', id="no sh"
        ),
        pytest.param("```\nls\n```", '1: "" is neither sh nor one of text, python, yaml, json', id="nothing"),
        pytest.param("- a\n  ```sh\n  ls\n  ```", "2: a block begins with ``` at the margin", id="indented"),
        pytest.param("~~~sh\nls\n~~~", "1: a block begins with ``` at the margin", id="tildes"),
        pytest.param("```sh\nls\n", "1: this block does not end", id="without an end"),
        pytest.param("```text aside\na\n```", "1: nothing runs aside yet", id="an answer from nowhere"),
        pytest.param("```yaml x\na\n```", '1: "x" is no role of what is only shown', id="a role of nothing"),
    ],
)
def test_what_would_escape_is_told(page: str, complaint: str | None) -> None:
    assert list(complaints(page)) == ([complaint] if complaint else [])


def test_a_text_answers_the_last_commands_of_its_section() -> None:
    page = """# One
```text
a picture
```
```sh
ls
```
It says:
```text
files
```
```text
another picture
```
# Two
```text
a third
```
"""
    assert steps(blocks(page)) == [
        Step(Block("sh", "", "ls\n", 1, 5), Block("text", "", "files\n", 1, 9)),
    ]


def test_what_runs_aside_is_answered_for_later() -> None:
    page = "```sh aside\nwatch\n```\n```sh\nls\n```\n# Two\n```text aside\nseen\n```\n"
    aside, other = steps(blocks(page))
    assert (aside.answer and aside.answer.text, other.answer) == ("seen\n", None)


@pytest.mark.parametrize(
    ("answer", "printed", "right"),
    [
        pytest.param("a\n", "a\n", True, id="the same"),
        pytest.param("a  b\n", "a    b  \n\n", True, id="other blanks"),
        pytest.param("pod/web-… created", "pod/web-x7 created\n", True, id="anything within a line"),
        pytest.param("a…", "a\nb\n", False, id="but not beyond it"),
        pytest.param("a\n…\nd", "a\nb\nc\nd\n", True, id="any lines"),
        pytest.param("a\n…\nd", "a\nd\n", True, id="or none"),
        pytest.param("a\n…", "b\na\n", False, id="more before"),
        pytest.param("a", "a\nb\n", False, id="more after"),
        pytest.param("a.c", "abc\n", False, id="no pattern"),
    ],
)
def test_answers_are_compared(answer: str, printed: str, right: bool) -> None:
    assert is_answer(answer, printed) is right
