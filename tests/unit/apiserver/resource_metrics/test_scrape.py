"""What is read from a kubelet's answer, and what lies between two of them."""

from __future__ import annotations

import pytest

from apiserver.resource_metrics.scrape import (
    Point,
    Scrape,
    Usage,
    node_usage,
    parse_scrape,
    pod_usage,
    usage_between,
)

TEXT = """\
# HELP container_cpu_usage_seconds_total [STABLE] Cumulative cpu time consumed by the container
# TYPE container_cpu_usage_seconds_total counter
container_cpu_usage_seconds_total{container="c",namespace="shop",pod="web"} 1.5 1633253812125
container_cpu_usage_seconds_total{container="new",namespace="shop",pod="half"} 0.5 1633253812125
# TYPE container_memory_working_set_bytes gauge
container_memory_working_set_bytes{container="c",namespace="shop",pod="web"} 4096 1633253812125
# TYPE container_start_time_seconds gauge
container_start_time_seconds{container="c",namespace="shop",pod="web"} 1.63325e+09
# TYPE node_cpu_usage_seconds_total counter
node_cpu_usage_seconds_total 357.35 1633253809000
# TYPE node_memory_working_set_bytes gauge
node_memory_working_set_bytes 1.616277504e+09 1633253809000
# TYPE pod_cpu_usage_seconds_total counter
pod_cpu_usage_seconds_total{namespace="shop",pod="web"} 9 1633253812125
# TYPE resource_scrape_error gauge
resource_scrape_error 0
"""


def test_the_node_and_the_pods_of_which_everything_is_told_are_read() -> None:
    seen = parse_scrape(TEXT, now=0.0)
    assert seen.node == Point(time=1633253809.0, cpu=357.35, memory=1616277504.0)
    point = Point(time=1633253812.125, cpu=1.5, memory=4096.0, start=1633250000.0)
    assert seen.pods == {("shop", "web"): {"c": point}}


def test_what_has_no_time_was_taken_now() -> None:
    text = "node_cpu_usage_seconds_total 1\nnode_memory_working_set_bytes 2\n"
    assert parse_scrape(text, now=7.0).node == Point(time=7.0, cpu=1.0, memory=2.0)


@pytest.mark.parametrize("text", ["", "# nothing\n", "node_cpu_usage_seconds_total 1\n"])
def test_half_a_node_is_no_node(text: str) -> None:
    assert parse_scrape(text, now=1.0) == Scrape(None, {})


BEFORE = Point(time=100.0, cpu=10.0, memory=5.0, start=50.0)

BETWEEN = {
    "the difference over the time between": (
        Point(time=110.0, cpu=12.0, memory=7.0, start=50.0),
        BEFORE,
        Usage(110.0, 10.0, 0.2, 7.0),
    ),
    "restarted since, and a while ago: from its start": (
        Point(time=120.0, cpu=5.0, memory=7.0, start=110.0),
        BEFORE,
        Usage(120.0, 10.0, 0.5, 7.0),
    ),
    "restarted just now": (Point(time=120.0, cpu=5.0, memory=7.0, start=110.1), BEFORE, None),
    "not seen before, and not new": (Point(time=120.0, cpu=5.0, memory=7.0, start=50.0), None, None),
    "the same answer again": (BEFORE, BEFORE, Usage(100.0, 50.0, 0.2, 5.0)),
    "a counter that went back": (Point(time=170.0, cpu=1.0, memory=7.0, start=50.0), BEFORE, None),
}


@pytest.mark.parametrize(("last", "before", "usage"), BETWEEN.values(), ids=BETWEEN.keys())
def test_usage_between_two_points(last: Point, before: Point | None, usage: Usage | None) -> None:
    assert usage_between(last, before) == usage


def test_a_pod_is_known_when_all_its_containers_are() -> None:
    pod, later = ("shop", "web"), Point(time=110.0, cpu=12.0, memory=7.0, start=50.0)
    fresh = Point(time=110.0, cpu=1.0, memory=7.0, start=109.0)
    before, usage = Scrape(BEFORE, {pod: {"c": BEFORE}}), Usage(110.0, 10.0, 0.2, 7.0)
    assert pod_usage(Scrape(None, {pod: {"c": later}}), before, pod) == {"c": usage}
    assert pod_usage(Scrape(None, {pod: {"c": later, "new": fresh}}), before, pod) is None
    assert pod_usage(Scrape(None, {}), before, pod) is None
    assert node_usage(Scrape(later, {}), before) == usage
    assert node_usage(Scrape(None, {}), before) is None
