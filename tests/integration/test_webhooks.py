"""Admission webhooks of a whole apiserver, called over TLS."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from prometheus_client import REGISTRY

from apimachinery.objects import Object
from apimachinery.scheme import MUTATING_WEBHOOK_CONFIGURATIONS, VALIDATING_WEBHOOK_CONFIGURATIONS
from apiserver.options import Options, advertised_address
from tests.fakes.webhook_server import WebhookServer, configuration, deny, patching, rule, webhook_server
from tests.integration.running_apiserver import Running, running

CONFIG_MAPS = "/api/v1/namespaces/default/configmaps"
PODS = "/api/v1/namespaces/default/pods"
_RESOURCES = {"Mutating": MUTATING_WEBHOOK_CONFIGURATIONS, "Validating": VALIDATING_WEBHOOK_CONFIGURATIONS}
POD: Object = {
    "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"},
    "spec": {"containers": [{"name": "c", "image": "busybox"}], "automountServiceAccountToken": False},
}  # fmt: skip


class Cluster:
    """An apiserver, its administrator, and webhooks that it asks."""

    def __init__(self, api: Running, admin: httpx.AsyncClient, hooks: WebhookServer) -> None:
        self.api, self.admin, self.hooks = api, admin, hooks

    async def configure(self, kind: str, *webhooks: Object, name: str = "hooks") -> None:
        """Comes back once the server calls them."""
        resource = _RESOURCES[kind]
        path = f"/apis/admissionregistration.k8s.io/v1/{resource.plural}"
        made = await self.admin.post(path, json=configuration(kind, name, *webhooks))
        assert made.status_code == 201, made.text
        await self.api.server.cache.fresh()

    async def create(self, name: str = "a", query: str = "", **fields: Any) -> httpx.Response:
        body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, **fields}
        return await self.admin.post(CONFIG_MAPS + query, json=body)


@pytest.fixture
async def cluster(pki: Path, tmp_path: Path) -> AsyncIterator[Cluster]:
    async with (
        webhook_server(tmp_path, "hook.default.svc") as hooks,
        running(pki) as api,
        api.client("admin") as admin,
    ):
        yield Cluster(api, admin, hooks)


async def test_a_webhook_is_told_everything_about_a_write_and_can_refuse_it(cluster: Cluster) -> None:
    cluster.hooks.answers["v"] = deny("no", code=403, reason="Forbidden")
    await cluster.configure("Validating", cluster.hooks.webhook("v"))
    refused = await cluster.create(data={"k": "v"})
    request = cluster.hooks.requests[0]
    obj, user = request.pop("object"), request.pop("userInfo")
    assert (refused.status_code, refused.json()["reason"]) == (403, "Forbidden")
    assert refused.json()["message"] == 'admission webhook "v.example.com" denied the request: no'
    assert (obj["data"], obj["metadata"]["name"], bool(obj["metadata"]["uid"])) == ({"k": "v"}, "a", True)
    assert (user["username"], "system:authenticated" in user["groups"]) == ("kubernetes-admin", True)
    request.pop("uid")
    assert request == {
        "kind": {"group": "", "version": "v1", "kind": "ConfigMap"},
        "resource": {"group": "", "version": "v1", "resource": "configmaps"},
        "requestKind": {"group": "", "version": "v1", "kind": "ConfigMap"},
        "requestResource": {"group": "", "version": "v1", "resource": "configmaps"},
        "name": "a",
        "namespace": "default",
        "operation": "CREATE",
        "oldObject": None,
        "dryRun": False,
        "options": {"kind": "CreateOptions", "apiVersion": "meta.k8s.io/v1"},
    }


async def test_patches_are_applied_one_after_the_other_and_kept_in_form(cluster: Cluster) -> None:
    cluster.hooks.answers["one"] = patching({"op": "add", "path": "/data", "value": {"a": "1"}})
    cluster.hooks.answers["two"] = patching(
        {"op": "add", "path": "/data/b", "value": "2"}, {"op": "add", "path": "/nonsense", "value": 1}
    )
    await cluster.configure("Mutating", cluster.hooks.webhook("one"), cluster.hooks.webhook("two"))
    await cluster.configure("Validating", cluster.hooks.webhook("v"))
    made = (await cluster.create()).json()
    assert (made["data"], "nonsense" in made) == ({"a": "1", "b": "2"}, False)
    assert cluster.hooks.paths == ["one", "two", "v"]
    assert cluster.hooks.requests[-1]["object"]["data"] == {"a": "1", "b": "2"}


async def test_who_wants_to_see_later_changes_is_called_again(cluster: Cluster) -> None:
    cluster.hooks.answers["two"] = patching({"op": "add", "path": "/data", "value": {"b": "2"}})
    first = cluster.hooks.webhook("one", reinvocationPolicy="IfNeeded")
    await cluster.configure("Mutating", first, cluster.hooks.webhook("two"), cluster.hooks.webhook("three"))
    await cluster.create()
    assert cluster.hooks.paths == ["one", "two", "three", "one"]
    assert cluster.hooks.requests[-1]["object"]["data"] == {"b": "2"}


async def test_a_failing_webhook_refuses_or_is_ignored_as_its_policy_says(cluster: Cluster) -> None:
    dead = {"url": "https://localhost:1/x", "caBundle": cluster.hooks.ca_bundle}
    ignored = cluster.hooks.webhook("ignored", clientConfig=dead, failurePolicy="Ignore")
    await cluster.configure("Validating", ignored, name="a")
    assert (await cluster.create()).status_code == 201
    await cluster.configure("Validating", cluster.hooks.webhook("v", clientConfig=dead), name="b")
    refused = (await cluster.create("b")).json()
    assert (refused["code"], refused["reason"]) == (500, "InternalError")
    assert refused["message"] == (
        'Internal error occurred: failed calling webhook "v.example.com": failed to call webhook: '
        'Post "https://localhost:1/x?timeout=10s": dial tcp localhost:1: connect: connection refused'
    )
    prefix = "apiserver_admission_webhook"
    passed = REGISTRY.get_sample_value(
        f"{prefix}_fail_open_count", {"name": "ignored.example.com", "type": "validating"}
    )
    why = {"error_type": "calling_webhook_error", "rejection_code": "503"}
    which = {"name": "v.example.com", "type": "validating", "operation": "CREATE"}
    assert passed
    assert REGISTRY.get_sample_value(f"{prefix}_rejection_count", {**which, **why})


async def test_a_slow_webhook_times_out(cluster: Cluster) -> None:
    answered = threading.Event()

    def slow(request: Object) -> Object:
        answered.wait(60)
        return {"allowed": True}

    cluster.hooks.answers["v"] = slow
    await cluster.configure("Validating", cluster.hooks.webhook("v", timeoutSeconds=1))
    message = (await cluster.create()).json()["message"]
    answered.set()
    assert message.endswith('/v?timeout=1s": context deadline exceeded'), message


async def test_an_untrusted_webhook_is_not_believed(cluster: Cluster) -> None:
    config = {"url": f"https://localhost:{cluster.hooks.port}/v"}
    await cluster.configure("Validating", cluster.hooks.webhook("v", clientConfig=config))
    message = (await cluster.create()).json()["message"]
    assert "tls: failed to verify certificate: " in message
    assert not cluster.hooks.requests


async def test_what_is_no_certificate_is_told(cluster: Cluster) -> None:
    config = {"url": "https://localhost:1/x", "caBundle": "bm9wZQ=="}
    await cluster.configure("Validating", cluster.hooks.webhook("v", clientConfig=config))
    assert (await cluster.create()).json()["message"] == (
        'Internal error occurred: failed calling webhook "v.example.com": could not get REST client: '
        "unable to load root certificates: unable to parse bytes as PEM block"
    )


async def test_a_service_is_called_at_one_of_its_endpoints_by_its_name(cluster: Cluster) -> None:
    service = {
        "apiVersion": "v1", "kind": "Service", "metadata": {"name": "hook"},
        "spec": {"ports": [{"port": 443, "name": "https"}]},
    }  # fmt: skip
    await cluster.admin.post("/api/v1/namespaces/default/services", json=service)
    config = {
        "service": {"namespace": "default", "name": "hook", "path": "/v"},
        "caBundle": cluster.hooks.ca_bundle,
    }
    await cluster.configure("Validating", cluster.hooks.webhook("v", clientConfig=config))
    message = (await cluster.create()).json()["message"]
    assert message.endswith(
        'Post "https://hook.default.svc:443/v?timeout=10s": no endpoints available for service "hook"'
    )
    endpoint_slice = {
        "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4",
        "metadata": {"name": "hook-1", "labels": {"kubernetes.io/service-name": "hook"}},
        "ports": [{"name": "https", "port": cluster.hooks.port}],
        "endpoints": [{"addresses": [advertised_address(Options())], "conditions": {"ready": True}}],
    }  # fmt: skip
    made = await cluster.admin.post(
        "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices", json=endpoint_slice
    )
    assert made.status_code == 201, made.text
    await cluster.api.server.cache.fresh()
    assert (await cluster.create()).status_code == 201
    assert cluster.hooks.paths == ["v"]


async def test_selectors_and_dry_runs(cluster: Cluster) -> None:
    labels = {"objectSelector": {"matchLabels": {"watched": "yes"}}}
    namespaces = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "kube-system"}}}
    await cluster.configure(
        "Validating",
        cluster.hooks.webhook("labels", **labels),
        cluster.hooks.webhook("namespaces", **namespaces),
    )
    assert (await cluster.create("a")).status_code == 201
    assert cluster.hooks.paths == []
    assert (
        await cluster.create("b", metadata={"name": "b", "labels": {"watched": "yes"}})
    ).status_code == 201
    assert cluster.hooks.paths == ["labels"]
    assert (await cluster.create("c", "?dryRun=All")).status_code == 201
    assert cluster.hooks.paths == ["labels"]


async def test_warnings_reach_the_client(cluster: Cluster) -> None:
    cluster.hooks.answers["v"] = lambda request: {"allowed": True, "warnings": ["mind the gap"]}
    await cluster.configure("Validating", cluster.hooks.webhook("v"))
    assert (await cluster.create()).headers["warning"] == '299 - "mind the gap"'


async def test_subresources_connections_and_deletions_are_told_as_what_they_are(cluster: Cluster) -> None:
    everything = rule("pods/*", "pods", "deployments/scale", operations=["*"], group="*")
    await cluster.configure("Validating", cluster.hooks.webhook("v", rules=[everything]))
    admin = cluster.admin
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default"}}
    await admin.post("/api/v1/namespaces/default/serviceaccounts", json=account)
    await admin.post(PODS, json=POD)
    await admin.patch(
        f"{PODS}/p/status", json={"status": {"phase": "Running"}},
        headers={"content-type": "application/merge-patch+json"},
    )  # fmt: skip
    await admin.post(f"{PODS}/p/binding", json={"target": {"name": "n1"}})
    await admin.get(f"{PODS}/p/exec?command=ls&command=-l&stdout=true")
    await admin.post(f"{PODS}/p/eviction", json={"metadata": {"name": "p"}})
    template = {"metadata": {"labels": {"a": "b"}}, "spec": POD["spec"]}
    deployment = {
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "d"},
        "spec": {"selector": {"matchLabels": {"a": "b"}}, "template": template},
    }  # fmt: skip
    deployments = "/apis/apps/v1/namespaces/default/deployments"
    await admin.post(deployments, json=deployment)
    scaled = await admin.patch(
        f"{deployments}/d/scale", json={"spec": {"replicas": 3}},
        headers={"content-type": "application/merge-patch+json"},
    )  # fmt: skip
    assert scaled.status_code == 200, scaled.text
    seen = [
        (each["operation"], each["kind"]["kind"], each.get("subResource", ""), each["object"])
        for each in cluster.hooks.requests
    ]
    assert [each[:3] for each in seen] == [
        ("CREATE", "Pod", ""),
        ("UPDATE", "Pod", "status"),
        ("CREATE", "Binding", "binding"),
        ("CONNECT", "PodExecOptions", "exec"),
        ("CREATE", "Eviction", "eviction"),
        ("UPDATE", "Scale", "scale"),
    ]
    assert seen[3][3] == {
        "kind": "PodExecOptions", "apiVersion": "v1", "stdout": True, "command": ["ls", "-l"],
    }  # fmt: skip
    assert (seen[5][3]["kind"], seen[5][3]["spec"]) == ("Scale", {"replicas": 3})


async def test_a_webhook_sees_the_version_it_knows(cluster: Cluster) -> None:
    watched = {
        "operations": ["CREATE"], "apiGroups": ["autoscaling"], "apiVersions": ["v1"],
        "resources": ["horizontalpodautoscalers"],
    }  # fmt: skip
    cluster.hooks.answers["m"] = patching(
        {"op": "replace", "path": "/spec/targetCPUUtilizationPercentage", "value": 70}
    )
    await cluster.configure("Mutating", cluster.hooks.webhook("m", rules=[watched]))
    await cluster.configure("Validating", cluster.hooks.webhook("v", rules=[watched], matchPolicy="Exact"))
    target = {"type": "Utilization", "averageUtilization": 50}
    scaler = {
        "apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "metadata": {"name": "h"},
        "spec": {
            "maxReplicas": 3, "scaleTargetRef": {"kind": "Deployment", "name": "d", "apiVersion": "apps/v1"},
            "metrics": [{"type": "Resource", "resource": {"name": "cpu", "target": target}}],
        },
    }  # fmt: skip
    path = "/apis/autoscaling/v2/namespaces/default/horizontalpodautoscalers"
    made = await cluster.admin.post(path, json=scaler)
    assert made.status_code == 201, made.text
    assert made.json()["spec"]["metrics"][0]["resource"]["target"]["averageUtilization"] == 70
    assert cluster.hooks.paths == ["m"]
    request = cluster.hooks.requests[0]
    assert (request["kind"]["version"], request["requestKind"]["version"]) == ("v1", "v2")
    assert request["object"]["apiVersion"] == "autoscaling/v1"


async def test_nobody_is_asked_about_webhook_configurations(cluster: Cluster) -> None:
    cluster.hooks.answers["v"] = deny("never")
    everything = {"operations": ["*"], "apiGroups": ["*"], "apiVersions": ["*"], "resources": ["*"]}
    await cluster.configure("Validating", cluster.hooks.webhook("v", rules=[everything]))
    assert (await cluster.create()).status_code == 400
    path = "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations/hooks"
    assert (await cluster.admin.delete(path)).status_code == 200
    await cluster.api.server.cache.fresh()
    assert (await cluster.create()).status_code == 201


async def test_calls_are_counted(cluster: Cluster) -> None:
    cluster.hooks.answers["counted"] = deny("no", code=418)
    await cluster.configure("Validating", cluster.hooks.webhook("counted"))
    await cluster.create()
    metrics = (await cluster.admin.get("/metrics")).text
    labels = 'code="418",name="counted.example.com",operation="CREATE",rejected="true",type="validating"'
    assert f"apiserver_admission_webhook_request_total{{{labels}}} 1.0" in metrics


async def test_custom_resources_are_changed_in_a_version_that_the_webhook_knows(cluster: Cluster) -> None:
    spec = {
        "type": "object",
        "properties": {"size": {"type": "integer"}, "color": {"type": "string", "default": "red"}},
    }
    schema = {"openAPIV3Schema": {"type": "object", "properties": {"spec": spec}}}
    definition = {
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": "hats.example.com"},
        "spec": {
            "group": "example.com", "scope": "Namespaced", "names": {"plural": "hats", "kind": "Hat"},
            "versions": [
                {"name": "v1", "served": True, "storage": True, "schema": schema},
                {"name": "v2", "served": True, "storage": False, "schema": schema},
            ],
        },
    }  # fmt: skip
    await cluster.admin.post("/apis/apiextensions.k8s.io/v1/customresourcedefinitions", json=definition)
    path = "/apis/example.com/v2/namespaces/default/hats"
    cluster.hooks.answers["m"] = patching(
        {"op": "add", "path": "/spec/size", "value": 7}, {"op": "add", "path": "/spec/nonsense", "value": 1}
    )
    await cluster.configure("Mutating", cluster.hooks.webhook("m", rules=[rule("hats", group="example.com")]))
    hat = {"apiVersion": "example.com/v2", "kind": "Hat", "metadata": {"name": "h"}, "spec": {}}
    async with asyncio.timeout(120):
        while (made := await cluster.admin.post(path, json=hat)).status_code == 404:
            await cluster.api.server.cache.fresh()
    assert made.status_code == 201, made.text
    assert (made.json()["apiVersion"], made.json()["spec"]) == ("example.com/v2", {"size": 7, "color": "red"})
    request = cluster.hooks.requests[0]
    assert (request["object"]["apiVersion"], request["kind"]["version"]) == ("example.com/v1", "v1")
    assert request["requestKind"]["version"] == "v2"
    cluster.hooks.answers["v"] = deny("keep it")
    deletions = rule("hats", operations=["DELETE"], group="example.com")
    await cluster.configure("Validating", cluster.hooks.webhook("v", rules=[deletions]))
    refused = await cluster.admin.delete(f"{path}/h")
    assert refused.json()["message"] == 'admission webhook "v.example.com" denied the request: keep it'
    assert cluster.hooks.requests[-1]["oldObject"]["spec"] == {"size": 7, "color": "red"}


async def test_no_webhook_moves_an_object_to_another_namespace(cluster: Cluster) -> None:
    cluster.hooks.answers["m"] = patching(
        {"op": "add", "path": "/metadata/namespace", "value": "kube-system"}
    )
    await cluster.configure("Mutating", cluster.hooks.webhook("m"))
    refused = await cluster.create()
    assert (refused.status_code, refused.json()["message"]) == (
        400,
        "the namespace of the provided object does not match the namespace sent on the request",
    )
    applied = await cluster.admin.patch(
        f"{CONFIG_MAPS}/b?fieldManager=me",
        json={"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "b"}},
        headers={"content-type": "application/apply-patch+yaml"},
    )
    assert applied.status_code == 400


QUESTIONS = "/apis/authorization.k8s.io/v1"


async def test_questions_pass_by_webhooks_as_other_creates_do(cluster: Cluster) -> None:
    asked = {"user": "nobody", "resourceAttributes": {"verb": "get", "resource": "pods", "namespace": "n"}}
    as_master = {"op": "add", "path": "/spec/groups", "value": ["system:masters"]}
    cluster.hooks.answers["m"] = patching(as_master)
    cluster.hooks.answers["v"] = deny("we do not tell")
    group = "authorization.k8s.io"
    about_access = rule("subjectaccessreviews", "localsubjectaccessreviews", group=group)
    about_tokens = rule("tokenreviews", group="authentication.k8s.io")
    await cluster.configure("Mutating", cluster.hooks.webhook("m", rules=[about_access]), name="m")
    await cluster.configure("Validating", cluster.hooks.webhook("v", rules=[about_tokens]), name="v")
    allowed = await cluster.admin.post(f"{QUESTIONS}/subjectaccessreviews", json={"spec": asked})
    assert allowed.json()["status"] == {"allowed": True}
    path = f"{QUESTIONS}/namespaces/n/localsubjectaccessreviews"
    allowed = await cluster.admin.post(path, json={"spec": asked})
    assert allowed.json()["status"] == {"allowed": True}, "the namespace need not be there"
    assert [each["namespace"] for each in cluster.hooks.requests if "namespace" in each] == ["n"]
    refused = await cluster.admin.post(
        "/apis/authentication.k8s.io/v1/tokenreviews", json={"spec": {"token": "t"}}
    )
    assert (refused.status_code, refused.json()["message"]) == (
        400, 'admission webhook "v.example.com" denied the request: we do not tell',
    )  # fmt: skip


async def test_unknown_fields_of_a_question_are_told_of(cluster: Cluster) -> None:
    asked = {"nonResourceAttributes": {"verb": "get", "path": "/"}, "x": 1}
    path = f"{QUESTIONS}/selfsubjectaccessreviews"
    answer = await cluster.admin.post(path, json={"spec": asked})
    assert answer.headers["warning"] == '299 - "unknown field \\"spec.x\\""'
    strict = await cluster.admin.post(f"{path}?fieldValidation=Strict", json={"spec": asked})
    assert strict.status_code == 400
