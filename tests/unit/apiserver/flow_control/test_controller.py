"""The objects of flow control: who manages which of their fields."""

from __future__ import annotations

import asyncio
from typing import Any

from apimachinery.objects import Object
from apimachinery.scheme import FLOW_SCHEMAS, PRIORITY_LEVEL_CONFIGURATIONS
from apiserver.bootstrap.reconcile import Bootstrapper
from apiserver.flow_control.controller import PRODUCER, FlowController
from apiserver.flow_control.levels import Levels
from apiserver.registry.stores import store_of
from tests.fakes.api import Api, serving

SCHEMAS = "/apis/flowcontrol.apiserver.k8s.io/v1/flowschemas"
LEVELS = "/apis/flowcontrol.apiserver.k8s.io/v1/prioritylevelconfigurations"
MERGE = {"content-type": "application/merge-patch+json"}


def controller(api: Api) -> FlowController:
    schemas, levels = (store_of(api.stores, each) for each in (FLOW_SCHEMAS, PRIORITY_LEVEL_CONFIGURATIONS))
    return FlowController(schemas, levels, Bootstrapper(api.stores, PRODUCER), Levels(600, lambda: 0.0))


def managers(obj: Object) -> list[tuple[Any, ...]]:
    return [
        (each["manager"], each["operation"], each.get("subresource"), sorted(each["fieldsV1"]))
        for each in obj["metadata"]["managedFields"]
    ]


PRODUCED = (PRODUCER, "Update", None, ["f:metadata", "f:spec"])
CONSUMED = ("api-priority-and-fairness-config-consumer-v1", "Apply", "status", ["f:status"])


async def test_what_every_cluster_has_is_the_producers_and_its_conditions_are_the_consumers() -> None:
    async with serving() as api:
        flows = controller(api)
        await flows.ensure()
        running = asyncio.create_task(flows.run())
        async with api.watch(f"{SCHEMAS}?watch=1&fieldSelector=metadata.name%3Dprobes") as watching:
            while "status" not in (event := (await watching.take(1))[0]["object"]) or not event["status"]:
                pass
        level = (await api.request("GET", f"{LEVELS}/system")).json
        running.cancel()
    assert sorted(managers(event)) == [CONSUMED, PRODUCED]
    assert event["status"]["conditions"][0]["type"] == "Dangling"
    assert managers(level) == [PRODUCED]


async def test_what_is_put_right_is_the_producers() -> None:
    async with serving() as api:
        flows = controller(api)
        await flows.ensure()
        await api.request("PATCH", f"{SCHEMAS}/catch-all", {"spec": {"matchingPrecedence": 9}}, MERGE)
        await flows.ensure()
        schema = (await api.request("GET", f"{SCHEMAS}/catch-all")).json
    assert schema["spec"]["matchingPrecedence"] == 10000
    assert managers(schema) == [PRODUCED]
