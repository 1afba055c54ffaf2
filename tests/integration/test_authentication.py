"""Who asks, over real TLS: front proxies, OpenID issuers, nobody. No secret is told to anybody else."""

from __future__ import annotations

import asyncio
import json
import logging
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from apimachinery.objects import Object
from tests.fakes.etcd_server import free_port
from tests.integration.running_apiserver import REVIEWS, Running, running, who_am_i

ACCOUNTS = "/api/v1/namespaces/default/serviceaccounts"
SECRETS = "/api/v1/namespaces/default/secrets"
BINDINGS = "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings"


async def make_token(admin: httpx.AsyncClient, name: str, **spec: Any) -> str:
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name}}
    await admin.post(ACCOUNTS, json=account)
    request = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": spec}
    answer = await admin.post(f"{ACCOUNTS}/{name}/token", json=request)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["status"]["token"])


def binding(name: str, role: str, subject: Object) -> Object:
    return {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": name},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role},
        "subjects": [{"apiGroup": "rbac.authorization.k8s.io", **subject}],
    }


async def test_a_front_proxy_asks_for_others_and_nobody_else_does(pki: Path) -> None:
    said = {"x-remote-user": "jane", "x-remote-group": "devs"}
    flags: dict[str, Any] = {
        "requestheader_client_ca_file": str(pki / "front-proxy-ca.crt"),
        "requestheader_username_headers": ("X-Remote-User",),
        "requestheader_group_headers": ("X-Remote-Group",),
    }
    async with running(pki, **flags) as api:
        async with api.client("front-proxy-client") as proxy:
            assert await who_am_i(proxy, **said) == ("jane", ["devs", "system:authenticated"])
            assert await who_am_i(proxy) == ("401", [])
        async with api.client("scheduler") as scheduler:
            assert (await who_am_i(scheduler, **said))[0] == "system:kube-scheduler"
        async with api.client() as nobody:
            assert await who_am_i(nobody, **said) == ("403", [])
    named = running(pki, requestheader_allowed_names=("another",), **flags)
    async with named as api, api.client("front-proxy-client") as proxy:
        assert await who_am_i(proxy, **said) == ("401", [])


async def test_an_issuer_of_openid_is_asked_for_its_keys(pki: Path, tmp_path: Path) -> None:
    """The issuer is another cluster, which everybody may ask for its keys."""
    port = free_port()
    issuer = f"https://127.0.0.1:{port}"
    trust = {
        "issuer": {
            "url": issuer, "audiences": ["sampan"], "certificateAuthority": (pki / "ca.crt").read_text(),
        },
        "claimMappings": {"username": {"claim": "sub", "prefix": "other:"}},
    }  # fmt: skip
    config = tmp_path / "authentication.yaml"
    head = {"apiVersion": "apiserver.config.k8s.io/v1", "kind": "AuthenticationConfiguration"}
    anonymous = {"enabled": True, "conditions": [{"path": "/livez"}]}
    config.write_text(yaml.safe_dump({**head, "jwt": [trust], "anonymous": anonymous}))
    own = {"service_account_issuer": (issuer,), "service_account_jwks_uri": f"{issuer}/openid/v1/jwks"}
    async with running(pki, port=port, **own) as other, other.client("admin") as admin:
        everybody = {"kind": "Group", "name": "system:unauthenticated"}
        role = "system:service-account-issuer-discovery"
        assert (await admin.post(BINDINGS, json=binding("keys", role, everybody))).status_code == 201
        token = await make_token(admin, "robot", audiences=["sampan"])
        elsewhere = await make_token(admin, "robot", audiences=["elsewhere"])
        async with running(pki, authentication_config=str(config)) as api:
            async with api.client(token=token) as robot:
                name = "other:system:serviceaccount:default:robot"
                assert await who_am_i(robot) == (name, ["system:authenticated"])
            rules = {**trust, "claimMappings": {"username": {"expression": "'new:' + claims.sub"}}}
            config.write_text(yaml.safe_dump({**head, "jwt": [rules], "anonymous": anonymous}))
            async with api.client(token=token) as robot, asyncio.timeout(120):
                while (await who_am_i(robot))[0] != "new:system:serviceaccount:default:robot":
                    pass
            async with api.client(token=elsewhere) as robot:
                assert await who_am_i(robot) == ("401", [])
            async with api.client() as nobody:
                assert (await nobody.get("/livez")).status_code == 200
                assert (await nobody.get("/version")).status_code == 401


async def test_policies_of_a_file_say_who_may(pki: Path, tmp_path: Path) -> None:
    head = {"apiVersion": "abac.authorization.kubernetes.io/v1beta1", "kind": "Policy"}
    lines = [
        {"user": "system:kube-scheduler", "readonly": True, "resource": "secrets", "namespace": "*"},
        {"group": "*", "nonResourcePath": "/version"},
    ]
    file = tmp_path / "policies.jsonl"
    file.write_text("\n".join(json.dumps({**head, "spec": each}) for each in lines))
    flags: dict[str, Any] = {"authorization_mode": ("ABAC",), "authorization_policy_file": str(file)}
    async with running(pki, **flags) as api, api.client("scheduler") as scheduler:
        assert (await scheduler.get(SECRETS)).status_code == 200
        assert (await scheduler.get("/version")).status_code == 200
        refused = await scheduler.delete(f"{SECRETS}/a")
        assert refused.status_code == 403
        assert refused.json()["message"].endswith('in the namespace "default": No policy matched.')


KNOWN = {
    "password": "hunter2-in-a-secret",
    "static": "static-token-of-jane",
    "bootstrap": "abcdef.0123456789abcdef",
}


async def session(api: Running, admin: httpx.AsyncClient) -> list[str]:
    """What a user with secrets does, well and badly; the answers that are no good."""
    token = await make_token(admin, "robot")
    KNOWN["service account"] = token
    secret = {"apiVersion": "v1", "kind": "Secret", "stringData": {"password": KNOWN["password"]}}
    bad = {"stringData": {".dockerconfigjson": KNOWN["password"]}, "type": "kubernetes.io/dockerconfigjson"}
    review = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview"}
    answers = [
        await admin.post(SECRETS, json={**secret, "metadata": {"name": "a"}}),
        await admin.post(SECRETS, json={**secret, **bad, "metadata": {"name": "b"}}),
        await admin.post(SECRETS, json={**secret, "metadata": {"name": "A_b"}}),
        await admin.post(
            SECRETS, content=f'{{"kind": "Secret", "stringData": "{KNOWN["password"]}"'.encode()
        ),
    ]
    for known in (*KNOWN.values(), f"{token}x"):
        async with api.client(token=known) as client:
            answers += [
                await client.get("/api/v1/nodes"),
                await client.get(SECRETS, headers={"impersonate-user": "bob"}),
            ]
        asked = await admin.post(REVIEWS, json={**review, "spec": {"token": known}})
        answers.append(httpx.Response(400, text=str(asked.json()["status"])))
    return [each.text for each in answers if each.status_code >= 400]


async def test_no_secret_is_in_a_log_or_an_error(
    pki: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    tokens, journal = tmp_path / "tokens.csv", tmp_path / "journal.jsonl"
    tokens.write_text(f"{KNOWN['static']},jane,7,devs\n")
    flags = {
        "token_auth_file": str(tokens),
        "write_journal": str(journal),
        "enable_bootstrap_token_auth": True,
    }
    with caplog.at_level(logging.DEBUG):
        async with running(pki, **flags) as api, api.client("admin") as admin:
            told = await session(api, admin)
    assert len(told) > 10
    key = (pki / "sa.key").read_text().splitlines()[1]
    places = {"the log": caplog.text, "the journal": journal.read_text(), "an error": "\n".join(told)}
    found = [
        (name, place)
        for place, text in places.items()
        for name, secret in {**KNOWN, "the signing key": key}.items()
        if secret in text or secret.split(".")[-1] in text
    ]
    assert found == []


async def test_a_token_is_for_the_account_that_was_meant(pki: Path) -> None:
    """Not for one that was made anew under the name meanwhile."""
    async with running(pki) as api, api.client("admin") as admin:
        account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "robot"}}
        uid = (await admin.post(ACCOUNTS, json=account)).json()["metadata"]["uid"]
        answers = []
        for said in ({}, {"uid": uid}, {"uid": "old"}):
            request = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "metadata": said}
            answers.append(await admin.post(f"{ACCOUNTS}/robot/token", json=request))
        assert [answer.status_code for answer in answers] == [201, 201, 409]
        assert [answer.json()["metadata"].get("uid") for answer in answers[:2]] == [uid, uid]
        assert answers[2].json()["message"] == (
            'Operation cannot be fulfilled on TokenRequest.authentication.k8s.io "robot": the UID in the '
            f"token request (old) does not match the UID of the service account ({uid})"
        )
