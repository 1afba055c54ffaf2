"""The controllers of one process, begun together."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any, cast

import pytest

from apimachinery import scheme, volumes
from apimachinery.errors import ServiceUnavailableError, StatusError
from apimachinery.local_path import PROVISIONER
from apimachinery.objects import Object
from apimachinery.scheme import Resource
from client.rest import Client
from controller_manager.manager import run_controllers
from controller_manager.options import Options
from tests.fakes.api_connection import FakeApi

pytestmark = pytest.mark.looptime


def claim() -> Object:
    annotations = {volumes.SELECTED_NODE: "n1", volumes.STORAGE_PROVISIONER: PROVISIONER}
    spec: Any = {
        "storageClassName": "slow",
        "accessModes": ["ReadWriteOnce"],
        "resources": {"requests": {"storage": "1Gi"}},
    }
    return {"metadata": {"name": "data", "namespace": "ns", "annotations": annotations}, "spec": spec}


async def test_controllers_begin_one_after_the_other_if_they_are_to() -> None:
    api = FakeApi()
    await api.create(scheme.NAMESPACES, {"metadata": {"name": "ns"}})
    names = ("deployment-controller", "serviceaccount-controller")
    options = Options(controllers=names, controller_start_interval=60.0)
    work = asyncio.create_task(run_controllers(cast(Client, api), options, api.now))
    await asyncio.sleep(50)
    assert api.find(scheme.SERVICE_ACCOUNTS) == []
    await asyncio.sleep(200)
    assert len(api.find(scheme.SERVICE_ACCOUNTS)) == 1
    work.cancel()
    with suppress(asyncio.CancelledError):
        await work


async def test_nobody_decides_before_all_caches_are_complete() -> None:
    api = FakeApi()

    def refuse(verb: str, resource: Resource, obj: Object) -> StatusError | None:
        if (verb, resource) == ("list", scheme.STORAGE_CLASSES):
            return ServiceUnavailableError("etcdserver: leader changed")
        return None

    waits = {"provisioner": PROVISIONER, "volumeBindingMode": "WaitForFirstConsumer"}
    await api.create(scheme.STORAGE_CLASSES, {"metadata": {"name": "slow"}, **waits})
    await api.create(scheme.NODES, {"metadata": {"name": "n1"}})
    await api.create(scheme.PERSISTENT_VOLUME_CLAIMS, claim())
    api.refusals.append(refuse)
    options = Options(controllers=("local-path-provisioner-controller",))
    work = asyncio.create_task(run_controllers(cast(Client, api), options, api.now))
    await asyncio.sleep(5)
    api.refusals.remove(refuse)
    await asyncio.sleep(60)
    assert len(api.find(scheme.PERSISTENT_VOLUMES)) == 1
    work.cancel()
    with suppress(asyncio.CancelledError):
        await work
