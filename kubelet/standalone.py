"""What a kubelet without a kubeconfig has in place of an API server: it runs static pods only.

The twin of `Client` takes every write, remembers nothing but the Node, and knows of no object.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping
from typing import Any, Self

from apimachinery.errors import AlreadyExistsError, NotFoundError
from apimachinery.objects import Object, name_of
from apimachinery.scheme import NODES, PODS, Resource


class StandaloneError(Exception):
    """What the configuration asks for needs an API server; upstream's words."""


def check_standalone(configuration: Mapping[str, Any]) -> None:
    """Raises StandaloneError."""
    if configuration["authentication"]["webhook"]["enabled"]:
        raise StandaloneError("no client provided, cannot use webhook authentication")
    if configuration["authorization"]["mode"] == "Webhook":
        raise StandaloneError("no client provided, cannot use webhook authorization")


class NoApiServer:
    def __init__(self) -> None:
        self._nodes: dict[str, Object] = {}

    def beside(self, **ignored: Any) -> Self:
        return self

    async def get(self, resource: Resource, name: str, *ignored: Any, **options: Any) -> Object:
        if resource is NODES and name in self._nodes:
            return self._nodes[name]
        raise NotFoundError(resource, name)

    async def list(self, resource: Resource, *ignored: Any, **options: Any) -> Object:
        return {"metadata": {"resourceVersion": "1"}, "items": []}

    async def watch(
        self, resource: Resource, *ignored: Any, **options: Any
    ) -> AsyncGenerator[tuple[str, Object], None]:
        await asyncio.Event().wait()
        yield "", {}

    async def create(self, resource: Resource, obj: Object, *ignored: Any, **options: Any) -> Object:
        """Mirror pods, which nobody could see, are as good as made."""
        if resource is PODS:
            raise AlreadyExistsError(resource, name_of(obj))
        if resource is NODES:
            self._nodes[name_of(obj)] = obj
        return obj

    async def patch(self, resource: Resource, name: str, *ignored: Any, **options: Any) -> Object:
        return await self.get(resource, name)

    async def delete(self, resource: Resource, name: str, *ignored: Any, **options: Any) -> Object:
        return {}

    async def aclose(self) -> None:
        return None
