"""ValidatingAdmissionPolicies, and matchConditions of webhooks, in a whole apiserver."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from apimachinery.objects import Object
from tests.fakes.webhook_server import configuration, deny, webhook_server
from tests.integration.running_apiserver import Running, running

REGISTRATION = "/apis/admissionregistration.k8s.io/v1"
CONFIG_MAPS = "/api/v1/namespaces/default/configmaps"
RULE = {
    "apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE", "UPDATE"], "resources": ["configmaps"]
}  # fmt: skip


class Cluster:
    def __init__(self, api: Running, admin: httpx.AsyncClient) -> None:
        self.api, self.admin = api, admin

    async def make(self, path: str, body: Object) -> Object:
        made = await self.admin.post(path, json=body)
        assert made.status_code == 201, made.text
        await self.api.server.cache.fresh()
        answer: Object = made.json()
        return answer

    async def bind(self, spec: Object, **given: Any) -> None:
        api_version = "admissionregistration.k8s.io/v1"
        spec = {"matchConstraints": {"resourceRules": [RULE]}, **spec}
        policy = {"apiVersion": api_version, "kind": "ValidatingAdmissionPolicy", "metadata": {"name": "p"}}
        await self.make(f"{REGISTRATION}/validatingadmissionpolicies", policy | {"spec": spec})
        bound = {"policyName": "p", "validationActions": ["Deny"], **given}
        kind = "ValidatingAdmissionPolicyBinding"
        binding = {"apiVersion": api_version, "kind": kind, "metadata": {"name": "b"}, "spec": bound}
        await self.make(f"{REGISTRATION}/validatingadmissionpolicybindings", binding)

    async def create(self, name: str = "a", **fields: Any) -> httpx.Response:
        body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, **fields}
        return await self.admin.post(CONFIG_MAPS, json=body)


@pytest.fixture
async def cluster(pki: Path) -> AsyncIterator[Cluster]:
    async with running(pki) as api, api.client("admin") as admin:
        yield Cluster(api, admin)


async def test_a_write_that_a_policy_does_not_allow_is_refused_in_upstreams_words(cluster: Cluster) -> None:
    await cluster.bind({"validations": [{"expression": "size(object.metadata.name) > 3"}]})
    refused = await cluster.create("abc")
    message = (
        "ValidatingAdmissionPolicy 'p' with binding 'b' denied request: "
        "failed expression: size(object.metadata.name) > 3"
    )
    assert refused.json() == {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": f'configmaps "abc" is forbidden: {message}',
        "reason": "Invalid",
        "details": {"name": "abc", "kind": "configmaps", "causes": [{"message": message}]},
        "code": 422,
    }
    assert (await cluster.create("abcd")).status_code == 201


async def test_messages_reasons_variables_and_conditions(cluster: Cluster) -> None:
    await cluster.bind(
        {
            "matchConditions": [{"name": "no-system", "expression": "request.userInfo.username != 'nobody'"}],
            "variables": [
                {"name": "data", "expression": "has(object.data) ? object.data : {}"},
                {"name": "keys", "expression": "variables.data.size()"},
            ],
            "validations": [
                {
                    "expression": "variables.keys < 2",
                    "messageExpression": "'too many: ' + string(variables.keys)",
                    "reason": "Forbidden",
                },
                {"expression": "!('x' in variables.data)", "message": "x must not be"},
            ],
        }
    )
    first = (await cluster.create(data={"a": "1", "b": "2"})).json()
    assert (first["code"], first["reason"]) == (403, "Forbidden")
    assert first["message"].endswith("denied request: too many: 2")
    assert (await cluster.create(data={"x": "1"})).json()["message"].endswith("denied request: x must not be")
    assert (await cluster.create()).status_code == 201


async def test_warn_and_audit_do_not_refuse(cluster: Cluster) -> None:
    await cluster.bind(
        {
            "validations": [{"expression": "false", "message": "mind"}],
            "auditAnnotations": [{"key": "who", "valueExpression": "'name: ' + object.metadata.name"}],
        },
        validationActions=["Warn", "Audit"],
    )
    made = await cluster.create()
    text = "Validation failed for ValidatingAdmissionPolicy 'p' with binding 'b': mind"
    assert (made.status_code, made.headers["warning"]) == (201, f'299 - "{text}"')
    shown = (await cluster.admin.get("/metrics")).text
    assert (
        'check_total{enforcement_action="warn",error_type="no_error",policy="p",policy_binding="b"}' in shown
    )
    noted = cluster.api.server.journal.records(resource="configmaps", name="a")[0]["annotations"]
    assert noted["p/who"] == "name: a"
    assert '"message":"mind"' in noted["validation.policy.admission.k8s.io/validation_failure"]


async def test_parameters_by_name_by_label_and_missing(cluster: Cluster) -> None:
    await cluster.bind(
        {
            "paramKind": {"apiVersion": "v1", "kind": "ConfigMap"},
            "validations": [{"expression": "object.metadata.name.startsWith(params.data.prefix)"}],
            "matchConditions": [{"name": "not-params", "expression": "!has(object.immutable)"}],
        },
        paramRef={"selector": {"matchLabels": {"param": "yes"}}, "parameterNotFoundAction": "Deny"},
    )
    missing = await cluster.create("a-1")
    assert missing.json()["message"].endswith(
        "failed to configure binding: no params found for policy binding with `Deny` parameterNotFoundAction"
    )
    for name, prefix in (("a-a", "a"), ("a-b", "a-")):
        binding = f"{REGISTRATION}/validatingadmissionpolicybindings/b"
        await cluster.admin.patch(
            binding, json={"spec": {"paramRef": {"parameterNotFoundAction": "Allow"}}},
            headers={"content-type": "application/merge-patch+json"},
        )  # fmt: skip
        await cluster.api.server.cache.fresh()
        param = {
            "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "labels": {"param": "yes"}},
            "data": {"prefix": prefix},
        }  # fmt: skip
        await cluster.make(CONFIG_MAPS, param)
    assert (await cluster.create("a-1")).status_code == 201
    assert (await cluster.create("ab")).status_code == 422


async def test_failures_of_expressions_count_as_the_policy_says(cluster: Cluster) -> None:
    await cluster.bind({"validations": [{"expression": "object.spec.replicas > 1"}]})
    assert (
        (await cluster.create())
        .json()["message"]
        .endswith("expression 'object.spec.replicas > 1' resulted in error: no such key: spec")
    )
    await cluster.admin.patch(
        f"{REGISTRATION}/validatingadmissionpolicies/p", json={"spec": {"failurePolicy": "Ignore"}},
        headers={"content-type": "application/merge-patch+json"},
    )  # fmt: skip
    await cluster.api.server.cache.fresh()
    assert (await cluster.create()).status_code == 201
    let_pass = (
        'check_total{enforcement_action="allow",error_type="invalid_error",policy="p",policy_binding="b"}'
    )
    assert let_pass in (await cluster.admin.get("/metrics")).text


async def test_expressions_can_ask_who_may_what(cluster: Cluster) -> None:
    check = "authorizer.group('').resource('secrets').namespace('default').check('get').allowed()"
    await cluster.bind({"validations": [{"expression": check, "message": "who may not read secrets"}]})
    assert (await cluster.create()).status_code == 201
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "robot"}}
    await cluster.make("/api/v1/namespaces/default/serviceaccounts", account)
    role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "writer"}
    groups = "/apis/rbac.authorization.k8s.io/v1"
    await cluster.make(
        f"{groups}/clusterroles",
        {
            "metadata": {"name": "writer"},
            "rules": [{"apiGroups": [""], "resources": ["configmaps"], "verbs": ["*"]}],
        },
    )
    await cluster.make(
        f"{groups}/clusterrolebindings",
        {
            "metadata": {"name": "writer"}, "roleRef": role,
            "subjects": [{"kind": "ServiceAccount", "name": "robot", "namespace": "default"}],
        },
    )  # fmt: skip
    token = await cluster.make("/api/v1/namespaces/default/serviceaccounts/robot/token", {})
    async with cluster.api.client(token=token["status"]["token"]) as robot:
        body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "r"}}
        refused = await robot.post(CONFIG_MAPS, json=body)
    assert refused.json()["message"].endswith("denied request: who may not read secrets")


async def test_custom_resources_are_judged_and_are_parameters(cluster: Cluster) -> None:
    schema = {
        "type": "object",
        "properties": {"spec": {"type": "object", "properties": {"max": {"type": "integer"}}}},
    }
    definition = {
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": "limits.example.com"},
        "spec": {
            "group": "example.com", "scope": "Cluster",
            "names": {"plural": "limits", "kind": "Limit", "singular": "limit", "listKind": "LimitList"},
            "versions": [
                {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}
            ],
        },
    }  # fmt: skip
    await cluster.make("/apis/apiextensions.k8s.io/v1/customresourcedefinitions", definition)
    limits, limit = "/apis/example.com/v1/limits", {"apiVersion": "example.com/v1", "kind": "Limit"}
    for _ in range(100):
        made = await cluster.admin.post(limits, json={**limit, "metadata": {"name": "l"}, "spec": {"max": 2}})
        if made.status_code == 201:
            break
    rules = [RULE, {**RULE, "apiGroups": ["example.com"], "resources": ["limits"]}]
    await cluster.bind(
        {
            "paramKind": {"apiVersion": "example.com/v1", "kind": "Limit"},
            "matchConstraints": {"resourceRules": rules},
            "validations": [{"expression": "object.metadata.name.size() <= params.spec.max"}],
        },
        paramRef={"name": "l", "parameterNotFoundAction": "Deny"},
    )
    assert (await cluster.create("abc")).status_code == 422
    assert (await cluster.create("ab")).status_code == 201
    assert (await cluster.admin.post(limits, json={**limit, "metadata": {"name": "xyz"}})).status_code == 422


async def test_conditions_decide_whether_a_webhook_is_called(cluster: Cluster, tmp_path: Path) -> None:
    async with webhook_server(tmp_path) as hooks:
        hooks.answers["v"] = deny("no")
        conditions = [{"name": "named", "expression": "object.metadata.name == 'x'"}]
        webhook = hooks.webhook("v", matchConditions=conditions)
        await cluster.make(
            f"{REGISTRATION}/validatingwebhookconfigurations", configuration("Validating", "c", webhook)
        )
        assert (await cluster.create("a")).status_code == 201
        assert (await cluster.create("x")).status_code == 400
        assert hooks.paths == ["v"]


async def test_a_policy_is_told_of_fields_that_its_kind_does_not_have(cluster: Cluster) -> None:
    await cluster.bind({"validations": [{"expression": "object.immutable || object.spec == null"}]})
    async with asyncio.timeout(120):
        while True:
            found = (await cluster.admin.get(f"{REGISTRATION}/validatingadmissionpolicies/p")).json()
            if "status" in found:
                break
            await cluster.api.server.cache.fresh()
    assert found["status"]["observedGeneration"] == 1
    (warning,) = found["status"]["typeChecking"]["expressionWarnings"]
    assert warning["fieldRef"] == "spec.validations[0].expression"
    assert warning["warning"].startswith("v1, Kind=ConfigMap: ERROR: <input>:1:27: undefined field 'spec'")


async def test_who_may_not_read_parameters_lets_no_policy_read_them(cluster: Cluster) -> None:
    rbac, name = "/apis/rbac.authorization.k8s.io/v1", {"metadata": {"name": "policies"}}
    rule = {"apiGroups": ["admissionregistration.k8s.io"], "resources": ["*"], "verbs": ["create"]}
    await cluster.make(f"{rbac}/clusterroles", {**name, "rules": [rule]})
    bound = {
        "roleRef": {"kind": "ClusterRole", "name": "policies"},
        "subjects": [{"kind": "User", "name": "j"}],
    }
    await cluster.make(f"{rbac}/clusterrolebindings", {**name, **bound})
    spec = {
        "paramKind": {"apiVersion": "v1", "kind": "Secret"},
        "matchConstraints": {"resourceRules": [RULE]},
        "validations": [{"expression": "true"}],
    }
    path, policy = f"{REGISTRATION}/validatingadmissionpolicies", {**name, "spec": spec}
    refused = await cluster.admin.post(path, json=policy, headers={"impersonate-user": "j"})
    text = "on all objects of the referenced paramKind (kind=Secret, apiVersion=v1)"
    assert (refused.status_code, refused.json()["message"].endswith(text)) == (422, True)
    await cluster.make(path, policy)
