"""The demo is applied once; a second `up` leaves what is there alone."""

import asyncio
from typing import Any, cast

import pytest

from apimachinery.errors import NotFoundError
from client.rest import Client
from kubeadm import demo

SERVICE = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "hello"}}


class FakeClient:
    def __init__(self, names: set[str]) -> None:
        self.names = names
        self.created: list[str] = []

    async def get(self, resource: Any, name: str, namespace: str) -> Any:
        if name not in self.names:
            raise NotFoundError(resource.plural, name)
        return SERVICE

    async def create(self, resource: Any, obj: Any, namespace: str) -> None:
        self.created.append(obj["metadata"]["name"])


@pytest.mark.parametrize(
    ("names", "line", "created"),
    [
        pytest.param(set(), "service/hello", ["hello"], id="missing"),
        pytest.param({"hello"}, "service/hello unchanged", [], id="there, with its node port allocated"),
    ],
)
async def test_an_object_is_created_only_if_it_is_missing(
    names: set[str], line: str, created: list[str]
) -> None:
    client = FakeClient(names)
    assert await demo._create(cast(Client, client), SERVICE) == line
    assert client.created == created


@pytest.mark.looptime
async def test_a_demo_that_does_not_come_up_says_what_did_not_happen() -> None:
    with pytest.raises(TimeoutError, match="the pods are not Ready"):
        async with demo._within(90, "the pods are not Ready"):
            await asyncio.Event().wait()
