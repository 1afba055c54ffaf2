"""Which old tokens in Secrets are marked, which deleted."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from apimachinery.legacy_tokens import INVALID_SINCE, LAST_USED
from apimachinery.objects import Object
from controller_manager.legacy_token_cleaner import Delete, Mark, plan

NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)
YEAR = timedelta(days=365)
LONG_AGO, YEAR_AGO = "2024-01-01", "2025-11-29"
ACCOUNT = {"metadata": {"name": "robot"}, "secrets": [{"name": "token"}]}


def secret(created: str = LONG_AGO, **labels: str) -> Object:
    names = {"used": LAST_USED, "invalid": INVALID_SINCE}
    metadata: dict[str, Any] = {
        "name": "token",
        "namespace": "ns",
        "creationTimestamp": f"{created}T00:00:00Z",
    }
    return {"metadata": {**metadata, "labels": {names[key]: value for key, value in labels.items()}}}


@pytest.mark.parametrize(
    ("made", "step"),
    [
        pytest.param(secret(), Mark, id="never used"),
        pytest.param(secret(used="2025-11-28"), Mark, id="used more than a year ago"),
        pytest.param(secret(used=YEAR_AGO), None, id="used a year ago"),
        pytest.param(secret(used="soon"), None, id="used nobody knows when"),
        pytest.param(secret(created="2025-11-30"), None, id="too young"),
        pytest.param(secret(invalid="2025-11-28"), Delete, id="marked more than a year ago"),
        pytest.param(secret(invalid=YEAR_AGO), None, id="marked a year ago"),
        pytest.param(secret(invalid="x"), Mark, id="marked by somebody else"),
    ],
)
def test_what_becomes_of_a_token(made: Object, step: Any) -> None:
    steps = list(look([made]))
    assert [type(each) for each in steps] == ([step] if step else [])
    if step is Mark:
        assert steps == [Mark(made, "2026-11-29")]


def look(
    secrets: list[Object],
    account: Object | None = ACCOUNT,
    mounted: set[str] | None = None,
    since: str = LONG_AGO,
) -> Any:
    began = datetime.fromisoformat(f"{since}T00:00:00+00:00")
    return plan(secrets, lambda _: account, lambda _: mounted or set(), now=NOW, since=began, period=YEAR)


def test_only_what_was_made_unasked_and_nobody_needs_is_looked_at() -> None:
    assert list(look([secret()], account=None)) == []
    assert list(look([secret()], account={"metadata": {"name": "robot"}})) == []
    assert list(look([secret()], mounted={"token"})) == []
    going = secret()
    going["metadata"]["deletionTimestamp"] = "2026-11-29T00:00:00Z"
    assert list(look([going])) == []


@pytest.mark.parametrize(("since", "count"), [("2025-11-28", 1), ("2025-11-29", 0)])
def test_nothing_happens_before_use_has_been_noted_for_long_enough(since: str, count: int) -> None:
    assert len(list(look([secret()], since=since))) == count
