"""The images of hollow nodes: every reference can be pulled unless it was told otherwise.

Hosts under `.invalid` never answer (RFC 2606), `fail` scripts other refusals, `protect` asks for credentials.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Iterable, Sequence

from kubelet.images.reference import InvalidReferenceError, canonical, parse_reference
from kubelet.runtime.interface import ImagePullError, ImageRef, InvalidImageNameError, PullCredentials

_SIZE = 1 << 20


class HollowImages:
    """May be shared by many hollow runtimes, as nodes of one machine share an engine."""

    def __init__(self, present: Iterable[str] = (), *, pull_latency: float = 0.0) -> None:
        self._pull_latency = pull_latency
        self._refusals: dict[str, str] = {}
        self._protected: dict[str, tuple[str, str]] = {}
        self._images: dict[str, ImageRef] = {canonical(each): image_ref(each) for each in present}

    def fail(self, image: str, message: str) -> None:
        """Pulls of this image fail with these words; an empty message heals it."""
        self._refusals[canonical(image)] = message

    def protect(self, image: str, username: str, password: str) -> None:
        self._protected[canonical(image)] = (username, password)

    async def pull(self, image: str, credentials: Sequence[PullCredentials]) -> ImageRef:
        name = canonical(image)
        await asyncio.sleep(self._pull_latency)
        refusal = self._refusal(name, credentials)
        if refusal:
            raise ImagePullError(refusal)
        return self._images.setdefault(name, image_ref(image))

    def find(self, image: str) -> ImageRef | None:
        found = self._images.get(canonical(image))
        return found or next((each for each in self._images.values() if each.id == image), None)

    def list(self) -> list[ImageRef]:
        return list(self._images.values())

    def remove(self, image_id: str) -> None:
        self._images = {name: each for name, each in self._images.items() if each.id != image_id}

    def _refusal(self, name: str, credentials: Sequence[PullCredentials]) -> str:
        host = name.partition("/")[0].partition(":")[0]
        if host.endswith(".invalid"):
            return (
                f"Error response from daemon: Get https://{host}/v2/: dial tcp: lookup {host}: no such host"
            )
        wanted = self._protected.get(name)
        if wanted and wanted not in [(each.username, each.password) for each in credentials]:
            repository = name.partition("/")[2].rpartition(":")[0]
            return (
                "Error response from daemon: pull access denied for "
                f"{repository}, repository does not exist or may require 'docker login'"
            )
        return self._refusals.get(name, "")


def image_ref(image: str) -> ImageRef:
    """The image that a name always stands for on hollow nodes."""
    try:
        reference = parse_reference(image)
    except InvalidReferenceError as error:
        raise InvalidImageNameError(str(error)) from error
    digest = f"sha256:{hashlib.sha256(canonical(image).encode()).hexdigest()}"
    return ImageRef(
        id=digest,
        digests=(f"{reference.familiar_name}@{reference.digest or digest}",),
        tags=() if reference.digest else (f"{reference.familiar_name}:{reference.tag or 'latest'}",),
        size=_SIZE,
    )
