"""Values as Go's formatting shows them."""

from __future__ import annotations

import pytest

from apimachinery.errors import NotFoundError
from apimachinery.go_values import go_quoted


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("web-1", '"web-1"'),
        ('a"b', r'"a\"b"'),
        ("a\\b\nc\td", r'"a\\b\nc\td"'),
        ("a\0b\x7f", r'"a\x00b\x7f"'),
        ("é😀", '"é😀"'),
        ("\u200b\U000e0001", r'"\u200b\U000e0001"'),
    ],
)
def test_a_text_is_quoted_as_go_quotes_it(text: str, shown: str) -> None:
    assert go_quoted(text) == shown
    assert NotFoundError("pods", text).message == f"pods {shown} not found"
