"""Which metrics are told, and what their labels may say."""

from __future__ import annotations

from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from component_base.config_file import read_document
from component_base.flags import CommonOptions, parse
from component_base.metric_filters import filters_of, metrics_problem
from component_base.metrics import Exposition

PREVIOUS_ONLY = (
    "--show-hidden-metrics-for-version must be omitted or have the value '1.33'. Only the previous minor "
    "version is allowed"
)
PAIRS_ONLY = (
    "--allow-metric-labels must have a list of kv pair with format `metricName,labelName=labelValue, "
    "labelValue,...`"
)


def options(*flags: str) -> CommonOptions:
    return parse(CommonOptions, flags, prog="test")


def told(*flags: str) -> dict[str, float]:
    """What is told of a few metrics, a series a line."""
    registry = CollectorRegistry()
    requests = Counter("requests_total", "Requests.", ["verb", "code"], registry=registry)
    for verb in ("get", "list", "watch"):
        requests.labels(verb, "200").inc(2)
    seconds = Histogram("seconds", "Took.", ["verb"], buckets=[1], registry=registry)
    seconds.labels("get").observe(0.5)
    seconds.labels("list").observe(2)
    seats = Gauge("apiserver_flowcontrol_nominal_limit_seats", "Seats.", registry=registry)
    seats.set(7)
    exposition = Exposition()
    exposition.restrict(filters_of(options(*flags), read_document))
    lines = [line for line in exposition.text(registry).decode().splitlines() if not line.startswith("#")]
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines)}


ALL = {
    'requests_total{code="200",verb="get"}': 2.0,
    'requests_total{code="200",verb="list"}': 2.0,
    'requests_total{code="200",verb="watch"}': 2.0,
    'seconds_bucket{le="1.0",verb="get"}': 1.0,
    'seconds_bucket{le="+Inf",verb="get"}': 1.0,
    'seconds_count{verb="get"}': 1.0,
    'seconds_sum{verb="get"}': 0.5,
    'seconds_bucket{le="1.0",verb="list"}': 0.0,
    'seconds_bucket{le="+Inf",verb="list"}': 1.0,
    'seconds_count{verb="list"}': 1.0,
    'seconds_sum{verb="list"}': 2.0,
    "apiserver_flowcontrol_nominal_limit_seats": 7.0,
}
ONLY_GET = {
    'requests_total{code="200",verb="get"}': 2.0,
    'requests_total{code="200",verb="unexpected"}': 4.0,
}


def but(*prefixes: str) -> dict[str, float]:
    return {name: value for name, value in ALL.items() if not name.startswith(prefixes)}


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        pytest.param((), ALL, id="all of them"),
        pytest.param(("--disabled-metrics=requests_total,none",), but("requests_total"), id="disabled"),
        pytest.param(("--disabled-metrics=requests",), ALL, id="by the whole name"),
        pytest.param(
            ("--allow-metric-labels=requests_total,verb=get",),
            but("requests_total") | ONLY_GET,
            id="one value",
        ),
        pytest.param(
            (
                "--allow-metric-labels=requests_total,verb=get,list,watch",
                "--allow-metric-labels=other,verb=x",
            ),
            ALL,
            id="several values, and several flags",
        ),
        pytest.param(
            ('--allow-metric-labels="requests_total,verb=get","requests_total,code=200"',),
            but("requests_total") | ONLY_GET,
            id="several labels in one flag",
        ),
        pytest.param(
            ("--allow-metric-labels=seconds,verb=none",),
            but("seconds")
            | {
                'seconds_bucket{le="1.0",verb="unexpected"}': 1.0,
                'seconds_bucket{le="+Inf",verb="unexpected"}': 2.0,
                'seconds_count{verb="unexpected"}': 2.0,
                'seconds_sum{verb="unexpected"}': 2.5,
            },
            id="a histogram is added up",
        ),
        pytest.param(
            ("--show-hidden-metrics-for-version=1.33",),
            ALL | {"apiserver_flowcontrol_request_concurrency_limit": 7.0},
            id="what is hidden",
        ),
        pytest.param(
            (
                "--show-hidden-metrics-for-version=1.33",
                "--disabled-metrics=apiserver_flowcontrol_request_concurrency_limit",
            ),
            ALL,
            id="disabled goes before hidden",
        ),
    ],
)
def test_what_is_told(flags: tuple[str, ...], expected: dict[str, float]) -> None:
    assert told(*flags) == expected


def test_a_manifest_counts_where_no_flag_tells_of_labels(tmp_path: Path) -> None:
    manifest = tmp_path / "labels.yaml"
    manifest.write_text('"requests_total,verb": get\n')
    from_file = f"--allow-metric-labels-manifest={manifest}"
    assert told(from_file) == but("requests_total") | ONLY_GET
    assert told(from_file, "--allow-metric-labels=other,verb=x") == ALL


@pytest.mark.parametrize(
    ("flags", "problem"),
    [
        ((), ""),
        (("--show-hidden-metrics-for-version=1.33",), ""),
        (("--show-hidden-metrics-for-version=1.32",), PREVIOUS_ONLY),
        (("--allow-metric-labels=verb=get",), PAIRS_ONLY),
        (("--allow-metric-labels=a,b,c=get",), PAIRS_ONLY),
        (
            ("--show-hidden-metrics-for-version=x", "--allow-metric-labels=verb=get"),
            f"[{PREVIOUS_ONLY}, {PAIRS_ONLY}]",
        ),
    ],
)
def test_what_is_wrong(flags: tuple[str, ...], problem: str) -> None:
    assert metrics_problem(options(*flags)) == problem


def test_what_is_no_pair_is_said_at_once(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        options("--allow-metric-labels=verb")
    assert "verb must be formatted as key=value" in capsys.readouterr().err
