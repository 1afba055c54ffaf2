"""Creating and removing containers, of sandboxes and others alike."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

import orjson

from component_base.os_errors import in_words
from kubelet.runtime.docker import pulls
from kubelet.runtime.docker.connection import Connector, path_of
from kubelet.runtime.docker.engine import Engine
from kubelet.runtime.docker.errors import ConflictInEngine, NotFoundInEngine
from kubelet.runtime.docker.privileges import Privileges, detect
from kubelet.runtime.docker.requests import Body
from kubelet.runtime.interface import ContainerConfig, CreateContainerError


def with_seccomp_profile(config: ContainerConfig) -> ContainerConfig:
    """Docker wants the profile itself where we have its path. Raises CreateContainerError."""
    path = config.security.seccomp
    if path in ("", "unconfined") or config.security.privileged:
        return config
    try:
        profile = orjson.dumps(orjson.loads(Path(path).read_bytes())).decode()
    except OSError as error:
        reason = in_words(error, "open")
        raise CreateContainerError(f'cannot load seccomp profile "{path}": {reason}') from error
    except ValueError as error:
        raise CreateContainerError(f'cannot load seccomp profile "{path}": {error}') from error
    return replace(config, security=replace(config.security, seccomp=profile))


class Creator:
    def __init__(self, engine: Engine, connector: Connector) -> None:
        self._engine = engine
        self._connector = connector

    @cached_property
    def privileges(self) -> Privileges:
        return detect()

    async def create(self, name: str, body: Body, *, pull: bool = False) -> str:
        """The id. A container of this name is left from an attempt that was broken off: it makes room."""
        try:
            return await self._create(name, body)
        except ConflictInEngine:
            await self.remove(name)
            return await self._create(name, body)
        except NotFoundInEngine as error:
            if not (pull and pulls.is_missing_image(error)):
                raise
            await pulls.pull(self._connector, body["Image"], ())
            return await self._create(name, body)

    async def remove(self, id_or_name: str) -> None:
        """With its anonymous volumes, killed if it still runs."""
        try:
            await self._engine.act("DELETE", path_of(f"/containers/{id_or_name}", v=True, force=True))
        except (NotFoundInEngine, ConflictInEngine):
            # Gone, or already being removed.
            return

    async def _create(self, name: str, body: Body) -> str:
        made: dict[str, Any] = await self._engine.act("POST", path_of("/containers/create", name=name), body)
        return str(made["Id"])
