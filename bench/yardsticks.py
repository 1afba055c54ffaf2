"""What this machine can do at most, measured in the same run: a bare uvicorn over TLS, and etcd itself."""

from __future__ import annotations

import asyncio
import re
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from apiserver.asgi import Receive, Scope, Send
from apiserver.storage.etcd import EtcdStorage
from kubeadm import host
from kubeadm.config import ClusterConfig

SECONDS = 5
PORT = 18443
BODY = b"x" * 1024


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers 1 KiB to everything: what is left of a request when there is nothing to do."""
    if scope["type"] == "http":
        headers = [(b"content-type", b"application/json"), (b"content-length", b"1024")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": BODY})


def bare_uvicorn(config: ClusterConfig, connections: int) -> float:
    """Requests a second of a bare uvicorn returning 1 KiB over TLS, asked by wrk."""
    wrk = host.find("wrk")
    assert wrk is not None, "host.ensure_programs has found it"
    command = [sys.executable, "-m", "uvicorn", "bench.yardsticks:app", "--no-access-log", "--loop=uvloop"]
    command += [f"--port={PORT}", "--log-level=critical", f"--ssl-certfile={config.pki / 'apiserver.crt'}"]
    command += [f"--ssl-keyfile={config.pki / 'apiserver.key'}"]
    root = Path(__file__).parent.parent
    with subprocess.Popen(command, cwd=root) as server:
        try:
            _wait_for_port()
            printed = subprocess.run(
                [wrk, "-t1", f"-c{connections}", f"-d{SECONDS}s", f"https://127.0.0.1:{PORT}/"],
                capture_output=True,
                text=True,
                check=True,
            ).stdout
        finally:
            server.terminate()
    found = re.search(r"Requests/sec:\s+([\d.]+)", printed)
    return float(found[1]) if found else 0.0


def _wait_for_port() -> None:
    import socket

    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", PORT), timeout=1).close()
            return
        except OSError:
            time.sleep(0.05)
    raise TimeoutError("the bare uvicorn does not listen")


async def etcd_rates(config: ClusterConfig, clients: int) -> tuple[float, float]:
    """Puts and gets a second of 1 KiB, through our own client, with so many in flight."""
    storage = EtcdStorage([f"unix://{config.etcd_socket}"])
    keys = [f"/bench/{index}" for index in range(clients)]
    revisions = {key: await storage.create(key, BODY) for key in keys}

    async def put(key: str) -> None:
        revisions[key] = await storage.update(key, BODY, revisions[key])

    async def get(key: str) -> None:
        await storage.get(key)

    puts, gets = await _rate(put, keys), await _rate(get, keys)
    for key in keys:
        await storage.delete(key, revisions[key])
    await storage.aclose()
    return puts, gets


async def _rate(operation: Callable[[str], Awaitable[None]], keys: list[str]) -> float:
    done = 0
    deadline = time.monotonic() + SECONDS

    async def worker(key: str) -> None:
        nonlocal done
        while time.monotonic() < deadline:
            await operation(key)
            done += 1

    await asyncio.gather(*(worker(key) for key in keys))
    return done / SECONDS
