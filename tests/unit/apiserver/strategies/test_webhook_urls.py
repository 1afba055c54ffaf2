"""URLs of webhooks."""

from __future__ import annotations

import pytest

from apimachinery.field import Path
from apiserver.registry.strategies.webhooks import validate_url

WRONG = "url: Required value: url must be a valid URL: "
FORM = "; desired format: https://host[/path]"


@pytest.mark.parametrize(
    ("url", "errors"),
    [
        ("https://a/b", []),
        ("https://::", []),
        ("https://[::1", [f"{WRONG}parse \"https://[::1\": missing ']' in host{FORM}"]),
        ("https://a:b", [f'{WRONG}parse "https://a:b": invalid port ":b" after host{FORM}']),
        ("https:///x", [f'url: Invalid value: "": host must be specified{FORM}']),
        (
            "http://u:p@a?b#c",
            [
                f"url: Invalid value: \"http\": 'https' is the only allowed URL scheme{FORM}",
                'url: Invalid value: "u:p": user information is not permitted in the URL',
                'url: Invalid value: "c": fragments are not permitted in the URL',
                'url: Invalid value: "b": query parameters are not permitted in the URL',
            ],
        ),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_url(url: str, errors: list[str]) -> None:
    assert [str(each) for each in validate_url(url, Path("url"))] == errors
