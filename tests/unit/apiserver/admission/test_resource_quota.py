"""ResourceQuota admission: what there is room for, and what is charged."""

from datetime import UTC, datetime
from typing import Any

import orjson
import pytest

from apimachinery import scheme
from apimachinery.errors import ForbiddenError
from apimachinery.objects import Object
from apimachinery.quota.usage import usage_of
from apimachinery.resource import Resource
from apiserver.admission.attributes import Attributes
from apiserver.admission.resource_quota import ResourceQuota, charged, check, concerns
from apiserver.registry.transaction import Transactions
from apiserver.request import UserInfo
from apiserver.storage.memory import MemoryStorage
from apiserver.storage.resource_cache import ResourceCache

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def quota(hard: Object, used: Object, **spec: Any) -> Object:
    return {
        "metadata": {"name": "q", "namespace": "ns"},
        "spec": spec,
        "status": {"hard": hard, "used": used},
    }


def pod(**requests: str) -> Object:
    container = {"name": "c", "resources": {"requests": requests}}
    return {"metadata": {"name": "p"}, "spec": {"containers": [container]}}


def creating(resource: Resource, obj: Object) -> Attributes:
    return Attributes("CREATE", resource, "", "ns", "p", obj, None, UserInfo("u"))


@pytest.mark.parametrize(
    ("hard", "used", "obj", "refusal"),
    [
        ({"pods": "2"}, {"pods": "1"}, pod(), ""),
        (
            {"pods": "1"}, {"pods": "1"}, pod(),
            "exceeded quota: q, requested: pods=1, used: pods=1, limited: pods=1",
        ),
        (
            {"requests.cpu": "1", "requests.memory": "1Gi"}, {"requests.cpu": "0", "requests.memory": "0"},
            pod(cpu="2", memory="2Gi"),
            "exceeded quota: q, requested: requests.cpu=2,requests.memory=2Gi, "
            "used: requests.cpu=0,requests.memory=0, limited: requests.cpu=1,requests.memory=1Gi",
        ),
        ({"cpu": "1"}, {"cpu": "0"}, pod(), "failed quota: q: must specify cpu for: c"),
        ({"pods": "1"}, {}, pod(), "status unknown for quota: q, resources: pods"),
    ],
)  # fmt: skip
def test_room(hard: Object, used: Object, obj: Object, refusal: str) -> None:
    attributes, growth = creating(scheme.PODS, obj), usage_of(scheme.PODS, obj, NOW)
    if not refusal:
        check(quota(hard, used), attributes, growth)
        return
    with pytest.raises(ForbiddenError) as raised:
        check(quota(hard, used), attributes, growth)
    assert str(raised.value) == f'pods "p" is forbidden: {refusal}'


def test_a_quota_is_charged_for_what_it_asks_about() -> None:
    before = quota({"pods": "9", "cpu": "2"}, {"pods": "3", "cpu": "1500m"})
    after = charged(before, usage_of(scheme.PODS, pod(cpu="200m"), NOW)) or {}
    assert after["status"]["used"] == {"pods": "4", "cpu": "1700m"}
    assert charged(before, usage_of(scheme.SECRETS, {}, NOW)) is None


def test_quotas_concern_kinds_and_scopes() -> None:
    assert concerns(quota({"pods": "1"}, {}), scheme.PODS, pod())
    assert not concerns(quota({"pods": "1"}, {}), scheme.SECRETS, {})
    assert not concerns(quota({"pods": "1"}, {}, scopes=["NotBestEffort"]), scheme.PODS, pod())


async def test_a_resized_pod_needs_room_for_what_it_grows_by() -> None:
    book = quota({"requests.cpu": "2"}, {"requests.cpu": "1500m"})
    transactions = Transactions(MemoryStorage(), ResourceCache(scheme.RESOURCE_QUOTAS))
    plugin = ResourceQuota(lambda namespace: [book], transactions, lambda: NOW)
    assert plugin.handles("UPDATE", scheme.PODS, "resize")

    def resizing(cpu: str) -> Attributes:
        return Attributes(
            "UPDATE",
            scheme.PODS,
            "resize",
            "ns",
            "p",
            pod(cpu=cpu),
            pod(cpu="1"),
            UserInfo("u"),
            dry_run=True,
        )

    await plugin.validate(resizing("1500m"))
    with pytest.raises(ForbiddenError) as raised:
        await plugin.validate(resizing("1600m"))
    assert str(raised.value).endswith(
        "exceeded quota: q, requested: requests.cpu=600m, used: requests.cpu=1500m, limited: requests.cpu=2"
    )


@pytest.mark.parametrize(
    ("deadline", "scope", "charge"),
    [
        (60, "Terminating", {"pods": "1"}),
        (60, "NotTerminating", {}),
        (None, "Terminating", {}),
        (None, "NotTerminating", {}),
    ],
)
async def test_a_pod_that_is_given_an_end_changes_its_quota(
    deadline: int | None, scope: str, charge: Object
) -> None:
    book = quota({"pods": "1"}, {"pods": "0"}, scopes=[scope])
    storage, key = MemoryStorage(), scheme.RESOURCE_QUOTAS.storage_key("ns", "q")
    await storage.create(key, orjson.dumps(book))
    plugin = ResourceQuota(
        lambda namespace: [book], Transactions(storage, ResourceCache(scheme.RESOURCE_QUOTAS)), lambda: NOW
    )
    assert plugin.handles("UPDATE", scheme.PODS, "")
    updated = pod()
    updated["spec"]["activeDeadlineSeconds"] = deadline
    await plugin.validate(Attributes("UPDATE", scheme.PODS, "", "ns", "p", updated, pod(), UserInfo("u")))
    stored = await storage.get(key)
    assert stored is not None
    assert {n: v for n, v in orjson.loads(stored.value)["status"]["used"].items() if v != "0"} == charge
