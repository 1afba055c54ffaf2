"""AdmissionReview: the question that a webhook is asked, and what its answer means.

Source: staging/src/k8s.io/apiserver/pkg/admission/plugin/webhook/{request,errors} of Kubernetes 1.34.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from apimachinery.errors import StatusError, from_status
from apimachinery.go_values import go_quoted
from apimachinery.objects import Object
from apimachinery.scheme import Resource, subresource_of
from apimachinery.serialize import DecodeError, from_json
from apiserver.admission.attributes import Attributes
from apiserver.admission.webhooks.answers import STATUS, UID, ReviewKind
from component_base.config_shape import (
    ANY,
    BOOL,
    BYTES,
    STRING,
    ListOf,
    MapOf,
    Scalar,
    Struct,
    from_base64,
    misfit_as_written,
    named,
    of_type,
)

_GROUP, _KIND = "admission.k8s.io", "AdmissionReview"
_VERSIONS = ("v1", "v1beta1")
_UNDECODABLE = "received undecodable patch in webhook response"
_OBJECT = Scalar("runtime.RawExtension", ANY.kinds)
_PATCH = ListOf(MapOf(ANY, "jsonpatch.Operation"), "jsonpatch.Patch")


def _shape(version: str) -> Struct:
    kind = Struct("v1.GroupVersionKind", of_type(STRING, "group version kind"))
    resource = Struct("v1.GroupVersionResource", of_type(STRING, "group version resource"))
    return Struct(f"{version}.{_KIND}", {
        **of_type(STRING, "kind apiVersion"),
        "request": Struct(f"{version}.AdmissionRequest", {
            "uid": UID,
            **of_type(kind, "kind requestKind"),
            **of_type(resource, "resource requestResource"),
            **of_type(STRING, "subResource requestSubResource name namespace"),
            "operation": named(f"{version}.Operation"),
            "userInfo": Struct("v1.UserInfo", {
                **of_type(STRING, "username uid"),
                "groups": ListOf(STRING),
                "extra": MapOf(ListOf(STRING, "v1.ExtraValue")),
            }),
            **of_type(_OBJECT, "object oldObject options"),
            "dryRun": BOOL,
        }),
        "response": Struct(f"{version}.AdmissionResponse", {
            "uid": UID,
            "allowed": BOOL,
            "status": STATUS,
            "patch": BYTES,
            "patchType": named(f"{version}.PatchType"),
            "auditAnnotations": MapOf(STRING),
            "warnings": ListOf(STRING),
        }),
    })  # fmt: skip


_REVIEW = ReviewKind(_GROUP, _KIND, {each: _shape(each) for each in _VERSIONS})


class ReviewError(Exception):
    """A webhook that cannot be asked, or an answer that is none; the message is upstream's."""

    code = 503


@dataclass(frozen=True, slots=True)
class Verdict:
    allowed: bool
    patch: Sequence[Object] = ()
    status: Object = field(default_factory=dict)
    warnings: Sequence[str] = ()
    annotations: dict[str, str] = field(default_factory=dict)


def choose_version(accepted: Sequence[str]) -> str:
    """The first version that we speak, too. Raises ReviewError."""
    found = next((each for each in accepted if each in _VERSIONS), None)
    if found is None:
        text = "webhook does not accept known AdmissionReview versions (v1, v1beta1)"
        raise ReviewError(f"could not create admission objects: {text}")
    return found


def new_review(
    version: str, uid: str, attributes: Attributes, seen: Resource, obj: Object | None, old: Object | None
) -> Object:
    """The question. `obj` and `old` are in the version `seen` of the resource."""
    request = admission_request(attributes, seen)
    return {
        "kind": _KIND,
        "apiVersion": f"{_GROUP}/{version}",
        "request": {"uid": uid, **request, "object": obj, "oldObject": old},
    }


def admission_request(attributes: Attributes, seen: Resource) -> Object:
    """An AdmissionRequest without its uid and its objects: what expressions call `request`, too."""
    own, subresource = attributes.resource, attributes.subresource
    named = {"subResource": subresource, "requestSubResource": subresource} if subresource else {}
    namespace = attributes.request_namespace
    return {
        "kind": _kind(seen, subresource),
        "resource": _resource(seen),
        "requestKind": _kind(own, subresource),
        "requestResource": _resource(own),
        **named,
        **({"name": attributes.name} if attributes.name else {}),
        **({"namespace": namespace} if namespace else {}),
        "operation": attributes.operation,
        "userInfo": attributes.user.to_object(),
        "dryRun": attributes.dry_run,
        "options": attributes.options or None,
    }


def _kind(resource: Resource, subresource: str) -> Object:
    found = subresource_of(resource, subresource) if subresource else None
    spoken = found or resource
    return {"group": spoken.group, "version": spoken.version, "kind": spoken.kind}


def _resource(resource: Resource) -> Object:
    return {"group": resource.group, "version": resource.version, "resource": resource.plural}


def read_verdict(answer: Any, version: str, uid: str, *, may_change: bool) -> Verdict:
    """What a webhook answered. Raises ReviewError."""
    if problem := _REVIEW.problem(answer, version):
        raise ReviewError(f"failed to call webhook: {problem}")
    response: Object | None = (answer or {}).get("response")
    if response is None:
        raise _invalid("webhook response was absent")
    if version == "v1":
        _check(answer, response, uid, may_change=may_change)
    is_allowed = bool(response.get("allowed"))
    return Verdict(
        is_allowed,
        _operations(response, version) if is_allowed and may_change else (),
        response.get("status") or {},
        [each or "" for each in response.get("warnings") or ()],
        {key: text or "" for key, text in (response.get("auditAnnotations") or {}).items()},
    )


def _invalid(why: str) -> ReviewError:
    return ReviewError(f"received invalid webhook response: {why}")


def _check(answer: Object, response: Object, uid: str, *, may_change: bool) -> None:
    """Raises ReviewError."""
    if (found := response.get("uid") or "") != uid:
        raise _invalid(f"expected response.uid={go_quoted(uid)}, got {go_quoted(found)}")
    said = (answer.get("apiVersion") or "/", answer.get("kind") or "")
    if said != (f"{_GROUP}/v1", _KIND):
        raise _invalid(f"expected webhook response of {_GROUP}/v1, Kind={_KIND}, got {', Kind='.join(said)}")
    patch, kind = response.get("patch"), response.get("patchType")
    if not may_change:
        if patch:
            raise _invalid("validating webhook may not return response.patch")
        if kind is not None:
            raise _invalid("validating webhook may not return response.patchType")
    elif patch and kind is None:
        raise _invalid("webhook returned response.patch but not response.patchType")
    elif kind is not None and not patch:
        raise _invalid("webhook returned response.patchType but not response.patch")
    elif kind == "":
        raise _invalid('webhook returned invalid response.patchType of ""')


def _operations(response: Object, version: str) -> Sequence[Object]:
    """Those of the patch. Raises ReviewError."""
    if not (text := response.get("patch")):
        return ()
    try:
        patch = from_json(from_base64(text))
    except DecodeError as error:
        raise ReviewError(f"{_UNDECODABLE}: {error}") from None
    if problem := misfit_as_written(patch, _PATCH):
        raise ReviewError(f"{_UNDECODABLE}: {problem}")
    if patch and version == "v1" and response["patchType"] != "JSONPatch":
        raise ReviewError(f"unsupported patch type {go_quoted(response['patchType'])}")
    return [each or {} for each in patch or ()]


def denial(name: str, status: Object) -> StatusError:
    """The error that a webhook's refusal becomes; it decides on code, reason and details."""
    by = f'admission webhook "{name}" denied the request'
    why = status.get("message") or status.get("reason")
    code = int(status.get("code") or 0)
    told = {
        **status,
        "kind": "Status",
        "status": "Failure",
        "code": max(code, 400),
        "message": f"{by}: {why}" if why else f"{by} without explanation",
    }
    error = from_status(told["code"], told)
    error.reason = status.get("reason") or ""
    return error
