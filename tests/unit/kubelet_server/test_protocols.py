"""What exec, attach and port-forward agree upon with their clients: the pure parts."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from kubelet.server.channels import CLOSE, PROTOCOLS, STDIN, STDOUT, ChannelProtocol
from kubelet.server.portforward.forward import parse_port
from kubelet.server.portforward.websocket import requested_ports
from kubelet.server.refused import Refused
from kubelet.server.remotecommand.client_streams import Wanted, read_size
from kubelet.server.remotecommand.spdy_streams import expected_streams
from kubelet.server.remotecommand.status import SUCCESS, encode, exit_status, internal_error
from kubelet.server.upgrade import negotiate, negotiate_websocket

SERVER = ("v4.channel.k8s.io", "v3.channel.k8s.io")


@pytest.mark.parametrize(
    ("offers", "expected"),
    [
        (["v4.channel.k8s.io", "v3.channel.k8s.io"], "v4.channel.k8s.io"),
        (["v3.channel.k8s.io", "v4.channel.k8s.io"], "v3.channel.k8s.io"),
        (["v9.channel.k8s.io", "v3.channel.k8s.io"], "v3.channel.k8s.io"),
    ],
    ids=["the newest", "the client's order counts", "the first that both speak"],
)
def test_a_protocol_is_chosen(offers: list[str], expected: str) -> None:
    assert negotiate(offers, SERVER) == expected


def test_a_client_that_speaks_no_common_protocol_is_told_ours() -> None:
    with pytest.raises(Refused) as caught:
        negotiate(["v9.channel.k8s.io"], SERVER)
    response = caught.value.response()
    assert response.status_code == 403
    assert response.body == (
        b"unable to upgrade: unable to negotiate protocol: client supports [v9.channel.k8s.io], "
        b"server accepts [v4.channel.k8s.io v3.channel.k8s.io]"
    )
    assert response.headers.getlist("x-accepted-stream-protocol-versions") == list(SERVER)


def test_spdy_needs_a_protocol() -> None:
    with pytest.raises(Refused, match="X-Stream-Protocol-Version is required") as caught:
        negotiate([], SERVER)
    assert caught.value.status == 400


@pytest.mark.parametrize(
    ("offers", "expected"), [([], ""), (["x", "v4.channel.k8s.io"], "v4.channel.k8s.io")]
)
def test_a_websocket_may_name_no_protocol(offers: list[str], expected: str) -> None:
    assert negotiate_websocket(offers, PROTOCOLS) == expected


def test_a_websocket_with_a_strange_protocol_is_refused() -> None:
    with pytest.raises(Refused) as caught:
        negotiate_websocket(["x"], SERVER)
    assert caught.value.status == 403


@pytest.mark.parametrize(
    ("protocol", "channel", "data", "message"),
    [
        ("v4.channel.k8s.io", STDOUT, b"foo", b"\1foo"),
        ("", STDOUT, b"", b"\1"),
        ("v4.base64.channel.k8s.io", STDOUT, b"foo\n", b"1Zm9vCg=="),
        ("base64.channel.k8s.io", STDIN, b"", b"0"),
        ("v5.channel.k8s.io", CLOSE, b"\0", b"\xff\0"),
    ],
)
def test_a_message_carries_its_channel(protocol: str, channel: int, data: bytes, message: bytes) -> None:
    spoken = ChannelProtocol(protocol)
    assert spoken.encode(channel, data) == message
    assert spoken.decode(message) == (channel, data)


@pytest.mark.parametrize(("protocol", "message"), [("", b""), ("base64.channel.k8s.io", b"0???")])
def test_what_is_no_message_is_refused(protocol: str, message: bytes) -> None:
    with pytest.raises(ValueError, match=r".+"):
        ChannelProtocol(protocol).decode(message)


def test_protocols_differ_in_what_they_can() -> None:
    assert [each for each in PROTOCOLS if ChannelProtocol(each).can_close] == ["v5.channel.k8s.io"]
    assert [each for each in PROTOCOLS if ChannelProtocol(each).has_status] == [
        "v5.channel.k8s.io",
        "v4.channel.k8s.io",
        "v4.base64.channel.k8s.io",
    ]


STATUSES = {
    "success": (SUCCESS, b'{"metadata":{},"status":"Success"}', b""),
    "exit code": (
        exit_status(3),
        b'{"metadata":{},"status":"Failure","message":"command terminated with non-zero exit code: '
        b'exit status 3","reason":"NonZeroExitCode",'
        b'"details":{"causes":[{"reason":"ExitCode","message":"3"}]}}',
        b"command terminated with non-zero exit code: exit status 3",
    ),
    "failure": (
        internal_error("no"),
        b'{"metadata":{},"status":"Failure","message":"Internal error occurred: no",'
        b'"reason":"InternalError","details":{"causes":[{"message":"no"}]},"code":500}',
        b"Internal error occurred: no",
    ),
}


@pytest.mark.parametrize("row", STATUSES.values(), ids=STATUSES.keys())
def test_the_last_word_is_a_status_or_for_old_clients_words(
    row: tuple[dict[str, object], bytes, bytes],
) -> None:
    status, as_status, in_words = row
    assert encode(status, as_status=True) == as_status
    assert encode(status, as_status=False) == in_words


def test_no_exit_code_is_a_success() -> None:
    assert exit_status(0) == SUCCESS


@pytest.mark.parametrize(
    ("wanted", "protocol", "expected"),
    [
        (Wanted(True, True, True, False), "v4.channel.k8s.io", {"error", "stdin", "stdout", "stderr"}),
        (Wanted(True, True, False, True), "v4.channel.k8s.io", {"error", "stdin", "stdout", "resize"}),
        (Wanted(False, True, False, True), "v2.channel.k8s.io", {"error", "stdout"}),
        (Wanted(False, True, False, False), "channel.k8s.io", {"error", "stdout"}),
    ],
)
def test_a_client_opens_the_streams_it_asks_for(wanted: Wanted, protocol: str, expected: set[str]) -> None:
    assert expected_streams(wanted, protocol) == expected


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b'{"Width":77,"Height":33}', (77, 33)),
        (b'{"Width":77}', None),
        (b"[]", None),
        (b"", None),
        (b'{"Width":"wide","Height":1}', None),
    ],
)
def test_a_terminals_size_is_read(data: bytes, expected: tuple[int, int] | None) -> None:
    assert read_size(data) == expected


@pytest.mark.parametrize("parse", [parse_port, lambda text: requested_ports([text])])
@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("x", 'unable to parse "x" as a port'),
        ("65536", 'unable to parse "65536" as a port'),
        ("-1", 'unable to parse "-1" as a port'),
        ("0", 'port "0" must be > 0'),
    ],
)
def test_a_bad_port_is_refused(parse: Callable[[str], object], text: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        parse(text)


@pytest.mark.parametrize(
    ("values", "words"),
    [([], 'query parameter "port" is required'), (["80", ""], 'query parameter "port" cannot be empty')],
)
def test_a_websocket_names_its_ports_in_the_query(values: list[str], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        requested_ports(values)


def test_ports_may_be_listed_and_repeated() -> None:
    assert requested_ports(["80,81", "80"]) == [80, 81, 80]
