"""What must hold whatever goes wrong for the controllers, looked at after every single write."""

from __future__ import annotations

from collections import Counter, defaultdict

from apimachinery.objects import (
    NamespacedName,
    Object,
    controller_of,
    get_path,
    is_terminating,
    labels_of,
    name_of,
    uid_of,
)
from apimachinery.pods import is_ready, is_terminal, phase_of
from apimachinery.resource_claims import claims_of_pod, is_allocated, is_reserved_for
from apimachinery.scheme import (
    DAEMON_SETS,
    JOBS,
    PERSISTENT_VOLUME_CLAIMS,
    POD_DISRUPTION_BUDGETS,
    PODS,
    REPLICA_SETS,
    RESOURCE_CLAIMS,
    RESOURCE_QUOTAS,
    STATEFUL_SETS,
)
from apimachinery.volumes import claims_of_pod as volume_claims_of
from controller_manager.daemon_set.placement import node_of
from tests.fakes.api_connection import FakeApi

WEB, SURGE, UNAVAILABLE = 4, 1, 1
DB, LEAST_DB = 4, 2
LOG, LEAST_LOG = 3, 2
NODES = ("a", "b", "c")
"""Each with a daemon; an update makes one new daemon at a time ready before the old one goes."""
COMPLETIONS, PARALLELISM = 30, 6
QUOTA = 19
"""Room for all others as they change, and for only some of the Job at a time."""


def image_of(template: Object) -> str:
    return str(template["spec"]["containers"][0]["image"])


class Bounds:
    """`broken` tells of each bound that did not hold, and after which request."""

    def __init__(self, api: FakeApi) -> None:
        self._api = api
        self.broken: list[str] = []
        self.begun: set[str] = set()
        """Whose pods were all ready once: from then on they may not be too few."""
        self.deleted: dict[str, str] = {}
        """Pods of the log that a user or a late request deleted, until others are ready: uid by name."""
        self._ended: dict[str, str] = {}
        """How each pod of the Job ended, by uid."""
        self._counted: Counter[str] = Counter()
        self._wanted: dict[str, int] = {}
        """By the uid of a ReplicaSet how many pods it was ever to have."""
        self._used: dict[str, set[str]] = {}
        """By the uid of a pod those of the volume claims that it was put on its node with."""
        self._living: dict[str, list[Object]] = {}
        """By app the pods that are not on their way out, as of the last write."""

    def pods(self, app: str) -> list[Object]:
        """Those that are not on their way out."""
        return self._living.get(app, [])

    def ready(self, app: str) -> int:
        return sum(map(is_ready, self.pods(app)))

    def charged(self) -> int:
        return sum(not is_terminal(pod) for pod in self._api.find(PODS))

    def check(self) -> None:
        self._living = self._find_living()
        self._check_availability()
        self._check_numbers()
        self._check_newest()
        self._check_quota()
        self._check_budget()
        self._check_job()
        self._check_volume_claims()
        self._check_device_claims()

    def _find_living(self) -> dict[str, list[Object]]:
        living = defaultdict(list)
        for pod in self._api.find(PODS):
            if not is_terminating(pod) and not is_terminal(pod):
                living[labels_of(pod)["app"]].append(pod)
        return living

    def _hold(self, holds: bool, text: str) -> None:
        if not holds:
            self.broken.append(f"{text} after {self._api.calls[-1]}")

    def _check_availability(self) -> None:
        for pod in filter(is_ready, self.pods("log")):
            if self.deleted.get(name_of(pod), uid_of(pod)) != uid_of(pod):
                del self.deleted[name_of(pod)]
        least = {"web": WEB - UNAVAILABLE, "db": LEAST_DB, "log": LEAST_LOG - len(self.deleted)}
        for app, count in (("web", WEB), ("db", DB), ("log", LOG), ("agent", len(NODES))):
            ready = self.ready(app)
            if ready == count:
                self.begun.add(app)
            if app in self.begun:
                self._hold(ready >= least.get(app, count), f"{app}: only {ready} are ready")
        if "agent" in self.begun:
            served = {node_of(pod) for pod in self.pods("agent") if is_ready(pod)}
            self._hold(len(served) == len(NODES), f"agent: only {served} are served")

    def _check_numbers(self) -> None:
        """Surge is what ReplicaSets are asked for, as upstream has it: one that lags has old pods as well."""
        for app, most in (("db", DB), ("log", LOG), ("job", PARALLELISM)):
            self._hold(len(self.pods(app)) <= most, f"{app}: {len(self.pods(app))} at a time")
        for each in self._api.find(REPLICA_SETS):
            most = max(self._wanted.get(uid_of(each), 0), each["spec"]["replicas"])
            self._wanted[uid_of(each)] = most
            owned = [pod for pod in self.pods("web") if (controller_of(pod) or {})["uid"] == uid_of(each)]
            self._hold(len(owned) <= most, f"{name_of(each)}: {len(owned)} at a time")
        wanted = sum(each["spec"]["replicas"] for each in self._api.find(REPLICA_SETS))
        self._hold(wanted <= WEB + SURGE, f"web: {wanted} are wanted at a time")
        if "agent" in self.begun:
            new = sum(not is_ready(pod) for pod in self.pods("agent"))
            self._hold(new <= 1, f"agent: {new} new ones at a time")

    def _check_newest(self) -> None:
        """Who replaces old pods keeps the new ones."""
        for workload in (*self._api.find(STATEFUL_SETS), *self._api.find(DAEMON_SETS)):
            if name_of(workload) not in ("log", "agent"):
                continue
            for pod in self._api.find(PODS):
                if labels_of(pod)["app"] == name_of(workload) and image_of(pod) == image_of(
                    workload["spec"]["template"]
                ):
                    is_excused = self.deleted.get(name_of(pod)) == uid_of(pod)
                    self._hold(is_excused or not is_terminating(pod), f"{name_of(pod)} was new")

    def _check_quota(self) -> None:
        """What is there is charged, and no more than that is."""
        for quota in self._api.find(RESOURCE_QUOTAS):
            used = int(get_path(quota, "status.used.pods", "0"))
            self._hold(self.charged() <= used <= QUOTA, f"quota: {used} of {self.charged()} pods")

    def _check_budget(self) -> None:
        for budget in self._api.find(POD_DISRUPTION_BUDGETS) if "db" in self.begun else ():
            allowed = get_path(budget, "status.disruptionsAllowed", 0)
            self._hold(
                allowed <= max(self.ready("db") - LEAST_DB, 0), f"budget: {allowed} of {self.ready('db')}"
            )

    def _check_job(self) -> None:
        """No pod is counted that has not ended, none twice, and none is forgotten."""
        for pod in self._api.find(PODS):
            if labels_of(pod)["app"] == "job" and (is_terminating(pod) or is_terminal(pod)):
                self._ended.setdefault(uid_of(pod), phase_of(pod) if is_terminal(pod) else "Failed")
        counted, ended = self.counted(), self.really_ended()
        self._hold(self._counted <= counted <= ended, f"job: counted {counted}, of {ended}")
        self._counted = counted

    def counted(self) -> Counter[str]:
        """How many pods have succeeded and failed, by what the Job tells."""
        found: Counter[str] = Counter()
        for job in self._api.find(JOBS):
            for field in ("succeeded", "failed"):
                uncounted = get_path(job, f"status.uncountedTerminatedPods.{field}", [])
                found[field] = get_path(job, f"status.{field}", 0) + len(uncounted)
        return found

    def really_ended(self) -> Counter[str]:
        return Counter(map(str.lower, self._ended.values()))

    def _check_volume_claims(self) -> None:
        """Who was put on a node keeps its claims as long as it is there."""
        claims = {NamespacedName("ns", name_of(it)): it for it in self._api.find(PERSISTENT_VOLUME_CLAIMS)}
        there = {uid_of(each) for each in claims.values()}
        for pod in self._api.find(PODS):
            if pod["spec"].get("nodeName"):
                named = {uid_of(claims[key]) for key in volume_claims_of(pod) if key in claims}
                lost = self._used.setdefault(uid_of(pod), named) - there
                self._hold(not lost, f"volume claim: {lost} taken from {name_of(pod)}")

    def _check_device_claims(self) -> None:
        """Who has a node keeps what it claims as long as it may run, and nobody gets two claims."""
        claims = {NamespacedName("ns", name_of(each)): each for each in self._api.find(RESOURCE_CLAIMS)}
        for pod in self._api.find(PODS):
            for key in claims_of_pod(pod) if pod["spec"].get("nodeName") and not is_terminal(pod) else ():
                claim = claims.get(key, {})
                kept = is_allocated(claim) and is_reserved_for(claim, uid_of(pod))
                self._hold(kept, f"claim: {key.name} was taken from {name_of(pod)}")
        owners = [(controller_of(each) or {}).get("uid") for each in claims.values()]
        self._hold(len(owners) == len(set(owners)), f"claim: {owners} own one each")
