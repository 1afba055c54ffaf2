"""The scale subresource of whatever an autoscaler's scaleTargetRef names."""

from __future__ import annotations

from dataclasses import dataclass

from apimachinery.errors import StatusError
from apimachinery.objects import Object, get_path, name_of, namespace_of
from apimachinery.resource import Resource
from client.errors import ConnectionFailed
from client.rest import Client
from client.retry import retry_on_conflict
from controller_manager.horizontal_pod_autoscaler.kinds import Kinds, UnknownKind


class Unscalable(Exception):
    """The target cannot be found, has no scale, or cannot be scaled now."""


@dataclass(frozen=True, slots=True)
class Scale:
    """A target as its scale shows it."""

    resource: Resource
    obj: Object

    @property
    def replicas(self) -> int:
        """As they are wanted."""
        return int(get_path(self.obj, "spec.replicas", 0))

    @property
    def status_replicas(self) -> int:
        return int(get_path(self.obj, "status.replicas", 0))

    @property
    def selector(self) -> str:
        return str(get_path(self.obj, "status.selector", ""))


class Scales:
    def __init__(self, client: Client, kinds: Kinds) -> None:
        self._client = client
        self._kinds = kinds

    async def of(self, autoscaler: Object) -> Scale:
        """Raises Unscalable."""
        reference = autoscaler["spec"]["scaleTargetRef"]
        api_version = reference.get("apiVersion") or "v1"
        group = api_version.rpartition("/")[0]
        if "/" in group:
            raise Unscalable(f"unexpected GroupVersion string: {api_version}")
        try:
            resource = await self._kinds.resource(group, reference["kind"])
            return Scale(resource, await self._read(resource, namespace_of(autoscaler), reference["name"]))
        except (UnknownKind, StatusError, ConnectionFailed) as error:
            raise Unscalable(str(error)) from error

    async def set(self, scale: Scale, replicas: int) -> None:
        """Whatever else has changed meanwhile does not matter. Raises Unscalable."""
        known: Object | None = scale.obj

        async def attempt() -> None:
            nonlocal known
            seen, known = known, None
            if seen is None:
                seen = await self._read(scale.resource, namespace_of(scale.obj), name_of(scale.obj))
            changed = {**seen, "spec": {**seen["spec"], "replicas": replicas}}
            await self._client.update(scale.resource, changed, subresource="scale")

        try:
            await retry_on_conflict(attempt)
        except (StatusError, ConnectionFailed) as error:
            raise Unscalable(str(error)) from error

    async def _read(self, resource: Resource, namespace: str, name: str) -> Object:
        return await self._client.get(resource, name, namespace, subresource="scale")
