"""Warnings go with errors, too: whatever came up before the request failed."""

from __future__ import annotations

from typing import Any

import pytest

from tests.fakes.api import Api

INGRESSES = "/apis/networking.k8s.io/v1/namespaces/default/ingresses"
SERVICES = "/api/v1/namespaces/default/services"
SECRETS = "/api/v1/namespaces/default/secrets"
ENDPOINTS = "/api/v1/namespaces/default/endpoints"
UNKNOWN = '299 - "unknown field \\"spec.x\\""'
CLASS = (
    '299 - "annotation \\"kubernetes.io/ingress.class\\" is deprecated, '
    "please use 'spec.ingressClassName' instead\""
)
DEPRECATED = '299 - "v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice"'


def ingress(**spec: Any) -> dict[str, Any]:
    annotations = {"kubernetes.io/ingress.class": "nginx"}
    backend = {"service": {"name": "a", "port": {"number": 80}}}
    return {
        "metadata": {"name": "a", "annotations": annotations},
        "spec": {"defaultBackend": backend, **spec},
    }


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "warnings"),
    [
        pytest.param("POST", INGRESSES, ingress(x=1), 409, [UNKNOWN, CLASS], id="exists"),
        pytest.param("POST", INGRESSES, ingress(x=1, defaultBackend={}), 422, [UNKNOWN], id="invalid"),
        pytest.param("PUT", f"{INGRESSES}/b", ingress(x=1), 400, [UNKNOWN], id="another name"),
        pytest.param("GET", f"{ENDPOINTS}/b", None, 404, [DEPRECATED], id="deprecated, and not there"),
        pytest.param("POST", ENDPOINTS, {}, 422, [DEPRECATED], id="deprecated, and invalid"),
        pytest.param("POST", f"{ENDPOINTS}/b", None, 405, [], id="a method that there is not"),
    ],
)
async def test_errors_carry_the_warnings_that_came_before(
    api: Api, method: str, path: str, body: Any, status: int, warnings: list[str]
) -> None:
    assert (await api.request("POST", INGRESSES, ingress())).warnings == [CLASS]
    answer = await api.request(method, path, body)
    assert (answer.status, answer.warnings) == (status, warnings)


async def test_a_change_of_the_status_is_not_warned_about_the_spec(api: Api) -> None:
    service = {"metadata": {"name": "a"}, "spec": {"ports": [{"port": 80}], "externalName": "x.example"}}
    made = await api.request("POST", SERVICES, service)
    assert made.warnings == ['299 - "spec.externalName is ignored when spec.type is not \\"ExternalName\\""']
    assert (await api.request("PUT", f"{SERVICES}/a", made.json)).warnings == made.warnings
    assert (await api.request("PUT", f"{SERVICES}/a/status", made.json)).warnings == []


JOBS = "/apis/batch/v1/namespaces/default/jobs"
KEEPS_PODS = (
    '299 - "child pods are preserved by default when jobs are deleted; set propagationPolicy=Background to '
    'remove them or set propagationPolicy=Orphan to suppress this warning"'
)


@pytest.mark.parametrize(
    ("path", "options", "warnings"),
    [
        pytest.param("/a", None, [KEEPS_PODS], id="nothing said"),
        pytest.param("", None, [KEEPS_PODS], id="nothing said of all"),
        pytest.param("/a", {"propagationPolicy": "Orphan"}, [], id="orphans"),
        pytest.param("/a", {"orphanDependents": True}, [], id="orphans, as it was said once"),
        pytest.param("?propagationPolicy=Background", None, [], id="all in the background"),
    ],
)
async def test_who_deletes_a_job_learns_that_its_pods_stay(
    api: Api, path: str, options: Any, warnings: list[str]
) -> None:
    template = {"spec": {"restartPolicy": "Never", "containers": [{"name": "c", "image": "x"}]}}
    await api.request("POST", JOBS, {"metadata": {"name": "a"}, "spec": {"template": template}})
    answer = await api.request("DELETE", f"{JOBS}{path}", options)
    assert (answer.status, answer.warnings) == (200, warnings)


OWNER = {"apiVersion": "v1", "kind": "ConfigMap", "name": "o", "uid": "u1"}
OTHER = {**OWNER, "uid": "u2"}
TWICE = (
    '299 - ".metadata.ownerReferences contains duplicate entries%s; API server dedups owner references in '
    "1.20+, and may reject such requests as early as 1.24; please fix your requests; "
    'duplicate UID(s) observed: u1"'
)


@pytest.mark.parametrize(
    ("method", "path", "when"),
    [
        ("POST", SECRETS, ""),
        ("PUT", f"{SECRETS}/a", ""),
        ("PATCH", f"{SECRETS}/a", " after mutating admission happens"),
    ],
)
async def test_an_owner_that_is_told_twice_is_kept_once(api: Api, method: str, path: str, when: str) -> None:
    if method != "POST":
        await api.request("POST", SECRETS, {"metadata": {"name": "a"}})
    body = {"metadata": {"name": "a", "ownerReferences": [OWNER, OTHER, OWNER]}}
    headers = {"content-type": "application/merge-patch+json"} if method == "PATCH" else {}
    answer = await api.request(method, path, body, headers)
    assert answer.warnings == [TWICE % when]
    assert answer.json["metadata"]["ownerReferences"] == [OWNER, OTHER]
