"""What operators ask of the apiserver, on a real socket: secrets that are secret in the store, and more."""

from __future__ import annotations

from pathlib import Path

from tests.integration.running_apiserver import running
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
