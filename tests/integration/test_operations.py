"""What operators ask of the apiserver, on a real socket: secrets that are secret in the store, and more."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from types import SimpleNamespace

import httpx
import orjson
import pytest

from apiserver import assembly
from apiserver.flow_control.flow_stats import FlowStats
from apiserver.storage.memory import MemoryStorage
from tests.fakes.http_server import Exchange, scripted
from tests.fakes.webhook_server import kubeconfig
from tests.integration.plane import eventually
from tests.integration.running_apiserver import running
from tests.unit.apiserver.audit.policies import policy
from tests.unit.apiserver.storage.encryption.configurations import CBC, IDENTITY, config

DUMP = "/debug/api_priority_and_fairness/dump_priority_levels"
FLOWS = "/apis/flowcontrol.apiserver.k8s.io/v1"
SECRETS = "/api/v1/namespaces/default/secrets"


async def test_secrets_are_encrypted_in_the_store_and_plain_in_the_api(pki: Path, tmp_path: Path) -> None:
    path = tmp_path / "encryption.yaml"
    path.write_bytes(config((["secrets"], [CBC, IDENTITY])))
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "a"}, "data": {"k": "dg=="}}
    async with running(pki, encryption_provider_config=str(path)) as api, api.client("admin") as admin:
        made = await admin.post(SECRETS, json=secret)
        listed = (await admin.get(SECRETS)).json()["items"]
        again = await admin.put(f"{SECRETS}/a", json=made.json())
        stored = await api.storage.get("/registry/secrets/default/a")
    assert stored is not None
    assert stored.value.startswith(b"k8s:enc:aescbc:v1:one:")
    assert [each["data"] for each in listed] == [{"k": "dg=="}]
    assert again.json()["metadata"]["resourceVersion"] == made.json()["metadata"]["resourceVersion"]


async def test_requests_are_audited(pki: Path, tmp_path: Path) -> None:
    path, log = tmp_path / "policy.yaml", tmp_path / "audit.log"
    path.write_bytes(
        policy({"level": "RequestResponse", "verbs": ["create"]}, omitStages=["RequestReceived"])
    )
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"generateName": "a-"}}
    flags = {"audit_policy_file": str(path), "audit_log_path": str(log)}
    async with running(pki, **flags) as api, api.client("admin") as admin, api.client() as nobody:
        made = await admin.post(SECRETS, json=secret, headers={"audit-id": "mine"})
        refused = await nobody.post(SECRETS, json=secret)
        await admin.get(SECRETS)
    first, second = (orjson.loads(line) for line in log.read_text().splitlines())
    assert made.headers.get_list("audit-id") == ["mine"]
    assert (first["auditID"], first["user"]["username"]) == ("mine", "kubernetes-admin")
    assert first["requestObject"] == secret
    assert first["responseObject"] == made.json()
    assert "name" not in first["objectRef"]  # it was generated
    assert (second["auditID"], second["responseStatus"]["code"]) == (refused.headers["audit-id"], 403)
    assert second["annotations"]["authorization.k8s.io/decision"] == "forbid"


async def test_a_webhook_is_sent_the_audit_log(pki: Path, tmp_path: Path) -> None:
    """In batches; what still waits at the end goes out then."""
    path = tmp_path / "policy.yaml"
    path.write_bytes(policy({"level": "Metadata", "verbs": ["create"], "users": ["kubernetes-admin"]}))

    async def received() -> list[Exchange]:
        return receiver.exchanges

    async with scripted(lambda exchange: exchange.answer()) as receiver:
        config = kubeconfig(tmp_path, f"http://127.0.0.1:{receiver.port}/events")
        flags = {"audit_webhook_config_file": config, "audit_webhook_batch_max_size": 3}
        async with running(pki, audit_policy_file=str(path), **flags) as api, api.client("admin") as admin:
            for name in ("a", "b"):
                secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}}
                assert (await admin.post(SECRETS, json=secret)).status_code == 201
            await eventually(received)
    batches = [orjson.loads(each.body) for each in receiver.exchanges]
    assert {(each["kind"], each["apiVersion"]) for each in batches} == {("EventList", "audit.k8s.io/v1")}
    assert [[event["stage"] for event in each["items"]] for each in batches] == [
        ["RequestReceived", "ResponseComplete", "RequestReceived"],
        ["ResponseComplete"],
    ]
    assert "kind" not in batches[0]["items"][0]


async def test_nothing_is_done_that_a_strict_audit_log_does_not_take(pki: Path, tmp_path: Path) -> None:
    path = tmp_path / "policy.yaml"
    path.write_bytes(policy({"level": "Metadata", "verbs": ["create"], "users": ["kubernetes-admin"]}))
    async with scripted(lambda exchange: exchange.answer(b"", "503 Service Unavailable")) as receiver:
        flags = {
            "audit_policy_file": str(path),
            "audit_webhook_config_file": kubeconfig(tmp_path, f"http://127.0.0.1:{receiver.port}/"),
            "audit_webhook_mode": "blocking-strict",
            "audit_webhook_initial_backoff": 0.001,
        }
        async with running(pki, **flags) as api, api.client("admin") as admin:
            secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "a"}}
            refused = await admin.post(SECRETS, json=secret)
            stored = await api.storage.get("/registry/secrets/default/a")
    assert (refused.status_code, refused.text) == (
        500,
        f'Internal Server Error: "{SECRETS}": failed to store audit event\n',
    )
    assert stored is None
    assert len(receiver.exchanges) == 5


class StorageWithADoor(MemoryStorage):
    """Reads have to wait until it opens, in their seats."""

    def __init__(self) -> None:
        super().__init__()
        self.door = asyncio.Event()
        self.door.set()

    async def current_revision(self) -> int:
        await self.door.wait()
        return await super().current_revision()


async def test_a_noisy_client_starves_nobody(pki: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who comes behind a flood, when all seats are taken, is served before most of it.

    The clock of the queues stands still: the longer one waits at the door, the more it has to get afterwards.
    """
    monkeypatch.setattr(assembly, "time", SimpleNamespace(monotonic=lambda: 0.0))
    flags = {"max_requests_inflight": 3, "max_mutating_requests_inflight": 1}
    storage, served = StorageWithADoor(), list[tuple[str, int]]()
    async with running(pki, storage=storage, **flags) as api, api.client("admin") as admin:
        await allow_reading(admin, "scheduler", "controller-manager")
        queues = api.server.levels.levels["workload-high"].queues

        async def read(who: str, client: httpx.AsyncClient) -> None:
            served.append((who, (await client.get(SECRETS)).status_code))

        async with (
            api.client("scheduler") as noisy,
            api.client("controller-manager") as quiet,
            asyncio.TaskGroup() as group,
        ):
            storage.door.clear()
            for count, who, client in ((40, "noisy", noisy), (5, "quiet", quiet)):
                there = queues.waiting + queues.executing
                for _ in range(count):
                    group.create_task(read(who, client))
                await eventually(
                    lambda: asyncio.sleep(0, queues.waiting + queues.executing),
                    lambda seen, wanted=there + count: seen == wanted,  # type: ignore[misc]
                )
            storage.door.set()
        levels = await admin.get(DUMP)
    assert {code for _, code in served} == {200}
    assert max(place for place, (who, _) in enumerate(served) if who == "quiet") < 30, served
    assert "workload-high," in levels.text


async def test_without_priorities_a_flood_is_refused(pki: Path) -> None:
    """But for administrators. What belongs to priorities is not there; nobody keeps the endpoints."""
    flags = {
        "enable_priority_and_fairness": False,
        "max_requests_inflight": 2,
        "endpoint_reconciler_type": "none",
        "kubernetes_service_node_port": 30443,
    }
    storage = StorageWithADoor()
    async with running(pki, storage=storage, **flags) as api, api.client("admin") as admin:
        await allow_reading(admin, "scheduler")
        async with api.client("scheduler") as noisy:
            storage.door.clear()
            flood = [asyncio.create_task(noisy.get(SECRETS)) for _ in range(50)]
            await eventually(
                lambda: asyncio.sleep(0, sum(each.done() for each in flood)), lambda ended: ended == 48
            )
            exempt = [asyncio.create_task(admin.get(SECRETS)) for _ in range(20)]
            storage.door.set()
            done, others = await asyncio.gather(*flood), await asyncio.gather(*exempt)
        dump, ready = await admin.get(DUMP), await admin.get("/readyz?verbose")
        service = (await admin.get("/api/v1/namespaces/default/services/kubernetes")).json()
        endpoints = await admin.get("/api/v1/namespaces/default/endpoints/kubernetes")
    refused = [each for each in done if each.status_code == 429]
    assert sorted(each.status_code for each in done) == [200] * 2 + [429] * 48
    assert {each.headers["retry-after"] for each in refused} == {"1"}
    assert {each.status_code for each in others} == {200}
    assert (dump.status_code, endpoints.status_code) == (404, 404)
    assert "[+]poststarthook/max-in-flight-filter ok" in ready.text
    assert "priority-and-fairness-filter" not in ready.text
    assert (service["spec"]["type"], service["spec"]["ports"][0]["nodePort"]) == ("NodePort", 30443)


async def test_who_floods_beyond_the_queues_is_told_to_come_later(pki: Path) -> None:
    async with running(pki) as api, api.client("admin") as admin, api.client() as nobody:
        name, reject = "tiny", {"type": "Reject"}
        limited = {"nominalConcurrencyShares": 0, "limitResponse": reject}
        level = {"metadata": {"name": name}, "spec": {"type": "Limited", "limited": limited}}
        made = await admin.post(f"{FLOWS}/prioritylevelconfigurations", json=level)
        subjects = [{"kind": "Group", "group": {"name": "system:unauthenticated"}}]
        rule = {"subjects": subjects, "nonResourceRules": [{"verbs": ["*"], "nonResourceURLs": ["/version"]}]}
        spec = {"matchingPrecedence": 5, "priorityLevelConfiguration": {"name": name}, "rules": [rule]}
        schema = await admin.post(f"{FLOWS}/flowschemas", json={"metadata": {"name": name}, "spec": spec})
        await eventually(lambda: admin.get(DUMP), lambda answer: f"{name}," in answer.text)
        holding = api.server.levels.levels[name].queues.start((), 1, FlowStats(name, name))
        answer = await nobody.get("/version")
        api.server.levels.levels[name].queues.finish(holding)
        shown = await eventually(
            lambda: admin.get(f"{FLOWS}/flowschemas/{name}"), lambda answer: "Dangling" in answer.text
        )
    assert (answer.text, answer.headers["retry-after"]) == (
        "Too many requests, please try again later.\n", "1",
    )  # fmt: skip
    assert answer.headers["x-kubernetes-pf-flowschema-uid"] == schema.json()["metadata"]["uid"]
    assert answer.headers["x-kubernetes-pf-prioritylevel-uid"] == made.json()["metadata"]["uid"]
    condition = shown.json()["status"]["conditions"][0]
    assert (condition["type"], condition["status"], condition["reason"]) == ("Dangling", "False", "Found")


async def allow_reading(admin: httpx.AsyncClient, *components: str) -> None:
    users = [{"kind": "User", "name": f"system:kube-{each}"} for each in components]
    role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"}
    binding = {"metadata": {"name": "readers"}, "roleRef": role, "subjects": users}
    made = await admin.post("/apis/rbac.authorization.k8s.io/v1/clusterrolebindings", json=binding)
    assert made.status_code == 201


async def test_a_large_text_of_yaml_keeps_nobody_waiting(pki: Path) -> None:
    body = b"a: [" + b"1," * 200_000 + b"1]"
    headers = {"content-type": "application/yaml"}
    async with running(pki) as api, api.client("admin") as admin:
        post = asyncio.create_task(admin.post(SECRETS, content=body, headers=headers))
        longest, sent = 0.0, time.monotonic()
        while not post.done():
            began = time.monotonic()
            assert (await admin.get("/readyz")).status_code == 200
            longest = max(longest, time.monotonic() - began)
        took = time.monotonic() - sent
    assert (await post).status_code == 422
    assert longest < took / 2


async def test_a_server_that_shuts_down_is_not_ready_and_still_serves(pki: Path) -> None:
    async with running(pki) as api, api.client("admin") as admin:
        await api.server.shutdown.begin(0)
        ready, live = await admin.get("/readyz?verbose"), await admin.get("/livez")
        served = await admin.get(SECRETS)
    assert (ready.status_code, "[-]shutdown failed" in ready.text) == (500, True)
    assert (live.status_code, served.status_code) == (200, 200)


async def test_a_head_that_does_not_end_is_refused(pki: Path) -> None:
    async with running(pki) as api, api.client() as nobody:
        fine = await nobody.get("/version", headers={"x-much": "x" * 500_000})
        refused = await nobody.get("/version", headers={"x-much": "x" * 1_500_000})
        body = await nobody.post(SECRETS, content=b"x" * 2_000_000)
        again = await nobody.get("/version")
    assert (fine.status_code, refused.status_code, body.status_code, again.status_code) == (
        200,
        431,
        403,
        200,
    )
