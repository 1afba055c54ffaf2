"""docs/reference says what the code says."""

from __future__ import annotations

import pytest

from docs import generate


@pytest.mark.parametrize("name", generate.PAGES)
def test_a_page_is_what_make_docs_writes(name: str) -> None:
    path = generate.FOLDER / name
    assert path.exists(), "run: make docs"
    assert path.read_text() == generate.PAGES[name](), f"{name} is stale; run: make docs"


def test_no_page_is_left_that_nobody_writes() -> None:
    assert {path.name for path in generate.FOLDER.iterdir()} == set(generate.PAGES)
