"""AdmissionReview: the question that a webhook is asked, and what its answer means.

Source: staging/src/k8s.io/apiserver/pkg/admission/plugin/webhook/{request,errors} of Kubernetes 1.34.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from apimachinery.errors import StatusError, from_status
from apimachinery.objects import Object
from apimachinery.scheme import Resource, subresource_of
from apimachinery.serialize import DecodeError, from_json
from apiserver.admission.attributes import Attributes

_GROUP = "admission.k8s.io"
_VERSIONS = ("v1", "v1beta1")


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
        "kind": "AdmissionReview",
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
    response = answer.get("response") if isinstance(answer, dict) else None
    if not isinstance(response, dict):
        raise ReviewError("webhook response was absent")
    if version == "v1":
        _check(answer, response, uid, may_change=may_change)
    patch = _decode_patch(response.get("patch")) if may_change else ()
    return Verdict(
        response.get("allowed") is True,
        patch,
        response.get("status") or {},
        response.get("warnings") or (),
        response.get("auditAnnotations") or {},
    )


def _check(answer: Object, response: Object, uid: str, *, may_change: bool) -> None:
    if response.get("uid") != uid:
        raise ReviewError(f'expected response.uid="{uid}", got "{response.get("uid") or ""}"')
    said = (answer.get("apiVersion") or "", answer.get("kind") or "")
    if said != (f"{_GROUP}/v1", "AdmissionReview"):
        shown = f"{said[0]}, Kind={said[1]}"
        raise ReviewError(f"expected webhook response of {_GROUP}/v1, Kind=AdmissionReview, got {shown}")
    patch, kind = response.get("patch"), response.get("patchType")
    if not may_change:
        if patch:
            raise ReviewError("validating webhook may not return response.patch")
        if kind is not None:
            raise ReviewError("validating webhook may not return response.patchType")
    elif patch and kind is None:
        raise ReviewError("webhook returned response.patch but not response.patchType")
    elif kind is not None and not patch:
        raise ReviewError("webhook returned response.patchType but not response.patch")
    elif kind == "":
        raise ReviewError('webhook returned invalid response.patchType of ""')
    elif kind not in (None, "JSONPatch"):
        raise ReviewError(f'unsupported patch type "{kind}"')


def _decode_patch(text: str | None) -> Sequence[Object]:
    if not text:
        return ()
    try:
        patch = from_json(base64.b64decode(text, validate=True))
    except (binascii.Error, DecodeError) as error:
        raise ReviewError(f"received undecodable patch in webhook response: {error}") from None
    if not isinstance(patch, list) or not all(isinstance(each, dict) for each in patch):
        raise ReviewError("received undecodable patch in webhook response: not a list of operations")
    return patch


def denial(name: str, status: Object) -> StatusError:
    """The error that a webhook's refusal becomes; it decides on code, reason and details."""
    by = f'admission webhook "{name}" denied the request'
    why = status.get("message") or status.get("reason")
    code = status.get("code") or 0
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
