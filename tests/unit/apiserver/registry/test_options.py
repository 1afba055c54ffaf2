"""Options of requests: what is understood, what is refused, in which words."""

from __future__ import annotations

from typing import Any

import pytest

from apimachinery.errors import BadRequestError, InvalidError, StatusError
from apiserver.registry.options import (
    DeleteOptions,
    WriteOptions,
    parse_delete_options,
    parse_list_options,
    parse_write_options,
)


def query(**values: str) -> dict[str, list[str]]:
    return {name: [value] for name, value in values.items()}


@pytest.mark.parametrize(
    ("given", "message"),
    [
        pytest.param(
            {"resourceVersionMatch": "Exact"},
            "resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden unless resourceVersion "
            "is provided",
            id="match without a version",
        ),
        pytest.param(
            {"resourceVersionMatch": "Exact", "resourceVersion": "0"},
            'resourceVersionMatch: Forbidden: resourceVersionMatch "exact" is forbidden for '
            'resourceVersion "0"',
            id="exactly whatever",
        ),
        pytest.param(
            {"resourceVersionMatch": "Never", "resourceVersion": "5"},
            'resourceVersionMatch: Unsupported value: "Never": supported values: "Exact", "NotOlderThan", ""',
            id="unknown match",
        ),
        pytest.param(
            {"sendInitialEvents": "true"},
            "sendInitialEvents: Forbidden: sendInitialEvents is forbidden for list",
            id="initial events of a list",
        ),
    ],
)
def test_lists_refuse(given: dict[str, str], message: str) -> None:
    with pytest.raises(InvalidError) as caught:
        parse_list_options(query(**given), watch=False)
    assert caught.value.message == f'ListOptions.meta.k8s.io "" is invalid: {message}'


@pytest.mark.parametrize(
    ("given", "message"),
    [
        pytest.param(
            {"sendInitialEvents": "true"},
            "resourceVersionMatch: Forbidden: sendInitialEvents requires setting resourceVersionMatch "
            "to NotOlderThan",
            id="initial events without a match",
        ),
        pytest.param(
            {"resourceVersionMatch": "NotOlderThan"},
            "resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden for watch "
            "unless sendInitialEvents is provided",
            id="match without initial events",
        ),
        pytest.param(
            {"continue": "x"},
            "resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden when continue is provided",
            id="a token, and no revision to begin with",
        ),
    ],
)
def test_watches_refuse(given: dict[str, str], message: str) -> None:
    with pytest.raises(InvalidError) as caught:
        parse_list_options(query(**given), watch=True)
    assert caught.value.message == f'ListOptions.meta.k8s.io "" is invalid: {message}'


@pytest.mark.parametrize("text", ["abc", ""])
@pytest.mark.parametrize("name", ["limit", "timeoutSeconds"])
def test_numbers_must_be_numbers(name: str, text: str) -> None:
    with pytest.raises(BadRequestError, match=rf'strconv\.ParseInt: parsing "{text}": invalid syntax'):
        parse_list_options(query(**{name: text}), watch=True)


@pytest.mark.parametrize(
    "selector", [{"labelSelector": "==="}, {"fieldSelector": "a"}], ids=["label", "field"]
)
def test_selectors_must_parse(selector: dict[str, str]) -> None:
    with pytest.raises(BadRequestError):
        parse_list_options(query(**selector), watch=False)


def test_write_options_are_read() -> None:
    assert parse_write_options(
        query(dryRun="All", fieldManager="me", fieldValidation="Strict"), "CreateOptions"
    ) == (WriteOptions(dry_run=True, field_manager="me", field_validation="Strict"))
    assert parse_write_options({}, "CreateOptions") == WriteOptions()
    assert parse_write_options({"dryRun": ["All", "All"]}, "CreateOptions").dry_run


@pytest.mark.parametrize(
    "given",
    [{"dryRun": "Maybe"}, {"fieldManager": "m" * 129}, {"fieldManager": "a\x07"}, {"fieldValidation": "Odd"}],
    ids=["dry run", "long manager", "unprintable manager", "validation"],
)
def test_bad_write_options_are_refused(given: dict[str, str]) -> None:
    with pytest.raises(InvalidError, match=r'^PatchOptions.meta.k8s.io "" is invalid'):
        parse_write_options(query(**given), "PatchOptions")


@pytest.mark.parametrize(
    ("given", "body", "expected"),
    [
        pytest.param({}, None, DeleteOptions(), id="nothing"),
        pytest.param({"gracePeriodSeconds": "5"}, None, DeleteOptions(grace_period=5), id="query"),
        pytest.param({"gracePeriodSeconds": "-5"}, None, DeleteOptions(grace_period=1), id="negative grace"),
        pytest.param(
            {"orphanDependents": "false"}, None, DeleteOptions(orphan_dependents=False), id="orphan"
        ),
        pytest.param(
            {"gracePeriodSeconds": "5"},
            {"preconditions": {"uid": "u"}, "propagationPolicy": "Orphan", "dryRun": ["All"]},
            DeleteOptions(uid="u", propagation_policy="Orphan", dry_run=True),
            id="the body wins",
        ),
    ],
)
def test_delete_options(given: dict[str, str], body: Any, expected: DeleteOptions) -> None:
    assert parse_delete_options(query(**given), body) == expected


@pytest.mark.parametrize(
    "body",
    [{"propagationPolicy": "Sideways"}, {"propagationPolicy": "Orphan", "orphanDependents": True}],
    ids=["unknown policy", "both"],
)
def test_bad_delete_options_are_refused(body: Any) -> None:
    with pytest.raises(StatusError) as caught:
        parse_delete_options({}, body)
    assert caught.value.code == 422
