"""A real registry on loopback that holds team/app:1 and wants a password: me, secret.

It is busybox under an id of its own, so that no container of anybody else's uses it.
"""

from __future__ import annotations

import json
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from pytest_sampan.ports import free_port

IMAGE = "busybox:1.36"
_PASSWORD_FILE = "me:$2b$04$R0QtL/xDfvQ1BaY3SGgf9.oqLA1UOOLWpj9bYioBn1XJ7ELP5mCdS\n"


def wait_for(port: int) -> None:
    for _ in range(2400):
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise AssertionError("the registry does not answer")


@contextmanager
def running_registry(folder: Path) -> Iterator[str]:
    """Its host:port."""
    port = free_port()
    (folder / "password").write_text(_PASSWORD_FILE)
    config = {
        "version": 0.1,
        "log": {"level": "error", "accesslog": {"disabled": True}},
        "storage": {"filesystem": {"rootdirectory": str(folder / "data")}},
        "http": {"addr": f"127.0.0.1:{port}"},
        "auth": {"htpasswd": {"realm": "test", "path": str(folder / "password")}},
    }
    (folder / "config.json").write_text(json.dumps(config))
    server = subprocess.Popen(["docker-registry", "serve", folder / "config.json"], stderr=subprocess.DEVNULL)
    try:
        wait_for(port)
        _push(f"127.0.0.1:{port}/team/app")
        yield f"127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait()


def _push(repository: str) -> None:
    import docker

    with closing(docker.APIClient(version="auto")) as client:
        container = client.create_container(IMAGE)["Id"]
        client.commit(container, repository, "1", changes=[f"LABEL registry={repository}"])
        client.remove_container(container)
        said = client.push(repository, "1", auth_config={"username": "me", "password": "secret"})
        client.remove_image(f"{repository}:1")
    assert "errorDetail" not in said, said
