"""Pull credentials out of Secrets: which of them are meant for an image's registry. Pure.

Reads kubernetes.io/dockerconfigjson and kubernetes.io/dockercfg; matches registries as upstream does: host by
host label (with globs), port exactly, path as a prefix, the most specific entry first.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

import orjson

from apimachinery.objects import Object
from kubelet.images.reference import DEFAULT_HOST, parse_reference
from kubelet.runtime.interface import PullCredentials

_DEFAULT_REGISTRY_KEYS = frozenset({"index.docker.io", "docker.io", "registry-1.docker.io"})


@dataclass(frozen=True, slots=True)
class RegistryEntry:
    """One registry's credentials; `pattern` without scheme: `*.example.com:5000/team`."""

    pattern: str
    credentials: PullCredentials


def credentials_for(image: str, secrets: Iterable[Object]) -> list[PullCredentials]:
    """Of all these secrets, those for this image, in the order in which to try them."""
    entries = [entry for secret in secrets for entry in parse_secret(secret)]
    found = [entry for entry in entries if matches(entry.pattern, image)]
    found.sort(key=lambda entry: entry.pattern, reverse=True)
    return list(dict.fromkeys(entry.credentials for entry in found))


def parse_secret(secret: Object) -> list[RegistryEntry]:
    """A secret that cannot be read has no credentials, as upstream's kubelet sees it."""
    data = secret.get("data") or {}
    if ".dockerconfigjson" in data:
        return _entries(_decode(data[".dockerconfigjson"]).get("auths"))
    if ".dockercfg" in data:
        return _entries(_decode(data[".dockercfg"]))
    return []


def matches(pattern: str, image: str) -> bool:
    reference = parse_reference(image)
    host, _, path = pattern.partition("/")
    if reference.host == DEFAULT_HOST and host in _DEFAULT_REGISTRY_KEYS:
        return True
    return _matches_host(host, reference.host) and _matches_path(path, reference.path)


def _matches_host(pattern: str, host: str) -> bool:
    pattern_name, _, pattern_port = pattern.partition(":")
    name, _, port = host.partition(":")
    wanted, given = pattern_name.split("."), name.split(".")
    return (
        pattern_port == port
        and len(wanted) == len(given)
        and all(fnmatchcase(each, glob) for glob, each in zip(wanted, given, strict=True))
    )


def _matches_path(prefix: str, path: str) -> bool:
    return not prefix or path == prefix or path.startswith(prefix.rstrip("/") + "/")


def _decode(text: Any) -> Mapping[str, Any]:
    try:
        decoded = orjson.loads(base64.b64decode(text))
    except (binascii.Error, ValueError, TypeError):
        return {}
    return decoded if isinstance(decoded, dict) else {}


def _entries(auths: Any) -> list[RegistryEntry]:
    if not isinstance(auths, Mapping):
        return []
    parsed = ((_pattern(key), _credentials(key, value)) for key, value in auths.items())
    return [RegistryEntry(pattern, found) for pattern, found in parsed if found is not None]


def _pattern(key: str) -> str:
    """`https://index.docker.io/v1/` is how `docker login` writes Docker Hub's name."""
    bare = key.removeprefix("https://").removeprefix("http://").rstrip("/")
    return bare.removesuffix("/v1").removesuffix("/v2")


def _credentials(server: str, value: Any) -> PullCredentials | None:
    if not isinstance(value, Mapping):
        return None
    username, password = value.get("username") or "", value.get("password") or ""
    if value.get("auth"):
        username, password = _split_auth(value["auth"]) or (username, password)
    return PullCredentials(username, password, server) if username or password else None


def _split_auth(auth: str) -> Sequence[str] | None:
    try:
        username, colon, password = base64.b64decode(auth).decode().partition(":")
    except (binascii.Error, ValueError):
        return None
    return (username, password) if colon else None
