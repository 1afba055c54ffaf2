"""Accept headers where there are no tables; those of lists and objects are with the verbs."""

from __future__ import annotations

import pytest

from apimachinery.errors import NotAcceptableError
from apiserver.handlers.negotiation import Negotiated, negotiate

TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io"


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        ("", Negotiated()),
        (f"{TABLE},application/yaml", Negotiated("yaml")),
        (TABLE, None),
    ],
)
def test_what_has_no_table_is_answered_otherwise_or_not_at_all(
    accept: str, expected: Negotiated | None
) -> None:
    if expected is None:
        with pytest.raises(NotAcceptableError):
            negotiate(accept, of_list=False, tables=False)
    else:
        assert negotiate(accept, of_list=False, tables=False) == expected
