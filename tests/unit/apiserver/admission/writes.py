"""Writes as admission plugins see them, and what a plugin makes of one."""

from __future__ import annotations

from typing import Any

import pytest

from apimachinery.errors import StatusError
from apimachinery.objects import Object, deep_copy
from apimachinery.scheme import PODS, Resource
from apiserver.admission.attributes import Attributes, Operation, Plugin
from apiserver.admission.chain import Chain
from apiserver.request import UserInfo

JANE = UserInfo("jane", "7", ("devs",))


def make_pod(**spec: Any) -> Object:
    container = {"name": "c", "image": "busybox"}
    return {"metadata": {"name": "web", "namespace": "shop"}, "spec": {"containers": [container], **spec}}


def write(
    obj: Object | None,
    resource: Resource = PODS,
    operation: Operation = "CREATE",
    *,
    subresource: str = "",
    old: Object | None = None,
    name: str = "web",
    user: UserInfo = JANE,
) -> Attributes:
    namespace = "shop" if resource.namespaced else ""
    return Attributes(operation, resource, subresource, namespace, name, deep_copy(obj), old, user)


class Objects:
    """What the cache would know, by resource and name."""

    def __init__(self, **found: Object) -> None:
        self.found = {name: {"metadata": {"name": name}, **obj} for name, obj in found.items()}

    def lookup(self, resource: Resource, namespace: str, name: str) -> Object | None:
        return self.found.get(name)

    async def fresh(self, resource: Resource, namespace: str, name: str) -> Object | None:
        return self.found.get(name)

    def all(self, resource: Resource) -> list[Object]:
        return list(self.found.values())


async def admit(plugin: Plugin, attributes: Attributes) -> Any:
    chain = Chain([plugin])
    await chain.admit(attributes)
    await chain.validate(attributes)
    return attributes.object


async def refusal(plugin: Plugin, attributes: Attributes) -> StatusError:
    with pytest.raises(StatusError) as caught:
        await admit(plugin, attributes)
    return caught.value
