"""Docker's frames, log queries and pull answers; names of cgroups."""

from __future__ import annotations

import base64
import json

import pytest

from kubelet.cgroups.usage import parse_cgroups
from kubelet.runtime.docker.connection import path_of
from kubelet.runtime.docker.logs import logs_path
from kubelet.runtime.docker.pulls import auth_header, join_errors, pull_error
from kubelet.runtime.docker.streams import Demultiplexer
from kubelet.runtime.interface import LogOptions, PullCredentials


def frame(stream: int, data: bytes) -> bytes:
    return bytes([stream, 0, 0, 0]) + len(data).to_bytes(4, "big") + data


WIRE = frame(1, b"hello") + frame(2, b"") + frame(2, b"oops")


@pytest.mark.parametrize("size", [1, 3, 7, 8, 9, 100])
def test_frames_are_taken_apart_however_they_arrive(size):
    split = Demultiplexer()
    streams = {1: b"", 2: b""}
    for start in range(0, len(WIRE), size):
        for stream, data in split.feed(WIRE[start : start + size]):
            streams[stream] += data
    assert streams == {1: b"hello", 2: b"oops"}


def test_data_is_passed_on_before_its_frame_is_whole():
    assert list(Demultiplexer().feed(WIRE[:10])) == [(1, b"he")]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (LogOptions(), "stdout=1&stderr=1&follow=0&timestamps=0&tail=all"),
        (LogOptions(follow=True, tail=5, timestamps=True), "stdout=1&stderr=1&follow=1&timestamps=1&tail=5"),
        (LogOptions(stream="Stderr"), "stdout=0&stderr=1&follow=0&timestamps=0&tail=all"),
        (LogOptions(since=1.5), "stdout=1&stderr=1&follow=0&timestamps=0&tail=all&since=1.500000000"),
    ],
    ids=["plain", "follow the tail", "stderr", "since"],
)
def test_log_options_become_a_query(options, expected):
    assert logs_path("c1", options) == f"/containers/c1/logs?{expected}"


def test_query_leaves_out_none_and_encodes_mappings():
    assert path_of("/x", a=None) == "/x"
    assert path_of("/x", filters={"label": ["a=b"]}) == "/x?filters=%7B%22label%22%3A%5B%22a%3Db%22%5D%7D"


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (b'{"status":"Pulling fs layer","id":"1"}', ""),
        (b'{"errorDetail":{"message":"manifest unknown"},"error":"manifest unknown"}', "manifest unknown"),
        (b'{"error":"denied"}', "denied"),
    ],
)
def test_pull_error_is_found_in_the_progress(line, expected):
    assert pull_error(line) == expected


def test_errors_of_several_tries_are_said_once_each():
    assert join_errors(["a", "a"]) == "a"
    assert join_errors(["a", "b", "a"]) == "[a, b]"


def test_credentials_travel_in_a_header():
    header = auth_header(PullCredentials("me", "p?>", "reg.io"))
    decoded = json.loads(base64.urlsafe_b64decode(header))
    assert decoded == {"username": "me", "password": "p?>", "serveraddress": "reg.io"}


def test_cgroup_names_may_share_a_line():
    assert parse_cgroups("3:cpu,cpuacct:/a\n0::/b\n") == {"cpu": "/a", "cpuacct": "/a", "": "/b"}
