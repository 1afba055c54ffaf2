"""All workload controllers together while everything goes wrong: no bound is exceeded, and all comes right.

Watches lose events and break, writes fail, requests take their time, controllers are killed at whatever they
wait for, users change their minds, evictions come as budgets allow them. All in virtual time.
"""

from __future__ import annotations

import asyncio
import random
from contextlib import ExitStack, suppress

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
from apimachinery.pods import is_terminal
from apimachinery.resource_claims import FINALIZER, claims_of_pod, is_allocated, reserved
from apimachinery.scheme import (
    CONTROLLER_REVISIONS,
    DAEMON_SETS,
    DEPLOYMENTS,
    JOBS,
    PERSISTENT_VOLUME_CLAIMS,
    POD_DISRUPTION_BUDGETS,
    PODS,
    REPLICA_SETS,
    RESOURCE_CLAIM_TEMPLATES,
    RESOURCE_CLAIMS,
    RESOURCE_QUOTAS,
    STATEFUL_SETS,
    Resource,
)
from apimachinery.scheme import NODES as NODE_KIND
from apimachinery.times import format_time
from apimachinery.volumes import claims_of_pod as volume_claims_of
from client.errors import ConnectionFailed
from controller_manager.daemon_set.controller import DaemonSetController
from controller_manager.daemon_set.placement import node_of
from controller_manager.deployment import DeploymentController
from controller_manager.disruption.controller import DisruptionController
from controller_manager.disruption.stale import StaleDisruptionController
from controller_manager.job.controller import JobController
from controller_manager.options import Options
from controller_manager.replicaset import ReplicaSetController
from controller_manager.resource_claim import ResourceClaimController
from controller_manager.resource_quota.controller import ResourceQuotaController
from controller_manager.stateful_set.controller import StatefulSetController
from controller_manager.volume_protection import CLAIM_PROTECTION, ClaimProtectionController
from tests.unit.controller_manager.builders import (
    make_daemon_set,
    make_deployment,
    make_job,
    make_node,
    make_stateful_set,
    make_template,
)
from tests.unit.controller_manager.cluster import Cluster, Late, running, unreliable
from tests.unit.controller_manager.turmoil_bounds import (
    COMPLETIONS,
    DB,
    LEAST_DB,
    LOG,
    NODES,
    PARALLELISM,
    QUOTA,
    SURGE,
    UNAVAILABLE,
    WEB,
    Bounds,
    image_of,
)

pytestmark = pytest.mark.looptime

CONTROLLERS = [
    DeploymentController, ReplicaSetController, StatefulSetController, DaemonSetController, JobController,
    DisruptionController, StaleDisruptionController, ResourceQuotaController, ResourceClaimController,
    ClaimProtectionController,
]  # fmt: skip
KINDS = [
    DEPLOYMENTS, REPLICA_SETS, STATEFUL_SETS, DAEMON_SETS, CONTROLLER_REVISIONS, JOBS, NODE_KIND,
    POD_DISRUPTION_BUDGETS, RESOURCE_QUOTAS, RESOURCE_CLAIM_TEMPLATES, RESOURCE_CLAIMS,
    PERSISTENT_VOLUME_CLAIMS,
]  # fmt: skip
DEVICES = 5
"""One for the database; each pod of the Job claims another: less than may run at a time."""
ROLLED = ((DEPLOYMENTS, "web"), (STATEFUL_SETS, "log"), (DAEMON_SETS, "agent"))


class Turmoil(Cluster):
    """The API charges quotas and lets evictions through as the real one does, and pods need a node to run."""

    def __init__(self, rng: random.Random) -> None:
        super().__init__(CONTROLLERS, KINDS, Options())
        self.random = rng
        self.connection = self.distance = Late(self.api, rng)
        self.api.graceful = True
        self.bounds = Bounds(self.api)
        self.api.on_change = self.bounds.check
        self.version = 0
        self.hides_next, self.hidden = False, ExitStack()
        """Whether nobody is told of the next pod of the database, nor of what happens to pods afterwards."""

    async def run(self) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(self._hand_out())
            await super().run()

    def outcome(self, pod: Object) -> str:
        if labels_of(pod)["app"] != "job":
            return ""
        return self.random.choice(["", "Succeeded", "Succeeded", "Failed"])

    # What the API server does

    def admit(self, verb: str, resource: Resource, obj: Object) -> StatusError | None:
        """A new pod is charged to the quota, or refused; a new claim is protected.

        Some evictions come just before the budget's controller writes.
        """
        if resource is POD_DISRUPTION_BUDGETS and verb == "update/status" and self.random.random() < 0.1:
            self.evict()
        if verb == "create" and resource is PERSISTENT_VOLUME_CLAIMS:
            obj["metadata"]["finalizers"] = [CLAIM_PROTECTION]
        return self._charge(obj) if verb == "create" and resource is PODS else None

    def _charge(self, pod: Object) -> StatusError | None:
        if self.hides_next and labels_of(pod)["app"] == "db":
            self.hides_next = False
            self.hidden.enter_context(self.api.lose_events(PODS))
        [quota] = deep_copy(self.api.find(RESOURCE_QUOTAS))
        used = int(quota["status"]["used"]["pods"])
        if used >= QUOTA:
            return ForbiddenError(PODS, name_of(pod), "exceeded quota: q")
        quota["status"]["used"]["pods"] = str(used + 1)
        self.api.put(RESOURCE_QUOTAS, quota)
        return None

    def evict(self) -> None:
        """One of the database's pods, if its budget allows it."""
        [budget] = deep_copy(self.api.find(POD_DISRUPTION_BUDGETS))
        status = budget.get("status") or {}
        pods = [pod for pod in self.bounds.pods("db") if name_of(pod) not in status.get("disruptedPods", {})]
        is_current = status.get("observedGeneration", 0) >= budget["metadata"]["generation"]
        if not pods or not is_current or status.get("disruptionsAllowed", 0) <= 0:
            return
        pod, now = deep_copy(self.random.choice(pods)), format_time(self.api.now())
        status["disruptionsAllowed"] -= 1
        status.setdefault("disruptedPods", {})[name_of(pod)] = now
        self.api.put(POD_DISRUPTION_BUDGETS, budget)
        pod["metadata"] |= {"deletionTimestamp": now, "deletionGracePeriodSeconds": 30}
        self.api.put(PODS, pod)

    # What the scheduler, the kubelet and the garbage collector do

    async def _hand_out(self) -> None:
        while True:
            await asyncio.sleep(1)
            for pod in self.api.find(PODS):
                if not (pod["spec"].get("nodeName") or is_terminating(pod) or is_terminal(pod)):
                    self._schedule(pod)
            owners = {uid_of(pod) for pod in self.api.find(PODS)}
            for claim in self.api.find(RESOURCE_CLAIMS):
                owner = controller_of(claim)
                if owner is not None and owner["uid"] not in owners and not is_terminating(claim):
                    with suppress(StatusError, ConnectionFailed):
                        await self.api.delete(RESOURCE_CLAIMS, name_of(claim), "ns")

    def _schedule(self, pod: Object) -> None:
        """To a node, if all is there that it claims; a device is handed out with it."""
        if any(claim is None or is_terminating(claim) for claim in self._volume_claims(pod)):
            return
        if pod["spec"].get("resourceClaims") and not self._has_device(pod):
            return
        self.api.put(PODS, {**pod, "spec": {**pod["spec"], "nodeName": node_of(pod) or NODES[0]}})

    def _volume_claims(self, pod: Object) -> list[Object | None]:
        known = {NamespacedName("ns", name_of(it)): it for it in self.api.find(PERSISTENT_VOLUME_CLAIMS)}
        return [known.get(key) for key in volume_claims_of(pod)]

    def _has_device(self, pod: Object) -> bool:
        """The database shares one, each pod of the Job has its own."""
        claims = self.api.find(RESOURCE_CLAIMS)
        mine = [each for each in claims if NamespacedName("ns", name_of(each)) in claims_of_pod(pod)]
        if not mine or is_terminating(mine[0]):
            return False
        if not is_allocated(mine[0]) and sum(map(is_allocated, claims)) >= DEVICES:
            return False
        claim = reserved(deep_copy(mine[0]), pod)
        claim["metadata"]["finalizers"] = [FINALIZER]
        claim["status"]["allocation"] = {}
        self.api.put(RESOURCE_CLAIMS, claim)
        return True

    async def _see_to(self, pod: Object) -> None:
        if pod["spec"].get("nodeName") or is_terminating(pod):
            await super()._see_to(pod)

    # What goes wrong

    async def trouble(self) -> None:
        match self.random.randrange(10):
            case 0:
                await self.kill_while_it_writes()
            case 1:
                await self.lose_events()
            case 2:
                self.api.break_watches()
            case 3 | 4:
                await self.roll_out(*self.random.choice(ROLLED))
            case 5:
                await self.delete_one_of_the_job()
            case 6:
                await self.delete_one_of_the_log()
            case 7:
                await self.delete_volume_claims()
            case _:
                self.evict()

    async def kill_while_it_writes(self) -> None:
        """While a pod of the log is to go, or the Job counts: that arrives when the next one is at work.

        The pod may have been chosen before the last change of the set was seen, whose pods go in another
        order: then it goes beside one of them.
        """
        chosen: list[Object] = []
        if self.random.random() < 0.5:
            await self.roll_out(STATEFUL_SETS, "log")
            held = await self.distance.hold("delete", PODS, "log-", 2)
            chosen = [pod for pod in self.bounds.pods("log") if name_of(pod) == held]
        else:
            await self.distance.hold("update_status", JOBS, "", 2)
        self.kill_manager()
        await asyncio.sleep(2 + self.random.random() * 3)
        self.bounds.deleted |= {name_of(pod): uid_of(pod) for pod in chosen}
        await self.distance.let_go()

    async def lose_events(self) -> None:
        """Of all that happens, or of what happens to pods; an eviction is part of it."""
        with self.api.lose_events(*self.random.choice([(), (PODS,)])):
            self.evict()
            await asyncio.sleep(self.random.random() * 3)
        self.find_out()

    def find_out(self) -> None:
        """What was lost."""
        self.api.compact()
        self.api.break_watches()

    async def delete_volume_claims(self) -> None:
        """A user does, while nobody is told of a pod that follows an evicted one, and got a node with them.

        Pods keep their claims until they go themselves, and their successors get others.
        """
        self.hides_next = True
        self.evict()
        await asyncio.sleep(4)
        for claim in self.api.find(PERSISTENT_VOLUME_CLAIMS):
            with suppress(StatusError, ConnectionFailed):
                await self.api.delete(PERSISTENT_VOLUME_CLAIMS, name_of(claim), "ns")
        await asyncio.sleep(1)
        self.hides_next = False
        self.hidden.close()
        self.find_out()

    async def delete_one_of_the_log(self) -> None:
        """A user does, so that one less may be ready."""
        if pods := self.bounds.pods("log"):
            pod = self.random.choice(pods)
            self.bounds.deleted[name_of(pod)] = uid_of(pod)
            await self.api.delete(PODS, name_of(pod), "ns")

    async def delete_one_of_the_job(self) -> None:
        """It has its device until it has ended."""
        if pods := self.bounds.pods("job"):
            await self.api.delete(PODS, name_of(self.random.choice(pods)), "ns")

    async def roll_out(self, resource: Resource, name: str) -> None:
        """Always something new: a set that is wanted again still tells of pods that it is about to delete."""
        self.version += 1
        template = make_template(f"{name}:{self.version}", app=name)
        await self.api.patch(resource, name, {"spec": {"template": template}}, "ns")

    # What is wanted in the end

    def is_as_wanted(self) -> bool:
        [deployment], [daemons], [job] = map(self.api.find, (DEPLOYMENTS, DAEMON_SETS, JOBS))
        database, log = sorted(self.api.find(STATEFUL_SETS), key=name_of)
        [budget], [quota] = map(self.api.find, (POD_DISRUPTION_BUDGETS, RESOURCE_QUOTAS))
        claims = self.api.find(PERSISTENT_VOLUME_CLAIMS)
        return (
            self._is_rolled_out(deployment, WEB)
            and get_path(deployment, "status.availableReplicas") == WEB
            and self._is_rolled_out(log, LOG)
            and get_path(log, "status.availableReplicas") == LOG
            and self._is_rolled_out(daemons, len(NODES))
            and get_path(daemons, "status.numberAvailable") == len(NODES)
            and get_path(database, "status.availableReplicas") == DB == self.bounds.ready("db")
            and len(claims) == DB
            and is_condition_true(job, "Complete")
            and [*map(name_of, self.api.find(RESOURCE_CLAIMS))] == ["shared"]
            and get_path(budget, "status.disruptionsAllowed") == DB - LEAST_DB
            and get_path(quota, "status.used.pods") == str(self.bounds.charged()) == str(STAYING)
        )

    def _is_rolled_out(self, workload: Object, count: int) -> bool:
        pods = self.bounds.pods(name_of(workload))
        return list(map(image_of, pods)) == [image_of(workload["spec"]["template"])] * count


STAYING = WEB + DB + LOG + len(NODES)


def stateful_set(name: str, replicas: int, claims: Object | None = None) -> Object:
    selector, template = {"matchLabels": {"app": name}}, make_template(app=name)
    found = make_stateful_set(replicas, selector=selector, template=template, claims=claims)
    found["metadata"] |= {"name": name, "uid": name}
    if claims:
        wanted = {"name": "device", "resourceClaimName": "shared"}
        found["spec"]["template"]["spec"]["resourceClaims"] = [wanted]
    return found


def budget() -> Object:
    spec = {"minAvailable": LEAST_DB, "selector": {"matchLabels": {"app": "db"}}}
    return {"metadata": {"name": "db", "namespace": "ns"}, "spec": spec}


async def begin(it: Turmoil) -> None:
    quota = {"metadata": {"name": "q", "namespace": "ns"}, "spec": {"hard": {"pods": str(QUOTA)}}}
    await it.api.create(RESOURCE_QUOTAS, quota)
    await it.until(lambda: bool(it.api.find(RESOURCE_QUOTAS)[0].get("status")))
    it.api.refusals.append(it.admit)
    shared = {"metadata": {"name": "shared", "namespace": "ns"}, "spec": {"devices": {}}, "status": {}}
    await it.api.create(RESOURCE_CLAIMS, shared)
    for node in NODES:
        await it.api.create(NODE_KIND, make_node(node))
    await it.api.create(DEPLOYMENTS, make_deployment(WEB, surge=SURGE, unavailable=UNAVAILABLE))
    await it.api.create(STATEFUL_SETS, stateful_set("db", DB, {"whenDeleted": "Retain"}))
    await it.api.create(STATEFUL_SETS, stateful_set("log", LOG))
    await it.api.create(DAEMON_SETS, make_daemon_set(rolling={"maxSurge": 1, "maxUnavailable": 0}))
    await it.api.create(POD_DISRUPTION_BUDGETS, budget())
    await it.until(lambda: it.bounds.begun == {"web", "db", "log", "agent"})
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
        assert it.bounds.broken == []
        assert it.bounds.counted() == it.bounds.really_ended()
