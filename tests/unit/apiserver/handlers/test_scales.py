"""The scale subresource, as a client sees it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.fakes.api import Api
from tests.unit.apiserver.handlers.requests import MERGE

SETS = "/apis/apps/v1/namespaces/default/replicasets"
SCALE = f"{SETS}/s/scale"


async def make_set(api: Api) -> Any:
    template = {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [{"name": "c", "image": "i"}]}}
    spec = {"replicas": 3, "selector": {"matchLabels": {"a": "b"}}, "template": template}
    return (await api.request("POST", SETS, {"metadata": {"name": "s"}, "spec": spec})).json


async def replicas(api: Api) -> int:
    return int((await api.request("GET", f"{SETS}/s")).json["spec"]["replicas"])


@pytest.mark.parametrize("verb", ["GET", "PATCH"])
async def test_the_scale_of_what_is_not_there_is_not_found(api: Api, verb: str) -> None:
    body = None if verb == "GET" else {"spec": {"replicas": 3}}
    path = "/apis/apps/v1/namespaces/default/deployments/d/scale"
    answer = await api.request(verb, path, body, MERGE)
    assert (answer.status, answer.json["message"]) == (404, 'deployments.apps "d" not found')


@pytest.mark.parametrize("spec", [{}, {"replicas": 0}])
async def test_none_are_left_out(api: Api, spec: Any) -> None:
    await make_set(api)
    answer = await api.request("PUT", SCALE, {"metadata": {"name": "s"}, "spec": spec})
    assert (answer.status, answer.json["spec"], await replicas(api)) == (200, {}, 0)
    assert (await api.request("GET", SCALE)).json["spec"] == {}


async def test_a_patch_cannot_name_another(api: Api) -> None:
    await make_set(api)
    answer = await api.request("PATCH", SCALE, {"metadata": {"name": "x"}, "spec": {"replicas": 1}}, MERGE)
    message = "the name of the object (x) does not match the name on the URL (s)"
    assert (answer.status, answer.json["message"], await replicas(api)) == (400, message, 3)


@pytest.mark.parametrize("verb", ["PUT", "PATCH"])
async def test_the_uid_of_a_scale_is_a_precondition(api: Api, verb: str) -> None:
    uid = (await make_set(api))["metadata"]["uid"]
    body = {"metadata": {"name": "s", "uid": "x"}, "spec": {"replicas": 1}}
    answer = await api.request(verb, SCALE, body, MERGE if verb == "PATCH" else None)
    message = (
        'Operation cannot be fulfilled on replicasets/scale.apps "s": Precondition failed: '
        f"UID in precondition: x, UID in object meta: {uid}"
    )
    assert (answer.status, answer.json["message"], await replicas(api)) == (409, message, 3)
    assert answer.json["details"] == {"name": "s", "group": "apps", "kind": "replicasets/scale"}
    body["metadata"]["uid"] = uid
    assert (await api.request(verb, SCALE, body, MERGE if verb == "PATCH" else None)).status == 200
