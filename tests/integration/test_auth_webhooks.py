"""Another server says who asks and whether they may, over real TLS."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
import yaml

from apimachinery.objects import Object
from tests.fakes.review_server import review_server
from tests.integration.running_apiserver import REVIEWS, running, who_am_i

PODS = "/api/v1/namespaces/default/pods"
CONFIG_MAPS = "/api/v1/namespaces/default/configmaps"
ACCESS = "/apis/authorization.k8s.io/v1/subjectaccessreviews"


def judge_token(spec: Object) -> Object:
    if spec["token"] != "opaque":
        return {"authenticated": False, "error": "never heard of it"}
    return {"authenticated": True, "user": {"username": "jane", "groups": ["devs"]}}


def judge_access(spec: Object) -> Object:
    asked = spec.get("resourceAttributes") or {}
    if asked.get("resource") == "configmaps":
        return {"allowed": False, "denied": True, "reason": "no ConfigMaps for anybody"}
    return {"allowed": asked.get("resource") == "pods" and "devs" in spec.get("groups", [])}


async def test_a_webhook_says_whose_a_token_is(pki: Path, tmp_path: Path) -> None:
    async with review_server(pki, tmp_path, judge_token) as webhook:
        webhook.failures = 1
        flags = {"authentication_token_webhook_config_file": str(webhook.kubeconfig)}
        async with running(pki, **flags) as api, api.client("admin") as admin:
            for _ in range(2):
                async with api.client(token="opaque") as jane:
                    assert await who_am_i(jane) == ("jane", ["devs", "system:authenticated"])
            question = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview"}
            answer = await admin.post(REVIEWS, json={**question, "spec": {"token": "x"}})
            error = "[invalid bearer token, not a JSON Web Token, never heard of it]"
            assert answer.json()["status"]["error"] == error
    assert [each["spec"]["token"] for each in webhook.asked] == ["opaque", "opaque", "x"]
    assert webhook.asked[0]["apiVersion"] == "authentication.k8s.io/v1beta1"
    assert webhook.credentials == {"Bearer our-secret"}


async def test_a_webhook_says_who_may(pki: Path, tmp_path: Path) -> None:
    tokens = tmp_path / "tokens.csv"
    tokens.write_text("t,jane,7,devs\n")
    async with review_server(pki, tmp_path, judge_access) as webhook:
        flags = {
            "token_auth_file": str(tokens),
            "authorization_mode": ("Webhook", "RBAC"),
            "authorization_webhook_config_file": str(webhook.kubeconfig),
            "authorization_webhook_version": "v1",
        }
        async with running(pki, **flags) as api, api.client("admin") as admin:
            async with api.client(token="t") as jane:
                assert (await jane.get(PODS)).status_code == 200
                denied = await jane.get(CONFIG_MAPS)
                assert denied.status_code == 403
                assert denied.json()["message"].endswith("no ConfigMaps for anybody")
                assert (await jane.get("/version")).status_code == 200, "RBAC is asked next"
            asked = {"user": "jane", "resourceAttributes": {"verb": "get", "resource": "configmaps"}}
            answer = await admin.post(ACCESS, json={"spec": asked})
            expected = {"allowed": False, "denied": True, "reason": "no ConfigMaps for anybody"}
            assert answer.json()["status"] == expected
    assert webhook.asked[0]["spec"]["groups"] == ["devs", "system:authenticated"]


async def test_the_checks_of_policies_are_put_to_the_webhook(pki: Path, tmp_path: Path) -> None:
    may = "authorizer.group('').resource('configmaps').check('get')"
    spec = {
        "matchConstraints": {
            "resourceRules": [
                {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["secrets"]}
            ]
        },
        "validations": [{"expression": f"{may}.reason() == ''", "message": "the webhook has a reason"}],
    }
    head = {"apiVersion": "admissionregistration.k8s.io/v1", "metadata": {"name": "p"}}
    policy = {**head, "kind": "ValidatingAdmissionPolicy", "spec": spec}
    binding = {
        **head,
        "kind": "ValidatingAdmissionPolicyBinding",
        "spec": {"policyName": "p", "validationActions": ["Deny"]},
    }
    group = "/apis/admissionregistration.k8s.io/v1"
    async with review_server(pki, tmp_path, judge_access) as webhook:
        flags = {
            "authorization_mode": ("RBAC", "Webhook"),
            "authorization_webhook_config_file": str(webhook.kubeconfig),
        }
        async with running(pki, **flags) as api, api.client("controller-manager") as somebody:
            async with api.client("admin") as admin:
                for path, obj in (("ies", policy), ("ybindings", binding)):
                    made = await admin.post(f"{group}/validatingadmissionpolic{path}", json=obj)
                    assert made.status_code == 201, made.text
            answer = await somebody.post("/api/v1/namespaces/kube-system/secrets", json=SECRET)
    assert (answer.status_code, "the webhook has a reason" in answer.text) == (422, True), answer.text


SECRET = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}}


async def test_a_webhook_that_is_gone_is_an_internal_error(
    pki: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with review_server(pki, tmp_path, judge_access) as webhook:
        path = str(webhook.kubeconfig)
    flags = {"authorization_mode": ("RBAC", "Webhook"), "authorization_webhook_config_file": path}
    async with running(pki, **flags) as api, api.client("scheduler") as somebody:
        refused = await somebody.get("/api/v1/secrets")
    assert refused.status_code == 500
    assert refused.text.startswith('Internal Server Error: "/api/v1/secrets": Post "https://127.0.0.1:')
    assert refused.text.endswith("connect: connection refused\n")
    assert "Failed to make webhook authorizer request" in caplog.text


async def test_a_configuration_of_authorizers_is_followed_when_it_changes(pki: Path, tmp_path: Path) -> None:
    async with review_server(pki, tmp_path, judge_access) as webhook:
        tokens, file = tmp_path / "tokens.csv", tmp_path / "authorization.yaml"
        tokens.write_text("t,jane,7,devs\n")
        write_configuration(file, webhook.kubeconfig, "request.user == 'bob'")
        flags = {"authorization_mode": (), "authorization_config": str(file), "token_auth_file": str(tokens)}
        async with running(pki, **flags) as api, api.client(token="t") as jane:
            refused = await jane.get(PODS)
            assert (refused.status_code, webhook.asked) == (403, [])
            write_configuration(file, webhook.kubeconfig, "request.user == 'jane'")
            async with asyncio.timeout(120):
                while (await jane.get(PODS)).status_code != 200:
                    pass
        assert webhook.asked[0]["spec"]["resourceAttributes"]["resource"] == "pods"


def write_configuration(file: Path, kubeconfig: Path, condition: str) -> None:
    settings = {
        "timeout": "3s",
        "subjectAccessReviewVersion": "v1",
        "matchConditionSubjectAccessReviewVersion": "v1",
        "failurePolicy": "NoOpinion",
        "connectionInfo": {"type": "KubeConfigFile", "kubeConfigFile": str(kubeconfig)},
        "matchConditions": [{"expression": condition}],
    }
    authorizers = [
        {"type": "Webhook", "name": "ours", "webhook": settings},
        {"type": "Node", "name": "node"},
        {"type": "RBAC", "name": "rbac"},
    ]
    head = {"apiVersion": "apiserver.config.k8s.io/v1", "kind": "AuthorizationConfiguration"}
    file.write_text(yaml.safe_dump({**head, "authorizers": authorizers}))
