"""All workload controllers together while everything goes wrong: no bound is exceeded, and all comes right.

Watches lose events and break, writes fail, requests take their time, controllers are killed at whatever they
wait for, users change their minds, evictions come as budgets allow them. What must hold is looked at after
every single write, in virtual time.
"""

from __future__ import annotations

import asyncio
import random
from contextlib import suppress

import pytest

from apimachinery.conditions import is_condition_true
from apimachinery.errors import ForbiddenError, StatusError
from apimachinery.objects import (
    NamespacedName,
    Object,
    controller_of,
    deep_copy,
    get_path,
    is_terminating,
    labels_of,
    name_of,
    uid_of,
)
from apimachinery.pods import is_ready, is_terminal
from apimachinery.resource_claims import FINALIZER, claims_of_pod, is_allocated, is_reserved_for, reserved
from apimachinery.scheme import (
    CONTROLLER_REVISIONS,
    DEPLOYMENTS,
    JOBS,
    POD_DISRUPTION_BUDGETS,
    PODS,
    REPLICA_SETS,
    RESOURCE_CLAIM_TEMPLATES,
    RESOURCE_CLAIMS,
    RESOURCE_QUOTAS,
    STATEFUL_SETS,
    Resource,
)
from apimachinery.times import format_time
from client.errors import ConnectionFailed
from controller_manager.deployment import DeploymentController
from controller_manager.disruption.controller import DisruptionController
from controller_manager.disruption.stale import StaleDisruptionController
from controller_manager.job.controller import JobController
from controller_manager.replicaset import ReplicaSetController
from controller_manager.resource_claim import ResourceClaimController
from controller_manager.resource_quota.controller import ResourceQuotaController
from controller_manager.stateful_set.controller import StatefulSetController
from tests.unit.controller_manager.builders import make_deployment, make_job, make_stateful_set, make_template
from tests.unit.controller_manager.cluster import Cluster, Slow, running, unreliable

pytestmark = pytest.mark.looptime

WEB, SURGE, UNAVAILABLE = 4, 1, 1
DB, LEAST_DB = 3, 2
COMPLETIONS, PARALLELISM = 30, 6
QUOTA = 12
"""Room for the web and the database as they change, and for only some of the Job at a time."""
CONTROLLERS = [
    DeploymentController, ReplicaSetController, StatefulSetController, JobController,
    DisruptionController, StaleDisruptionController, ResourceQuotaController, ResourceClaimController,
]  # fmt: skip
KINDS = [
    DEPLOYMENTS, REPLICA_SETS, STATEFUL_SETS, CONTROLLER_REVISIONS, JOBS, POD_DISRUPTION_BUDGETS,
    RESOURCE_QUOTAS, RESOURCE_CLAIM_TEMPLATES, RESOURCE_CLAIMS,
]  # fmt: skip
DEVICES = 4
"""Of which each pod of the Job claims one: less than may run at a time."""


class Turmoil(Cluster):
    """The API charges quotas and lets evictions through as the real one does; broken bounds are noted."""

    def __init__(self, rng: random.Random) -> None:
        super().__init__(CONTROLLERS, KINDS)
        self.random = rng
        self.connection = Slow(self.api, rng)
        self.api.graceful = True
        self.api.on_change = self.check
        self.version = 0
        self.broken: list[str] = []
        self.begun: set[str] = set()
        """Whose pods were all ready once: from then on they may not be too few."""

    async def run(self) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(self._hand_out())
            await super().run()

    def outcome(self, pod: Object) -> str:
        if labels_of(pod)["app"] != "job":
            return ""
        return self.random.choice(["", "Succeeded", "Succeeded", "Failed"])

    def pods(self, app: str) -> list[Object]:
        """Those that are not on their way out."""
        found = [pod for pod in self.api.find(PODS) if labels_of(pod)["app"] == app]
        return [pod for pod in found if not is_terminating(pod) and not is_terminal(pod)]

    def ready(self, app: str) -> int:
        return sum(map(is_ready, self.pods(app)))

    # What must hold

    def check(self) -> None:
        """Surge is what ReplicaSets are asked for, as upstream has it: one that lags has old pods as well."""
        for app, count, least in (("web", WEB, WEB - UNAVAILABLE), ("db", DB, LEAST_DB)):
            if self.ready(app) == count:
                self.begun.add(app)
            if app in self.begun:
                self._hold(self.ready(app) >= least, f"{app}: only {self.ready(app)} are ready")
        for app, most in (("db", DB), ("job", PARALLELISM)):
            self._hold(len(self.pods(app)) <= most, f"{app}: {len(self.pods(app))} at a time")
        wanted = sum(each["spec"]["replicas"] for each in self.api.find(REPLICA_SETS))
        self._hold(wanted <= WEB + SURGE, f"web: {wanted} are wanted at a time")
        self._hold(self.charged() <= QUOTA, f"quota: {self.charged()} pods")
        self.check_claims()

    def check_claims(self) -> None:
        """Who has a node keeps what it claims as long as it may run, and nobody gets two claims."""
        claims = {NamespacedName("ns", name_of(each)): each for each in self.api.find(RESOURCE_CLAIMS)}
        for pod in self.api.find(PODS):
            for key in claims_of_pod(pod) if pod["spec"].get("nodeName") and not is_terminal(pod) else ():
                claim = claims.get(key, {})
                kept = is_allocated(claim) and is_reserved_for(claim, uid_of(pod))
                self._hold(kept, f"claim: {key.name} was taken from {name_of(pod)}")
        owners = [(controller_of(each) or {}).get("uid") for each in claims.values()]
        self._hold(len(owners) == len(set(owners)), f"claim: {owners} own one each")

    def _hold(self, holds: bool, text: str) -> None:
        if not holds:
            self.broken.append(f"{text} after {self.api.calls[-1]}")

    def charged(self) -> int:
        return sum(not is_terminal(pod) for pod in self.api.find(PODS))

    # What the API server does

    def charge(self, verb: str, resource: Resource, obj: Object) -> StatusError | None:
        """A new pod is charged to the quota, or refused."""
        if verb != "create" or resource is not PODS:
            return None
        [quota] = deep_copy(self.api.find(RESOURCE_QUOTAS))
        used = int(quota["status"]["used"]["pods"])
        if used >= QUOTA:
            return ForbiddenError(PODS, name_of(obj), "exceeded quota: q")
        quota["status"]["used"]["pods"] = str(used + 1)
        self.api.put(RESOURCE_QUOTAS, quota)
        return None

    async def evict(self) -> None:
        """One of the database's pods, if its budget allows it."""
        [budget] = deep_copy(self.api.find(POD_DISRUPTION_BUDGETS))
        status = budget.get("status") or {}
        pods = [pod for pod in self.pods("db") if name_of(pod) not in status.get("disruptedPods", {})]
        is_current = status.get("observedGeneration", 0) >= budget["metadata"]["generation"]
        if not pods or not is_current or status.get("disruptionsAllowed", 0) <= 0:
            return
        pod = self.random.choice(pods)
        status["disruptionsAllowed"] -= 1
        status.setdefault("disruptedPods", {})[name_of(pod)] = format_time(self.api.now())
        self.api.put(POD_DISRUPTION_BUDGETS, budget)
        await self.api.delete(PODS, name_of(pod), "ns")

    # What the scheduler, the kubelet and the garbage collector do for claims

    async def _hand_out(self) -> None:
        while True:
            await asyncio.sleep(1)
            for pod in self.api.find(PODS):
                self._schedule(pod)
            owners = {uid_of(pod) for pod in self.api.find(PODS)}
            for claim in self.api.find(RESOURCE_CLAIMS):
                if (controller_of(claim) or {}).get("uid") not in owners and not is_terminating(claim):
                    with suppress(StatusError, ConnectionFailed):
                        await self.api.delete(RESOURCE_CLAIMS, name_of(claim), "ns")

    def _schedule(self, pod: Object) -> None:
        """One with a claim gets a node together with a device."""
        claims = self.api.find(RESOURCE_CLAIMS)
        [mine] = [each for each in claims if NamespacedName("ns", name_of(each)) in claims_of_pod(pod)] or [
            None
        ]
        is_done = pod["spec"].get("nodeName") or is_terminating(pod) or is_terminal(pod)
        if mine is None or is_done or is_terminating(mine) or sum(map(is_allocated, claims)) >= DEVICES:
            return
        claim = reserved(deep_copy(mine), pod)
        claim["metadata"]["finalizers"] = [FINALIZER]
        claim["status"]["allocation"] = {}
        self.api.put(RESOURCE_CLAIMS, claim)
        self.api.put(PODS, {**pod, "spec": {**pod["spec"], "nodeName": "n"}})

    async def _see_to(self, pod: Object) -> None:
        if pod["spec"].get("resourceClaims") and not pod["spec"].get("nodeName") and not is_terminating(pod):
            return
        await super()._see_to(pod)

    # What goes wrong

    async def trouble(self) -> None:
        match self.random.randrange(8):
            case 0:
                self.kill_manager()
            case 1:
                with self.api.lose_events():
                    await asyncio.sleep(self.random.random() * 3)
                self.api.compact()
                self.api.break_watches()
            case 2:
                self.api.break_watches()
            case 3:
                await self.roll_out()
            case 4:
                await self.delete_one_of_the_job()
            case _:
                await self.evict()

    async def delete_one_of_the_job(self) -> None:
        """It has its device until it has ended."""
        if pods := self.pods("job"):
            await self.api.delete(PODS, name_of(self.random.choice(pods)), "ns")

    async def roll_out(self) -> None:
        """Always something new: a set that is wanted again still tells of pods that it is about to delete."""
        self.version += 1
        template = make_template(f"web:{self.version}", app="web")
        await self.api.patch(DEPLOYMENTS, "web", {"spec": {"template": template}}, "ns")

    # What is wanted in the end

    def is_as_wanted(self) -> bool:
        [deployment], [database], [job] = map(self.api.find, (DEPLOYMENTS, STATEFUL_SETS, JOBS))
        [budget], [quota] = map(self.api.find, (POD_DISRUPTION_BUDGETS, RESOURCE_QUOTAS))
        image = deployment["spec"]["template"]["spec"]["containers"][0]["image"]
        images = [pod["spec"]["containers"][0]["image"] for pod in self.pods("web")]
        return (
            images == [image] * WEB
            and get_path(deployment, "status.availableReplicas") == WEB
            and get_path(database, "status.availableReplicas") == DB == self.ready("db")
            and is_condition_true(job, "Complete")
            and get_path(job, "status.succeeded") == COMPLETIONS
            and not self.api.find(RESOURCE_CLAIMS)
            and get_path(budget, "status.disruptionsAllowed") == DB - LEAST_DB
            and get_path(quota, "status.used.pods") == str(self.charged()) == str(WEB + DB)
        )


def database() -> Object:
    found = make_stateful_set(DB, selector={"matchLabels": {"app": "db"}}, template=make_template(app="db"))
    found["metadata"] |= {"name": "db", "uid": "db"}
    return found


def budget() -> Object:
    spec = {"minAvailable": LEAST_DB, "selector": {"matchLabels": {"app": "db"}}}
    return {"metadata": {"name": "db", "namespace": "ns"}, "spec": spec}


async def begin(it: Turmoil) -> None:
    quota = {"metadata": {"name": "q", "namespace": "ns"}, "spec": {"hard": {"pods": str(QUOTA)}}}
    await it.api.create(RESOURCE_QUOTAS, quota)
    await it.until(lambda: bool(it.api.find(RESOURCE_QUOTAS)[0].get("status")))
    it.api.refusals.append(it.charge)
    await it.api.create(DEPLOYMENTS, make_deployment(WEB, surge=SURGE, unavailable=UNAVAILABLE))
    await it.api.create(STATEFUL_SETS, database())
    await it.api.create(POD_DISRUPTION_BUDGETS, budget())
    await it.until(lambda: it.begun == {"web", "db"})
    template = {"metadata": {"name": "device", "namespace": "ns"}, "spec": {"spec": {"devices": {}}}}
    await it.api.create(RESOURCE_CLAIM_TEMPLATES, template)
    await it.api.create(JOBS, claiming_job())


def claiming_job() -> Object:
    job = make_job(COMPLETIONS, PARALLELISM, backoffLimit=10**6)
    wanted = {"name": "device", "resourceClaimTemplateName": "device"}
    job["spec"]["template"]["spec"]["resourceClaims"] = [wanted]
    return job


@pytest.mark.parametrize("seed", range(6))
async def test_no_bound_is_exceeded_and_all_comes_right(seed: int) -> None:
    rng = random.Random(seed)
    async with running(Turmoil(rng)) as it:
        await begin(it)
        refusal = unreliable(rng)
        it.api.refusals.insert(0, refusal)
        for _ in range(60):
            await asyncio.sleep(rng.random() * 3)
            with suppress(StatusError, ConnectionFailed):
                await it.trouble()
        it.api.refusals.remove(refusal)
        await it.until(it.is_as_wanted, 5000)
        assert it.broken == []
