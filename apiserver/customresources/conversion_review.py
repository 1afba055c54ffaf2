"""ConversionReview: what a conversion webhook is asked, and whether its answer is one.

Source: pkg/apiserver/conversion/webhook_converter.go of k8s.io/apiextensions-apiserver.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from apimachinery.objects import Object, get_path
from component_base.config_shape import (
    ANY,
    INT32,
    INT64,
    STRING,
    ListOf,
    Scalar,
    Struct,
    kind_problem,
    misfit,
    named,
    of_type,
)

_GROUP, _KIND = "apiextensions.k8s.io", "ConversionReview"
VERSIONS = ("v1", "v1beta1")
_SCHEME = "k8s.io/apiserver/pkg/util/webhook/client.go:71"
_UID = named("types.UID")
_OBJECTS = ListOf(Scalar("runtime.RawExtension", ANY.kinds))
_STATUS = Struct("v1.Status", {
    **of_type(STRING, "kind apiVersion status message"),
    "metadata": Struct("v1.ListMeta", {
        **of_type(STRING, "selfLink resourceVersion continue"), "remainingItemCount": INT64,
    }),
    "reason": named("v1.StatusReason"),
    "details": Struct("v1.StatusDetails", {
        **of_type(STRING, "name group kind"),
        "uid": _UID,
        "causes": ListOf(Struct("v1.StatusCause", {
            "reason": named("v1.CauseType"), **of_type(STRING, "message field"),
        })),
        "retryAfterSeconds": INT32,
    }),
    "code": INT32,
})  # fmt: skip


def _shape(version: str) -> Struct:
    return Struct(f"{version}.{_KIND}", {
        **of_type(STRING, "kind apiVersion"),
        "request": Struct(f"{version}.ConversionRequest", {
            "uid": _UID, "desiredAPIVersion": STRING, "objects": _OBJECTS,
        }),
        "response": Struct(f"{version}.ConversionResponse", {
            "uid": _UID, "convertedObjects": _OBJECTS, "result": _STATUS,
        }),
    })  # fmt: skip


_SHAPES = {each: _shape(each) for each in VERSIONS}


class ConversionError(ValueError):
    """The answer cannot be used; the text is upstream's."""


def review_of(objects: Sequence[Object], api_version: str, uid: str, review_version: str) -> Object:
    """The ConversionReview that a webhook is sent."""
    request = {"uid": uid, "desiredAPIVersion": api_version, "objects": list(objects)}
    return {"kind": _KIND, "apiVersion": f"{_GROUP}/{review_version}", "request": request}


def answered(review: Any, uid: str, review_version: str) -> list[Any]:
    """The objects of an answer. Raises ConversionError."""
    if problem := _problem_of_kind(review, review_version) or misfit(review, _SHAPES[review_version]):
        raise ConversionError(problem)
    response = get_path(review, "response")
    if review_version == "v1":
        version, wanted = get_path(review, "apiVersion", ""), f"{_GROUP}/v1, Kind={_KIND}"
        found = f"{version if '/' in version else f'/{version}'}, Kind={get_path(review, 'kind', '')}"
        if found != wanted:
            raise ConversionError(f"expected webhook response of {wanted}, got {found}")
    if response is None:
        raise ConversionError("no response provided")
    if review_version == "v1" and response.get("uid") != uid:
        raise ConversionError(f'expected response.uid="{uid}", got "{response.get("uid") or ""}"')
    status = get_path(response, "result.status", "")
    if status != "Success":
        message = get_path(response, "result.message", "")
        raise ConversionError(message or f"response.result.status was '{status}', not 'Success'")
    return response.get("convertedObjects") or []


def _problem_of_kind(review: Any, version: str) -> str:
    """What is not said is as it should be."""
    usual = {"apiVersion": f"{_GROUP}/{version}", "kind": _KIND}
    if isinstance(review, dict):
        review = usual | {name: review[name] for name in usual if review.get(name) not in (None, "")}
    known = [(f"{_GROUP}/{each}", _KIND) for each in VERSIONS] + [("v1", "Status")]
    if problem := kind_problem(usual if review is None else review, usual["apiVersion"], _KIND, *known):
        is_unknown = problem.startswith("no kind")
        return f'{problem} in scheme "{_SCHEME}"' if is_unknown else problem
    if review is not None and (review["apiVersion"], review["kind"]) != tuple(usual.values()):
        found = f"{review['apiVersion'].rpartition('/')[2]}.{review['kind']}"
        return f"converting ({found}) to ({version}.{_KIND}): unknown conversion"
    return ""
