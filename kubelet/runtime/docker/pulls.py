"""Pulling an image: the request, the credentials in its header, and the error in its stream of progress."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Sequence
from typing import Any

import orjson

from kubelet.images.reference import Reference, parse_reference, with_default_tag
from kubelet.runtime.docker.connection import Connector, Request, path_of
from kubelet.runtime.docker.errors import NotFoundInEngine
from kubelet.runtime.interface import (
    ContainerRuntimeError,
    ImagePullError,
    PullCredentials,
    RuntimeUnavailable,
)


async def pull(connector: Connector, image: str, credentials: Sequence[PullCredentials]) -> None:
    """With none only where there are none. Raises ImagePullError with all that was said."""
    reference = parse_reference(with_default_tag(image))
    errors: list[str] = []
    for each in credentials or (None,):
        try:
            return await _pull_once(connector, reference, each)
        except RuntimeUnavailable:
            raise
        except ContainerRuntimeError as error:
            errors.append(str(error))
    raise ImagePullError(join_errors(errors))


def join_errors(errors: Iterable[str]) -> str:
    """As Go prints several errors: each once, in brackets if there is more than one."""
    different = list(dict.fromkeys(errors))
    return different[0] if len(different) == 1 else f"[{', '.join(different)}]"


async def _pull_once(connector: Connector, reference: Reference, credentials: PullCredentials | None) -> None:
    path = path_of("/images/create", fromImage=reference.familiar_name, tag=reference.digest or reference.tag)
    headers = {"X-Registry-Auth": auth_header(credentials)} if credentials else None
    async with await connector.open(Request("POST", path, headers=headers)) as connection:
        async for line in connection.lines():
            if error := pull_error(line):
                raise ImagePullError(error)


def auth_header(credentials: PullCredentials) -> str:
    told = {"username": credentials.username, "password": credentials.password}
    return base64.urlsafe_b64encode(orjson.dumps({**told, "serveraddress": credentials.server})).decode()


def pull_error(line: bytes) -> str:
    """What one line of progress says of a failure; '' if it does not."""
    told: dict[str, Any] = orjson.loads(line)
    return str((told.get("errorDetail") or {}).get("message") or told.get("error") or "")


def is_missing_image(error: ContainerRuntimeError) -> bool:
    return isinstance(error, NotFoundInEngine) and "image" in str(error).lower()
