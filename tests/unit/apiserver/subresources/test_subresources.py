"""Containers, kubelets, log options and proxied services: the pure parts of subresources."""

from __future__ import annotations

import pytest

from apimachinery.errors import BadRequestError
from apimachinery.objects import Object
from apiserver.filters.request_info import parse_query
from apiserver.subresources.log_options import parse_log_options, validate_log_options
from apiserver.subresources.streams import stream_query
from apiserver.subresources.targets import choose_container, kubelet_address, split_proxy_name
from apiserver.subresources.token_request import validate


def pod(*containers: str, init: tuple[str, ...] = ()) -> Object:
    spec: Object = {"containers": [{"name": name} for name in containers]}
    if init:
        spec["initContainers"] = [{"name": name} for name in init]
    return {"metadata": {"name": "web"}, "spec": spec}


def test_the_only_container_is_meant() -> None:
    assert choose_container(pod("a", init=("i",)), "") == "a"


def test_an_init_container_may_be_named() -> None:
    assert choose_container(pod("a", init=("i",)), "i") == "i"


CONTAINER_REFUSALS = {
    "several": (
        pod("a", "b", init=("i",)),
        "",
        "a container name must be specified for pod web, choose one of: [a b] "
        "or one of the init containers: [i]",
    ),
    "unknown": (pod("a"), "x", "container x is not valid for pod web"),
}


@pytest.mark.parametrize("row", CONTAINER_REFUSALS.values(), ids=CONTAINER_REFUSALS.keys())
def test_a_container_is_refused(row: tuple[Object, str, str]) -> None:
    with pytest.raises(BadRequestError) as caught:
        choose_container(row[0], row[1])
    assert caught.value.message == row[2]


def test_a_kubelet_is_found_by_the_preferred_address() -> None:
    node = {
        "metadata": {"name": "n"},
        "status": {
            "addresses": [
                {"type": "Hostname", "address": "n"},
                {"type": "InternalIP", "address": "10.0.0.1"},
            ],
            "daemonEndpoints": {"kubeletEndpoint": {"Port": 10250}},
        },
    }
    assert kubelet_address(node, ("InternalIP", "Hostname")) == ("10.0.0.1", 10250)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("web", ("", "web", "")),
        ("web:80", ("", "web", "80")),
        ("https:web:", ("https", "web", "")),
        ("http:web:api", ("http", "web", "api")),
    ],
)
def test_a_proxied_name_is_split(name: str, expected: tuple[str, str, str]) -> None:
    assert split_proxy_name(name, "pod") == expected


@pytest.mark.parametrize("name", ["ftp:web:1", "a:b:c:d", ":80"])
def test_a_bad_proxied_name_is_refused(name: str) -> None:
    with pytest.raises(BadRequestError, match=f'^invalid service request "{name}"$'):
        split_proxy_name(name, "service")


def test_log_options_reach_the_kubelet_as_they_came() -> None:
    options = parse_log_options(parse_query(b"follow=true&tailLines=0&sinceSeconds=5&timestamps&container=c"))
    assert options.container == "c"
    expected = [("follow", "true"), ("timestamps", "true"), ("sinceSeconds", "5"), ("tailLines", "0")]
    assert options.query() == expected


LOG_REFUSALS = {
    "negative lines": (b"tailLines=-1", "tailLines: Invalid value: -1: must be greater than or equal to 0"),
    "no bytes": (b"limitBytes=0", "limitBytes: Invalid value: 0: must be greater than 0"),
    "no seconds": (b"sinceSeconds=0", "sinceSeconds: Invalid value: 0: must be greater than 0"),
    "a strange stream": (
        b"stream=x",
        'stream: Unsupported value: "x": supported values: "All", "Stderr", "Stdout"',
    ),
}


@pytest.mark.parametrize("row", LOG_REFUSALS.values(), ids=LOG_REFUSALS.keys())
def test_log_options_are_refused(row: tuple[bytes, str]) -> None:
    (error,) = validate_log_options(parse_log_options(parse_query(row[0])))
    assert str(error) == row[1]


def test_a_number_that_is_none_cannot_be_read() -> None:
    with pytest.raises(BadRequestError):
        parse_log_options({"tailLines": ["x"]})


def test_streams_are_asked_for_in_the_kubelets_words() -> None:
    query = parse_query(b"command=sh&command=-c&stdin=true&stdout=1&stderr=false&tty=true")
    expected = [("input", "1"), ("output", "1"), ("tty", "1"), ("command", "sh"), ("command", "-c")]
    assert stream_query(query) == expected


@pytest.mark.parametrize(("seconds", "bad"), [(600, 0), (599, 1), (1 << 33, 1)])
def test_a_token_lasts_ten_minutes_at_least(seconds: int, bad: int) -> None:
    assert len(validate({"expirationSeconds": seconds})) == bad
