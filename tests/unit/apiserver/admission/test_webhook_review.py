"""What a webhook's answer means."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from apimachinery.objects import Object
from apiserver.admission.webhooks.hooks import Endpoint, parse_hooks
from apiserver.admission.webhooks.review import ReviewError, choose_version, denial, read_verdict
from apiserver.services import ready_addresses

PATCH = base64.b64encode(b'[{"op":"add","path":"/a","value":1}]').decode()


def answer(**response: Any) -> Object:
    return {
        "apiVersion": "admission.k8s.io/v1",
        "kind": "AdmissionReview",
        "response": {"uid": "7", **response},
    }


INVALID, CALL = "received invalid webhook response: ", "failed to call webhook: "
FIELD = "into Go struct field AdmissionResponse.response"
UNDECODABLE = "received undecodable patch in webhook response: "


def patched(patch: str, kind: str = "JSONPatch") -> Object:
    return answer(allowed=True, patch=base64.b64encode(patch.encode()).decode(), patchType=kind)


@pytest.mark.parametrize(
    ("given", "may_change", "expected"),
    [
        ({}, True, INVALID + "webhook response was absent"),
        (None, True, INVALID + "webhook response was absent"),
        (answer(uid="8"), True, INVALID + 'expected response.uid="7", got "8"'),
        (
            {"response": {"uid": "7"}},
            True,
            INVALID + "expected webhook response of admission.k8s.io/v1, Kind=AdmissionReview, got /, Kind=",
        ),
        (answer(patch=PATCH), False, INVALID + "validating webhook may not return response.patch"),
        (
            answer(patchType="JSONPatch"),
            False,
            INVALID + "validating webhook may not return response.patchType",
        ),
        (answer(patch=PATCH), True, INVALID + "webhook returned response.patch but not response.patchType"),
        (
            answer(patchType="JSONPatch"),
            True,
            INVALID + "webhook returned response.patchType but not response.patch",
        ),
        (
            answer(patch=PATCH, patchType=""),
            True,
            INVALID + 'webhook returned invalid response.patchType of ""',
        ),
        (patched("[{}]", "Merge"), True, 'unsupported patch type "Merge"'),
        (patched("tru"), True, UNDECODABLE + "unexpected end of JSON input"),
        (
            patched("{}"),
            True,
            UNDECODABLE + "json: cannot unmarshal object into Go value of type jsonpatch.Patch",
        ),
        (
            patched("[5]"),
            True,
            UNDECODABLE + "json: cannot unmarshal number into Go value of type jsonpatch.Operation",
        ),
    ],
)
def test_answers_that_are_none(given: Any, may_change: bool, expected: str) -> None:
    with pytest.raises(ReviewError) as error:
        read_verdict(given, "v1", "7", may_change=may_change)
    assert str(error.value) == expected


SCHEME = 'in scheme "k8s.io/apiserver/pkg/util/webhook/client.go:71"'
UNKNOWN = "(v1.AdmissionReview): unknown conversion"
V1BETA1 = "admission.k8s.io/v1beta1"


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (answer(allowed="yes"), f"json: cannot unmarshal string {FIELD}.allowed of type bool"),
        (answer(uid=7), f"json: cannot unmarshal number {FIELD}.uid of type types.UID"),
        (
            {"response": {"allowed": "yes", "uid": 7}},
            f"json: cannot unmarshal string {FIELD}.allowed of type bool",
        ),
        (answer(patch=[{}]), f"json: cannot unmarshal array {FIELD}.patch of type []uint8"),
        (answer(patch="!!"), "illegal base64 data at input byte 0"),
        (answer(patchType=5), f"json: cannot unmarshal number {FIELD}.patchType of type v1.PatchType"),
        (
            answer(auditAnnotations={"a": 5}),
            f"json: cannot unmarshal number {FIELD}.auditAnnotations of type string",
        ),
        (answer(warnings="w"), f"json: cannot unmarshal string {FIELD}.warnings of type []string"),
        (
            answer(status={"code": "403"}),
            "json: cannot unmarshal string into Go struct field Status.response.status.code of type int32",
        ),
        (
            {"response": []},
            "json: cannot unmarshal array into Go struct field AdmissionReview.response of type "
            "v1.AdmissionResponse",
        ),
        ({"kind": "Pod", "apiVersion": "v1"}, f'no kind "Pod" is registered for version "v1" {SCHEME}'),
        ({"kind": "Status", "apiVersion": "v1"}, f"converting (v1.Status) to {UNKNOWN}"),
        (answer() | {"apiVersion": V1BETA1}, f"converting (v1beta1.AdmissionReview) to {UNKNOWN}"),
        (
            answer(patchType=5) | {"apiVersion": V1BETA1},
            f"json: cannot unmarshal number {FIELD}.patchType of type v1beta1.PatchType",
        ),
    ],
)
def test_values_of_wrong_types_are_told_as_upstream_tells_them(given: Any, expected: str) -> None:
    with pytest.raises(ReviewError) as error:
        read_verdict(given, "v1", "7", may_change=True)
    assert str(error.value) == CALL + expected


@pytest.mark.parametrize(
    "given",
    [
        pytest.param(patched("[]", "Merge"), id="nothing"),
        pytest.param(patched("null"), id="null"),
        pytest.param(answer(patch="bm9uc2Vuc2U=", patchType="JSONPatch"), id="denied"),
    ],
)
def test_patches_that_nobody_applies(given: Object) -> None:
    assert read_verdict(given, "v1", "7", may_change=True).patch in ((), [])


def test_an_answer() -> None:
    given = answer(
        allowed=True, patch=PATCH, patchType="JSONPatch", warnings=["w"], auditAnnotations={"k": "v"}
    )
    verdict = read_verdict(given, "v1", "7", may_change=True)
    assert (verdict.allowed, list(verdict.patch)) == (True, [{"op": "add", "path": "/a", "value": 1}])
    assert (verdict.warnings, verdict.annotations) == (["w"], {"k": "v"})


def test_v1beta1_is_taken_as_it_comes() -> None:
    verdict = read_verdict({"response": {"allowed": True, "patch": PATCH}}, "v1beta1", "7", may_change=True)
    assert verdict.patch


def test_the_first_version_that_both_speak_is_chosen() -> None:
    assert choose_version(["v9", "v1beta1", "v1"]) == "v1beta1"
    with pytest.raises(ReviewError):
        choose_version(["v9"])


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ({}, (400, "", 'admission webhook "w" denied the request without explanation')),
        ({"message": "no"}, (400, "", 'admission webhook "w" denied the request: no')),
        ({"reason": "Forbidden"}, (400, "Forbidden", 'admission webhook "w" denied the request: Forbidden')),
        ({"code": 403, "message": "no"}, (403, "", 'admission webhook "w" denied the request: no')),
        ({"code": 403.0, "message": "no"}, (403, "", 'admission webhook "w" denied the request: no')),
        ({"code": 200, "message": "no"}, (400, "", 'admission webhook "w" denied the request: no')),
    ],
)
def test_a_refusal_is_the_webhooks_own(status: Object, expected: tuple[int, str, str]) -> None:
    error = denial("w", status)
    assert (error.code, error.reason, error.message) == expected
    assert isinstance(error.code, int)


def test_webhooks_of_one_name_are_told_apart() -> None:
    webhook = {"name": "w", "clientConfig": {"service": {"namespace": "n", "name": "s", "path": "/p"}}}
    hooks = parse_hooks([{"metadata": {"name": "c"}, "webhooks": [webhook, webhook]}])
    assert [each.uid for each in hooks] == ["c/w/0", "c/w/1"]
    assert (hooks[0].endpoint.url, hooks[0].endpoint.service) == ("https://s.n.svc:443/p", ("n", "s", 443))


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ({"url": "https://h:8443/p"}, "https://h:8443/p"),
        ({"url": "https://h:8443//p/./q/"}, "https://h:8443/p/q"),
        ({"url": "https://h"}, "https://h/"),
        ({"service": {"namespace": "n", "name": "s"}}, "https://s.n.svc:443/"),
        ({"service": {"namespace": "n", "name": "s", "path": "//p"}}, "https://s.n.svc:443/p"),
    ],
)
def test_the_path_of_a_webhook_is_cleaned(config: Object, expected: str) -> None:
    assert Endpoint.parse(config).url == expected


def test_only_ready_endpoints_of_the_named_port_are_called() -> None:
    endpoint_slice = {
        "ports": [{"name": "https", "port": 8443}, {"name": "metrics", "port": 9090}],
        "endpoints": [
            {"addresses": ["10.0.0.1"], "conditions": {"ready": False}},
            {"addresses": ["10.0.0.2"], "conditions": {"ready": True}},
            {"addresses": ["10.0.0.3"]},
        ],
    }
    assert ready_addresses([endpoint_slice], "https") == [("10.0.0.2", 8443), ("10.0.0.3", 8443)]
