"""What operators ask of the apiserver, on a real socket: secrets that are secret in the store, and more."""

from __future__ import annotations

from pathlib import Path

import orjson

from tests.integration.running_apiserver import running
from tests.unit.apiserver.audit.test_policy import policy
from tests.unit.apiserver.storage.encryption.test_config import CBC, IDENTITY, config

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
    assert first["objectRef"]["name"] == made.json()["metadata"]["name"]
    assert (second["auditID"], second["responseStatus"]["code"]) == (refused.headers["audit-id"], 403)
    assert second["annotations"]["authorization.k8s.io/decision"] == "forbid"
