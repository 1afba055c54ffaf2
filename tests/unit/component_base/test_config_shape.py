"""What Go's decoder says of configurations that do not fit, as kube-scheduler 1.34 says it."""

from __future__ import annotations

from typing import Any

import pytest

from component_base.config_shape import (
    decoded,
    from_base64,
    kind_problem,
    misfit,
    misfit_as_written,
    unknown_fields,
)
from scheduler.config_shape import CONFIGURATION
from tests.unit.wrong_types import misshapen

FIELD = "Go struct field"


@pytest.mark.parametrize(
    ("document", "message"),
    [
        pytest.param({}, "", id="nothing"),
        pytest.param({"profiles": None, "extenders": [None]}, "", id="null is nothing"),
        pytest.param({"parallelism": 2.0, "clientConnection": {"qps": 5}}, "", id="numbers"),
        pytest.param(
            {"profiles": {"a": "b"}},
            f"object into {FIELD} KubeSchedulerConfiguration.profiles of type []v1.KubeSchedulerProfile",
            id="an object for a list",
        ),
        pytest.param(
            {"profiles": ["a"]},
            f"string into {FIELD} KubeSchedulerConfiguration.profiles of type v1.KubeSchedulerProfile",
            id="an item",
        ),
        pytest.param(
            {"parallelism": 1.5},
            f"number 1.5 into {FIELD} KubeSchedulerConfiguration.parallelism of type int32",
            id="a fraction",
        ),
        pytest.param(
            {"parallelism": 99999999999},
            f"number 99999999999 into {FIELD} KubeSchedulerConfiguration.parallelism of type int32",
            id="a number that is too large",
        ),
        pytest.param(
            {"parallelism": float("inf")},
            f"number inf into {FIELD} KubeSchedulerConfiguration.parallelism of type int32",
            id="no number at all",
        ),
        pytest.param(
            {"leaderElection": {"leaseDuration": 5}},
            f"number into {FIELD} LeaderElectionConfiguration.leaderElection.leaseDuration of type string",
            id="a duration without a unit",
        ),
        pytest.param(
            {"leaderElection": {"leaseDuration": "xx"}}, 'time: invalid duration "xx"', id="no duration"
        ),
        pytest.param(
            {"extenders": [{"tlsConfig": {"caData": 5}}]},
            f"number into {FIELD} ExtenderTLSConfig.extenders.tlsConfig.caData of type []uint8",
            id="bytes",
        ),
        pytest.param(
            {"extenders": [{"tlsConfig": {"caData": "&&"}}]},
            "illegal base64 data at input byte 0",
            id="no base64",
        ),
        pytest.param(
            {"profiles": [{"plugins": {"filter": {"enabled": ["a"]}}}]},
            f"string into {FIELD} PluginSet.profiles.plugins.filter.enabled of type v1.Plugin",
            id="far below",
        ),
        pytest.param(
            {"profiles": 5, "nope": 1, "extenders": "x"},
            f"string into {FIELD} KubeSchedulerConfiguration.extenders of type []v1.Extender",
            id="the first by name",
        ),
    ],
)
def test_the_first_misfit_is_told(document: Any, message: str) -> None:
    unmarshal = "json: cannot unmarshal " if " into " in message else ""
    assert misfit(document, CONFIGURATION) == unmarshal + message


def test_of_json_the_first_is_the_first_as_written() -> None:
    document = {"profiles": 5, "extenders": "x"}
    field = f"{FIELD} KubeSchedulerConfiguration.profiles"
    expected = f"json: cannot unmarshal number into {field} of type []v1.KubeSchedulerProfile"
    assert misfit_as_written(document, CONFIGURATION) == expected


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("!!", 0), ("YQ", 0), ("YQ=", 3), ("Y", 0), ("YQ=a", 2), ("YQ=\na", 3), ("Y\nQ", 1), ("====", 0),
        ("Y===", 1), ("YWJj=", 4), ("YWJjZ", 4), ("YQ===", 4), ("YQ==YQ==", 4), ("YWI=\n\nx", 6),
    ],
)  # fmt: skip
def test_base64_stops_where_gos_decoder_does(text: str, place: int) -> None:
    with pytest.raises(ValueError, match=f"^illegal base64 data at input byte {place}$"):
        from_base64(text)


def test_base64_may_have_broken_lines() -> None:
    assert from_base64("Y\nQ=\r\n=\n") == b"a"


def test_unknown_fields_are_told_in_the_order_of_their_names() -> None:
    document = {"nope": 1, "profiles": [{"foo": 1}], "leaderElection": {"foo": 1, "bar": 2}}
    found = list(unknown_fields(document, CONFIGURATION))
    assert found == ["leaderElection.bar", "leaderElection.foo", "nope", "profiles[0].foo"]


def test_what_is_null_was_not_given() -> None:
    document = {"parallelism": 2.0, "extenders": [None], "leaderElection": {"leaderElect": None}}
    assert decoded(document, CONFIGURATION) == {"parallelism": 2, "extenders": [{}], "leaderElection": {}}


def test_what_fits_has_the_types_of_its_shape() -> None:
    fitting = [each for each in misshapen(CONFIGURATION) if not misfit(each, CONFIGURATION)]
    assert fitting
    for each in fitting:
        assert misfit(decoded(each, CONFIGURATION), CONFIGURATION) == ""


PARSE = "couldn't get version/kind; json parse error: json: cannot unmarshal"
STRUCT = (
    r'struct { APIVersion string "json:\"apiVersion,omitempty\""; Kind string "json:\"kind,omitempty\"" }'
)


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ({"apiVersion": "a/v1", "kind": "A"}, ""),
        ({"apiVersion": "v1", "kind": "Old"}, ""),
        ({"apiVersion": "a/b/v1", "kind": "A"}, "unexpected GroupVersion string: a/b/v1"),
        ({"apiVersion": "a/v1", "kind": "B"}, 'no kind "B" is registered for version "a/v1"'),
        ({"kind": "A"}, "Object 'apiVersion' is missing"),
        ({}, "Object 'Kind' is missing"),
        (None, "Object 'Kind' is missing"),
        (["A"], f"{PARSE} array into Go value of type {STRUCT}"),
        ({"apiVersion": 5}, f"{PARSE} number into {FIELD} .apiVersion of type string"),
    ],
)
def test_another_kind_is_told(document: Any, message: str) -> None:
    assert kind_problem(document, "a/v1", "A", ("v1", "Old")) == message
