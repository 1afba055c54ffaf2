"""What controllers of one file count."""

from __future__ import annotations

from contextlib import suppress

import pytest

from apimachinery.errors import StatusError
from controller_manager.metrics import counted_publication
from tests.unit.counting import Counting


@pytest.mark.parametrize(
    ("raised", "code"), [(None, "200"), (StatusError("no", code=403), "403"), (ConnectionError(), "500")]
)
def test_looks_at_namespaces_are_counted_by_what_came_of_them(raised: Exception | None, code: str) -> None:
    counting = Counting()
    with suppress(StatusError, ConnectionError), counted_publication():
        if raised is not None:
            raise raised
    for series in ("total", "duration_seconds_count"):
        assert counting.more(f"root_ca_cert_publisher_sync_{series}", code=code) == 1
