"""Definitions and their instances, made and waited for."""

from __future__ import annotations

from collections.abc import Callable

from apimachinery.objects import Object
from tests.fakes.api import Answer, Api
from tests.unit.apiserver.customresources.builders import DEFINITIONS

TEXT = {"type": "string"}
MERGE = {"content-type": "application/merge-patch+json"}


async def define(api: Api, made: Object) -> None:
    """Returns once it is served."""
    answer = await api.request("POST", DEFINITIONS, made)
    assert answer.status == 201, answer.json
    await established(api)


async def until(api: Api, path: str, is_so: Callable[[Object], object], since: str = "") -> None:
    """Watches, from a revision on or from what there is, until an event is what is waited for."""
    async with api.watch(f"{path}?watch=1&resourceVersion={since}") as watching:
        while not is_so((await watching.take(1))[0]):
            pass
    await api.cache.fresh()


async def established(api: Api) -> None:
    await until(api, DEFINITIONS, lambda event: event["object"]["status"]["conditions"])


async def gone(api: Api) -> None:
    found = await api.request("GET", f"{DEFINITIONS}/things.example.com")
    if found.status != 404:
        since = found.json["metadata"]["resourceVersion"]
        await until(api, DEFINITIONS, lambda event: event["type"] == "DELETED", since)


async def create(api: Api, obj: Object) -> Answer:
    group_version = obj["apiVersion"]
    return await api.request("POST", f"/apis/{group_version}/namespaces/default/things", obj)
