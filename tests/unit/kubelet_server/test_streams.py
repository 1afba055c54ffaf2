"""exec and port-forward over connections in memory, with hollow commands and echoing ports behind."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import orjson
import pytest
from websockets.protocol import OPEN, Protocol, Side
from websockets.typing import Subprotocol

from component_base.byte_stream import DuplexStream, join
from component_base.spdy.connection import Connection, Stream
from component_base.spdy.errors import StreamClosed
from component_base.websocket import WebSocket
from kubelet.runtime.hollow.commands import parse_command
from kubelet.runtime.hollow.streams import HollowExec
from kubelet.runtime.interface import ExecStream
from kubelet.server.portforward.spdy import forward_streams
from kubelet.server.portforward.websocket import forward_channels
from kubelet.server.remotecommand.client_streams import Wanted
from kubelet.server.remotecommand.session import attend, fail
from kubelet.server.remotecommand.spdy_streams import collect_streams
from kubelet.server.remotecommand.status import Status, exit_status, internal_error
from kubelet.server.remotecommand.websocket_streams import WebSocketStreams
from kubelet.server.upgrade import until_idle
from tests.fakes.byte_streams import MemoryStream, pair

pytestmark = pytest.mark.looptime

ALL = Wanted(stdin=True, stdout=True, stderr=True, tty=False)


def process(*command: str) -> HollowExec:
    steps = parse_command(command)
    assert steps is not None
    return HollowExec(steps, {1, 2})


async def outcome(process: ExecStream) -> Status:
    return exit_status(await process.wait())


@asynccontextmanager
async def joined() -> AsyncIterator[tuple[Connection, Connection]]:
    """A client and a server."""
    wires = pair()
    client, server = Connection(wires[0], is_client=True), Connection(wires[1], is_client=False)
    running = asyncio.gather(client.run(), server.run())
    async with asyncio.timeout(60):
        yield client, server
        client.close()
        await running


async def read_all(stream: Stream) -> bytes:
    data = b""
    while piece := await stream.read():
        data += piece
    return data


@asynccontextmanager
async def spdy_exec(
    *command: str, protocol: str = "v4.channel.k8s.io"
) -> AsyncIterator[tuple[Connection, dict[str, Stream]]]:
    """The client's connection and streams; the session has ended when this has."""

    async def serve(server: Connection) -> None:
        streams = await collect_streams(server, ALL, protocol)
        await attend(streams, process(*command), outcome)

    async with joined() as (client, server):
        session = asyncio.create_task(serve(server))
        names = ("error", "stdin", "stdout", "stderr")
        yield client, {name: await client.open({"streamType": name}) for name in names}
        client.close()
        await session


async def test_an_exec_over_spdy_ends_with_its_status() -> None:
    async with spdy_exec("sh", "-c", "echo out; echo err >&2; exit 4") as (_, streams):
        assert await read_all(streams["stdout"]) == b"out\n"
        assert await read_all(streams["stderr"]) == b"err\n"
        assert orjson.loads(await read_all(streams["error"])) == exit_status(4)


async def test_an_old_client_gets_no_words_for_a_success() -> None:
    async with spdy_exec("true", protocol="v2.channel.k8s.io") as (_, streams):
        assert await read_all(streams["error"]) == b""


async def test_stdin_over_spdy_ends_by_itself() -> None:
    async with spdy_exec("cat") as (_, streams):
        streams["stdin"].write(b"through")
        streams["stdin"].end()
        assert await read_all(streams["stdout"]) == b"through"


async def test_a_client_that_leaves_ends_the_session() -> None:
    async with spdy_exec("sleep", "1000") as (client, _):
        client.close()


async def test_a_client_that_does_not_hang_up_is_left_after_a_while() -> None:
    loop = asyncio.get_running_loop()
    async with joined() as (client, server):
        opening = asyncio.create_task(client.open({"streamType": "error"}))
        streams = await collect_streams(server, Wanted(False, False, False, False), "v4.channel.k8s.io")
        began = loop.time()
        await fail(streams, internal_error("no"))
        assert loop.time() - began == 5
        assert orjson.loads(await read_all(await opening)) == internal_error("no")


async def test_a_client_that_opens_no_streams_is_left() -> None:
    async with joined() as (_, server):
        with pytest.raises(ConnectionError, match="timed out waiting for client to create streams"):
            await collect_streams(server, ALL, "v4.channel.k8s.io")


def websockets(subprotocol: str) -> tuple[WebSocket, WebSocket]:
    """A client and a server after their handshake."""
    ends = []
    for wire, side in zip(pair(), (Side.CLIENT, Side.SERVER), strict=True):
        protocol = Protocol(side, state=OPEN)
        protocol.subprotocol = Subprotocol(subprotocol)
        ends.append(WebSocket(wire, protocol))
    return ends[0], ends[1]


async def messages(socket: WebSocket) -> list[bytes]:
    """All, to the end."""
    found = []
    while (message := await socket.receive()) is not None:
        found.append(message)
    return found


async def test_an_exec_over_a_websocket_ends_with_its_status() -> None:
    client, server = websockets("v4.channel.k8s.io")
    session = asyncio.create_task(
        attend(WebSocketStreams(server, ALL), process("sh", "-c", "echo out; exit 4"), outcome)
    )
    first, out, status = await messages(client)
    assert (first, out) == (b"\1", b"\1out\n")
    assert orjson.loads(status[1:]) == exit_status(4)
    await session


async def test_stdin_over_a_websocket_is_closed_by_a_message() -> None:
    client, server = websockets("v5.channel.k8s.io")
    session = asyncio.create_task(attend(WebSocketStreams(server, ALL), process("cat"), outcome))
    client.send(b"\0through")
    client.send(b"\xff\0")
    assert (await messages(client))[0] == b"\1through"
    await session


class Ports:
    """What listens in a pod: 7 echoes, 8 refuses, 9 says a word and closes; all others never answer."""

    def __init__(self) -> None:
        self.joined = 0

    async def forward(self, port: int, data: DuplexStream) -> str:
        if port == 8:
            return "error forwarding port 8"
        self.joined += 1
        ours, theirs = pair()
        serving = asyncio.create_task(self._serve(port, ours))
        try:
            await join(data, theirs)
        except ConnectionError:
            """The client has gone."""
        finally:
            self.joined -= 1
            serving.cancel()
        return ""

    async def _serve(self, port: int, end: MemoryStream) -> None:
        if port == 9:
            end.write(b"word")
            end.close()
        while port == 7 and (data := await end.read()):
            end.write(data)
        if port == 7:
            end.end()


@asynccontextmanager
async def forwarded() -> AsyncIterator[tuple[Connection, Ports]]:
    """The client's connection; all that was joined has ended when this has."""
    ports = Ports()
    async with joined() as (client, server):
        serving = asyncio.create_task(forward_streams(server, ports.forward))
        yield client, ports
        client.close()
        await serving
        assert ports.joined == 0


async def connect(client: Connection, port: int, request: str) -> tuple[Stream, Stream]:
    """The data and the error stream of a connection to a port."""
    headers = {"port": str(port), "requestID": request}
    error = await client.open({**headers, "streamType": "error"})
    error.end()
    return await client.open({**headers, "streamType": "data"}), error


async def test_connections_to_ports_do_not_mix() -> None:
    async with forwarded() as (client, _):
        streams = [await connect(client, 7, str(number)) for number in range(3)]
        for number, (data, _) in enumerate(streams):
            data.write(b"%d" % number)
            data.end()
        for number, (data, error) in enumerate(streams):
            assert await read_all(data) == b"%d" % number
            assert await read_all(error) == b""


async def test_a_port_that_refuses_leaves_the_others_alone() -> None:
    async with forwarded() as (client, _):
        refused, error = await connect(client, 8, "0")
        assert await read_all(error) == b"error forwarding port 8"
        with pytest.raises(ConnectionError):
            await refused.read()
        data, _ = await connect(client, 7, "1")
        data.write(b"still here")
        assert await data.read() == b"still here"


async def test_a_pod_that_closes_first_has_been_heard() -> None:
    async with forwarded() as (client, _):
        data, error = await connect(client, 9, "0")
        assert await data.read() == b"word"
        assert await data.read() == b""
        data.end()
        assert await read_all(error) == b""


async def test_a_client_that_leaves_hangs_up_in_the_pod() -> None:
    async with forwarded() as (client, ports):
        await connect(client, 1, "0")
        async with asyncio.timeout(5):
            while not ports.joined:  # noqa: ASYNC110 - what the server does with it
                await asyncio.sleep(0.01)


async def test_a_connection_of_an_old_client_names_no_request() -> None:
    async with forwarded() as (client, _):
        await client.open({"port": "7", "streamType": "error"})
        data = await client.open({"port": "7", "streamType": "data"})
        data.write(b"echo")
        assert await data.read() == b"echo"


BAD_HEADERS = {
    "no port": {"streamType": "data"},
    "no type": {"port": "80"},
    "a strange type": {"port": "80", "streamType": "stdin"},
    "no number": {"port": "http", "streamType": "data"},
}


@pytest.mark.parametrize("headers", BAD_HEADERS.values(), ids=BAD_HEADERS.keys())
async def test_a_stream_that_makes_no_sense_is_refused(headers: dict[str, str]) -> None:
    async with forwarded() as (client, _):
        with pytest.raises(StreamClosed):
            await client.open(headers)


async def test_a_stream_without_its_other_half_is_given_up() -> None:
    async with forwarded() as (client, _):
        error = await client.open({"port": "7", "streamType": "error", "requestID": "5"})
        with pytest.raises(StreamClosed):
            await client.open({"port": "7", "streamType": "error", "requestID": "5"})
        assert await read_all(error) == b"(request=5) timed out waiting for streams"


async def test_each_port_has_two_channels_of_a_websocket() -> None:
    client, server = websockets("v4.channel.k8s.io")
    serving = asyncio.create_task(forward_channels(server, [9, 8], Ports().forward))
    assert await messages(client) == [
        b"\0\x09\0", b"\1\x09\0", b"\2\x08\0", b"\3\x08\0",
        b"\3error forwarding port 8", b"\0word",
    ]  # fmt: skip
    await serving


async def test_a_client_that_leaves_ends_its_channels() -> None:
    client, server = websockets("")
    ports = Ports()
    serving = asyncio.create_task(forward_channels(server, [7, 1], ports.forward))
    client.send(b"\0echo")
    while await client.receive() != b"\0echo":
        """The ports come first."""
    client.abort()
    async with asyncio.timeout(60):
        await serving
    assert ports.joined == 0


class Used:
    """As much of a tunnel as is looked at."""

    def __init__(self) -> None:
        self.last_used = asyncio.get_running_loop().time()


async def test_a_connection_is_idle_when_nothing_has_come_for_so_long() -> None:
    loop, used = asyncio.get_running_loop(), Used()
    began = loop.time()
    loop.call_later(70, setattr, used, "last_used", began + 70)
    await until_idle(used, 100)
    assert loop.time() - began == 170
