"""Claims of devices: made from templates for pods, reserved, given back."""

import asyncio
import random
from typing import Any

import pytest

from apimachinery.objects import Object, get_path, name_of
from apimachinery.resource_claims import FINALIZER, POD_CLAIM_NAME
from apimachinery.scheme import PODS, RESOURCE_CLAIM_TEMPLATES, RESOURCE_CLAIMS
from client.errors import ConnectionFailed
from controller_manager.resource_claim import ClaimPlan, ResourceClaimController, name_prefix, plan_claim
from tests.unit.controller_manager.cluster import Cluster, Slow, running

SPEC: Object = {"devices": {"requests": [{"name": "gpu", "exactly": {"deviceClassName": "gpus"}}]}}
TEMPLATE: Object = {
    "metadata": {"name": "gpu", "namespace": "ns"},
    "spec": {"metadata": {"labels": {"kind": "gpu"}}, "spec": SPEC},
}
ALLOCATION = {"devices": {"results": []}}


def user(name: str) -> Object:
    return {"resource": "pods", "name": name, "uid": name}


def claim(*users: str, allocated: bool = True, terminating: bool = False, held: bool = True) -> Object:
    metadata: Object = {"name": "c", "finalizers": [FINALIZER] if held else []}
    if terminating:
        metadata["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    status: Object = {"allocation": ALLOCATION} if allocated else {}
    if users:
        status["reservedFor"] = [user(name) for name in users]
    return {"metadata": metadata, "status": status}


@pytest.mark.parametrize(
    ("it", "gone", "is_owner_done", "expected"),
    [
        pytest.param(claim("a"), "", False, ClaimPlan(), id="it is in use"),
        pytest.param(
            claim("a", "b"), "a", False,
            ClaimPlan({"allocation": ALLOCATION, "reservedFor": [user("b")]}), id="one of its users is gone",
        ),
        pytest.param(claim("a"), "a", False, ClaimPlan({}, frees=True), id="the last is gone"),
        pytest.param(
            claim("a", held=False), "a", False, ClaimPlan({"allocation": ALLOCATION}),
            id="what somebody else has allocated is theirs",
        ),
        pytest.param(claim(), "", False, ClaimPlan(), id="allocated, and not used yet"),
        pytest.param(claim(terminating=True), "", False, ClaimPlan({}, frees=True), id="deleted unused"),
        pytest.param(
            claim(allocated=False, terminating=True), "", False, ClaimPlan(frees=True),
            id="deleted before it got anything",
        ),
        pytest.param(claim("a", terminating=True), "", False, ClaimPlan(), id="deleted in use"),
        pytest.param(
            claim("a"), "a", True, ClaimPlan({}, frees=True, deletes=True), id="its pod has ended",
        ),
        pytest.param(claim("a"), "", True, ClaimPlan(), id="another pod uses what is an ended one's"),
    ],
)  # fmt: skip
def test_what_becomes_of_a_claim(it: Object, gone: str, is_owner_done: bool, expected: ClaimPlan) -> None:
    assert plan_claim(it, frozenset(gone), is_owner_done) == expected


@pytest.mark.parametrize(
    ("pod", "name", "expected"),
    [("web", "gpu", "web-gpu-"), ("p" * 50, "c" * 20, f"{'p' * 39}-{'c' * 15}")],
)
def test_generated_names_keep_something_of_both(pod: str, name: str, expected: str) -> None:
    assert name_prefix(pod, name) == expected


def pod(name: str = "web", *, node: str = "", **reference: str) -> Object:
    reference = reference or {"resourceClaimTemplateName": "gpu"}
    spec: Object = {
        "containers": [{"name": "c", "image": "busybox"}],
        "resourceClaims": [{"name": "card", **reference}],
    }
    return {
        "metadata": {"name": name, "namespace": "ns"},
        "spec": spec | ({"nodeName": node} if node else {}),
    }


class Devices(Cluster):
    """Its pods stay what they are until a test says so."""

    def __init__(self) -> None:
        super().__init__([ResourceClaimController], [RESOURCE_CLAIMS, RESOURCE_CLAIM_TEMPLATES])

    async def _see_to(self, pod: Object) -> None:
        return

    def claims(self) -> list[Object]:
        return self.api.find(RESOURCE_CLAIMS)

    def told(self) -> Any:
        return get_path(self.api.find(PODS)[0], "status.resourceClaimStatuses")


@pytest.mark.looptime
async def test_a_claim_is_made_from_its_template_and_told() -> None:
    it = Devices()
    made = await it.api.create(PODS, pod())
    async with running(it):
        await it.until(lambda: bool(it.events("FailedResourceClaimCreation")))
        assert it.events("FailedResourceClaimCreation") == [
            'PodResourceClaim card: resource claim template "gpu": '
            'resourceclaimtemplate.resource.k8s.io "gpu" not found'
        ]
        await it.api.create(RESOURCE_CLAIM_TEMPLATES, TEMPLATE)
        await it.until(lambda: it.told() is not None)
    (claim,) = it.claims()
    assert it.told() == [{"name": "card", "resourceClaimName": name_of(claim)}]
    assert name_of(claim).startswith("web-card-")
    assert claim["metadata"]["labels"] == {"kind": "gpu"}
    assert claim["metadata"]["annotations"] == {POD_CLAIM_NAME: "card"}
    assert claim["metadata"]["ownerReferences"][0]["uid"] == made["metadata"]["uid"]
    assert claim["spec"] == SPEC


@pytest.mark.looptime
async def test_a_pod_that_could_not_be_told_gets_no_second_claim() -> None:
    it = Devices()
    await it.api.create(RESOURCE_CLAIM_TEMPLATES, TEMPLATE)
    await it.api.create(PODS, pod())
    refusals = iter([TimeoutError("too late")] * 3)
    it.api.refusals.append(
        lambda verb, resource, obj: next(refusals, None) if (verb, resource) == ("patch", PODS) else None
    )
    async with running(it):
        await it.until(lambda: it.told() is not None)
    assert len(it.claims()) == 1


@pytest.mark.looptime
async def test_devices_are_given_back_when_the_last_pod_has_ended() -> None:
    it = Devices()
    await it.api.create(PODS, pod("a", node="n1", resourceClaimName="c"))
    await it.api.create(PODS, pod("b", node="n1", resourceClaimName="c"))
    await it.api.create(RESOURCE_CLAIMS, {"metadata": {"name": "c", "namespace": "ns"}, "spec": SPEC})
    async with running(it):
        fresh = it.claims()[0]
        held = {**fresh, "metadata": {**fresh["metadata"], "finalizers": [FINALIZER]}}
        await it.api.update_status(RESOURCE_CLAIMS, {**held, "status": {"allocation": ALLOCATION}})
        await it.until(lambda: len(get_path(it.claims()[0], "status.reservedFor", [])) == 2)
        await it._set_status(it.api.find(PODS)[0], "Succeeded", ready=False)
        await it.until(lambda: len(get_path(it.claims()[0], "status.reservedFor", [])) == 1)
        await it.api.delete(PODS, "b", "ns")
        await it.until(lambda: not it.claims()[0]["metadata"].get("finalizers"))
    assert it.claims()[0]["status"] == {}


@pytest.mark.looptime
async def test_a_pod_is_told_when_the_cache_has_caught_up() -> None:
    it = Devices()
    await it.api.create(RESOURCE_CLAIM_TEMPLATES, TEMPLATE)
    it.connection = Slow(it.api, random.Random(0))
    failures = iter([ConnectionFailed("lost")] * 2)
    it.api.refusals.append(
        lambda verb, resource, obj: next(failures, None) if (verb, resource) == ("patch", PODS) else None
    )
    async with running(it):
        await asyncio.sleep(5)
        with it.api.lose_events():  # the cache will not learn of the claim for a while
            await it.api.create(PODS, pod())
        it.api.compact()
        it.api.break_watches()
        await it.until(lambda: it.told() is not None)
    assert len(it.claims()) == 1


@pytest.mark.looptime
async def test_the_claim_of_an_ended_pod_goes_before_the_pod_does() -> None:
    it = Devices()
    await it.api.create(RESOURCE_CLAIM_TEMPLATES, TEMPLATE)
    await it.api.create(PODS, pod())
    async with running(it):
        await it.until(lambda: it.told() is not None)
        await it._set_status(it.api.find(PODS)[0], "Failed", ready=False)
        await it.until(lambda: not it.claims())
