"""The versions of groups that other servers serve: always what the watch cache knows of APIServices."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from apimachinery.conditions import is_condition_true
from apimachinery.objects import Object
from apimachinery.resource import version_path
from apimachinery.scheme import API_SERVICES
from apiserver.aggregation.local import GroupVersion
from apiserver.openapi.merging import Part
from apiserver.storage.watch_cache import WatchCache


@dataclass(frozen=True, slots=True)
class Server:
    """How to reach and whom to trust. `ca_bundle` is PEM; empty for the machine's own authorities."""

    namespace: str
    name: str
    port: int
    ca_bundle: bytes
    is_verified: bool

    @property
    def host(self) -> str:
        """The name that its certificate has to carry."""
        return f"{self.name}.{self.namespace}.svc"


@dataclass(frozen=True, slots=True)
class Remote:
    """One version of a group at another server."""

    service_name: str
    """Of the APIService."""
    group: str
    version: str
    group_priority: int
    version_priority: int
    server: Server
    is_available: bool

    @property
    def path(self) -> str:
        return version_path(self.group, self.version)


def remote_of(service: Object) -> Remote | None:
    """None for what this server serves itself."""
    spec = service["spec"]
    reference = spec.get("service")
    if not reference:
        return None
    server = Server(
        reference["namespace"],
        reference["name"],
        reference["port"],
        base64.b64decode(spec.get("caBundle") or ""),
        not spec.get("insecureSkipTLSVerify"),
    )
    return Remote(
        service["metadata"]["name"],
        spec.get("group") or "",
        spec["version"],
        spec["groupPriorityMinimum"],
        spec["versionPriority"],
        server,
        is_condition_true(service, "Available"),
    )


class Remotes:
    """Looking is cheap as long as no APIService has changed."""

    def __init__(self, cache: WatchCache) -> None:
        self._services = cache.resource(API_SERVICES)
        self._seen = -1
        self._remotes: dict[GroupVersion, Remote] = {}
        self.told: dict[GroupVersion, Object] = {}
        """What each told last of its resources: an APIResourceList."""
        self.descriptions: dict[GroupVersion, str] = {}
        """Where each has its OpenAPI v3 document, with the hash that it gave it."""
        self.parts: dict[GroupVersion, Part] = {}
        """What each says of itself in OpenAPI v2."""

    def all(self) -> Mapping[GroupVersion, Remote]:
        if self._seen != self._services.revision:
            self._seen = self._services.revision
            found = (remote_of(entry.obj) for entry in self._services.entries())
            self._remotes = {(each.group, each.version): each for each in found if each is not None}
            for gone in self.told.keys() - self._remotes.keys():
                self.told.pop(gone)
                self.descriptions.pop(gone, None)
                self.parts.pop(gone, None)
        return self._remotes

    def described_in_v2(self) -> Sequence[Part]:
        remotes = self.all()
        return [part for key, part in self.parts.items() if key in remotes]

    def described(self) -> Mapping[str, str]:
        """`apis/metrics.k8s.io/v1beta1` to the URL of its OpenAPI v3 document."""
        remotes = self.all()
        return {remotes[key].path[1:]: url for key, url in self.descriptions.items()}
