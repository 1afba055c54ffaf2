"""`proxy`: the API server on a port or socket of this machine, as the kubeconfig's user."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import stat
from typing import TYPE_CHECKING, Annotated, NamedTuple
from urllib.parse import urlsplit

from kubectl import session
from kubectl.apiproxy import requests
from kubectl.apiproxy.requests import Filter, patterns
from kubectl.arguments import Flag
from kubectl.failures import CommandError

if TYPE_CHECKING:
    from client.rest import Client
    from kubectl.apiproxy.app import Plan

PORT = 8001


class Filtering(NamedTuple):
    """Which requests are let through."""

    accept_hosts: Annotated[str, Flag("--accept-hosts", help="Host headers to accept (expressions)")] = (
        requests.ACCEPT_HOSTS
    )
    accept_paths: Annotated[str, Flag("--accept-paths", help="Paths to accept (expressions).")] = (
        requests.ACCEPT_PATHS
    )
    reject_paths: Annotated[
        str, Flag("--reject-paths", help="Paths to reject, whatever accepts them (expressions).")
    ] = requests.REJECT_PATHS
    reject_methods: Annotated[
        str, Flag("--reject-methods", help="Methods to reject (expressions: POST,PUT,PATCH).")
    ] = requests.REJECT_METHODS
    disable: Annotated[
        bool, Flag("--disable-filter", help="Let everything through: any web page may then ask.")
    ] = False

    @property
    def filter(self) -> Filter | None:
        """None lets everything through. Raises CommandError."""
        if self.disable:
            return None
        return Filter(
            patterns(self.accept_hosts),
            patterns(self.accept_paths),
            patterns(self.reject_paths),
            patterns(self.reject_methods),
        )


class Listening(NamedTuple):
    """Where clients find the proxy."""

    port: Annotated[int, Flag("--port", "-p", help="0: one that is free.")] = PORT
    address: Annotated[str, Flag("--address", help="The IP address to listen on.")] = "127.0.0.1"
    unix_socket: Annotated[str, Flag("--unix-socket", "-u", help="A socket in place of a port.")] = ""
    keepalive: Annotated[
        float, Flag("--keepalive", help="Accepted for kubectl's sake: the system's own is used.")
    ] = 0.0


def proxy(
    listening: Listening,
    filtering: Filtering,
    www: Annotated[str, Flag("--www", "-w", help="A folder whose files are served, too.")] = "",
    www_prefix: Annotated[str, Flag("--www-prefix", "-P", help="Where they are served.")] = "/static/",
    api_prefix: Annotated[str, Flag("--api-prefix", help="Where the API is served.")] = "/",
    append_server_path: Annotated[
        bool, Flag("--append-server-path", help="Put the path of the server's address before each path.")
    ] = False,
) -> None:
    """Run a proxy to the Kubernetes API server."""
    from kubectl.apiproxy.app import Plan

    chosen = filtering.filter
    plan = Plan(requests.folder(api_prefix), www, requests.folder(www_prefix), chosen, append_server_path)
    if filtering.disable and not listening.unix_socket:
        what = "Request filter disabled, your proxy is vulnerable to XSRF attacks, please be cautious"
        session.klog("W", what, "proxy.go")
    if listening.port != PORT and listening.unix_socket:
        raise CommandError("cannot set --unix-socket and --port at the same time")
    _check_folder(www)
    session.run(lambda client, _: _serve(client, plan, listening))


def _check_folder(www: str) -> None:
    if not www:
        return
    try:
        if not stat.S_ISDIR(os.stat(www).st_mode):
            session.klog("W", f"Static file directory {www} is not a directory", "proxy.go")
    except OSError as error:
        why = f"stat {www}: {(error.strerror or '').lower()}"
        session.klog("W", f"Failed to stat static file directory {www}: {why}", "proxy.go")


async def _serve(client: Client, plan: Plan, listening: Listening) -> None:
    from uvicorn import Config
    from uvicorn.server import ServerState

    from component_base.tunnel import TunnelProtocol
    from kubectl.apiproxy.app import ApiProxy

    path = urlsplit(client.config.server).path
    if path.strip("/") and not plan.with_server_path:
        what = f"Your kube context contains a server path {path}, use --append-server-path"
        session.klog("W", f"{what} to automatically append the path to each request", "proxy.go")
    config = Config(
        ApiProxy(client, plan), log_config=None, access_log=False, server_header=False, date_header=False,
        lifespan="off", proxy_headers=False, interface="asgi3",
    )  # fmt: skip
    config.load()
    state = ServerState()
    place, shown = listen(listening)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: TunnelProtocol(config, state, {}, loop), sock=place)
    print(f"Starting to serve on {shown}", flush=True)
    await server.serve_forever()


def listen(where: Listening) -> tuple[socket.socket, str]:
    """The socket and how its address is told. Raises CommandError."""
    if where.unix_socket:
        return _listen_unix(where.unix_socket), where.unix_socket
    family = socket.AF_INET6 if ":" in where.address else socket.AF_INET
    place = socket.socket(family, socket.SOCK_STREAM)
    place.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    host = where.address.strip("[]")
    try:
        place.bind((host, where.port))
    except OSError as error:
        what = f"listen tcp {where.address}:{where.port}: bind: {(error.strerror or str(error)).lower()}"
        raise CommandError(what) from None
    port = place.getsockname()[1]
    return place, f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _listen_unix(path: str) -> socket.socket:
    """A socket that only its owner may open; a former one in its place goes, any other file stays."""
    with contextlib.suppress(FileNotFoundError):
        if stat.S_ISSOCK(os.stat(path).st_mode):
            os.unlink(path)
    place = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    before = os.umask(0o077)
    try:
        place.bind(path)
    except OSError as error:
        what = (error.strerror or str(error)).lower()
        raise CommandError(f"listen unix {path}: bind: {what}") from None
    finally:
        os.umask(before)
    return place
