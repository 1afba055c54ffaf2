"""Image references as people write them and as Docker stores them. Pure.

Owns the grammar (`busybox` means `docker.io/library/busybox:latest`) and the short form that users see.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

DEFAULT_HOST = "docker.io"
OFFICIAL = "library/"

_COMPONENT = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_HOST_LABEL = r"(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])"
_HOST = rf"(?:{_HOST_LABEL}(?:\.{_HOST_LABEL})*|\[[a-fA-F0-9:]+\])(?::[0-9]+)?"
_REFERENCE = re.compile(
    rf"(?P<name>(?:{_HOST}/)?{_COMPONENT}(?:/{_COMPONENT})*)"
    r"(?::(?P<tag>\w[\w.-]{0,127}))?"
    r"(?:@(?P<digest>[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}))?",
    re.ASCII,
)
_IDENTIFIER = re.compile(r"[a-f0-9]{64}")
_MAX_NAME = 255


class InvalidReferenceError(ValueError):
    """Not an image reference; the message is the one that Docker's parser gives."""


@dataclass(frozen=True, slots=True)
class Reference:
    host: str
    path: str
    tag: str = ""
    digest: str = ""

    @property
    def name(self) -> str:
        """With the registry: docker.io/library/busybox."""
        return f"{self.host}/{self.path}"

    @property
    def familiar_name(self) -> str:
        """As Docker shows it: busybox."""
        if self.host != DEFAULT_HOST:
            return self.name
        short = self.path.removeprefix(OFFICIAL)
        return short if "/" not in short else self.path

    @property
    def is_bare(self) -> bool:
        """Neither tag nor digest was given."""
        return not self.tag and not self.digest

    def __str__(self) -> str:
        tag, digest = self.tag and f":{self.tag}", self.digest and f"@{self.digest}"
        return f"{self.name}{tag}{digest}"


def parse_reference(text: str) -> Reference:
    """Raises InvalidReferenceError."""
    if _IDENTIFIER.fullmatch(text):
        raise InvalidReferenceError(
            f"invalid repository name ({text}), cannot specify 64-byte hexadecimal strings"
        )
    host, path = _split_host(text)
    remote = path.partition(":")[0]
    if remote != remote.lower():
        raise InvalidReferenceError(f"invalid reference format: repository name ({remote}) must be lowercase")
    match = _REFERENCE.fullmatch(f"{host}/{path}")
    if match is None:
        raise InvalidReferenceError("invalid reference format")
    name = match["name"]
    if len(name) > _MAX_NAME:
        raise InvalidReferenceError("repository name must not be more than 255 characters")
    return Reference(host, name.removeprefix(f"{host}/"), match["tag"] or "", match["digest"] or "")


def with_default_tag(text: str) -> str:
    """`:latest` is added where neither tag nor digest is given; the name stays as it was written."""
    return f"{text}:latest" if parse_reference(text).is_bare else text


def canonical(text: str) -> str:
    """docker.io/library/busybox:latest for busybox; what is no reference stays as it is."""
    try:
        return str(parse_reference(with_default_tag(text)))
    except InvalidReferenceError:
        return text


def _split_host(text: str) -> tuple[str, str]:
    first, slash, rest = text.partition("/")
    is_host = slash and ("." in first or ":" in first or first == "localhost" or first != first.lower())
    host, path = (first, rest) if is_host else (DEFAULT_HOST, text)
    if host == "index.docker.io":
        host = DEFAULT_HOST
    if host == DEFAULT_HOST and "/" not in path:
        path = OFFICIAL + path
    return host, path
