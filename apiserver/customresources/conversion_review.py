"""ConversionReview: what a conversion webhook is asked, and whether its answer is one.

Source: pkg/apiserver/conversion/webhook_converter.go of k8s.io/apiextensions-apiserver.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from apimachinery.objects import Object, get_path
from apiserver.admission.webhooks.answers import STATUS, UID, ReviewKind
from component_base.config_shape import ANY, STRING, ListOf, Scalar, Struct, of_type

_GROUP, _KIND = "apiextensions.k8s.io", "ConversionReview"
VERSIONS = ("v1", "v1beta1")
_OBJECTS = ListOf(Scalar("runtime.RawExtension", ANY.kinds))


def _shape(version: str) -> Struct:
    return Struct(f"{version}.{_KIND}", {
        **of_type(STRING, "kind apiVersion"),
        "request": Struct(f"{version}.ConversionRequest", {
            "uid": UID, "desiredAPIVersion": STRING, "objects": _OBJECTS,
        }),
        "response": Struct(f"{version}.ConversionResponse", {
            "uid": UID, "convertedObjects": _OBJECTS, "result": STATUS,
        }),
    })  # fmt: skip


_REVIEW = ReviewKind(_GROUP, _KIND, {each: _shape(each) for each in VERSIONS})


class ConversionError(ValueError):
    """The answer cannot be used; the text is upstream's."""


def review_of(objects: Sequence[Object], api_version: str, uid: str, review_version: str) -> Object:
    """The ConversionReview that a webhook is sent."""
    request = {"uid": uid, "desiredAPIVersion": api_version, "objects": list(objects)}
    return {"kind": _KIND, "apiVersion": f"{_GROUP}/{review_version}", "request": request}


def answered(review: Any, uid: str, review_version: str) -> list[Any]:
    """The objects of an answer. Raises ConversionError."""
    if problem := _REVIEW.problem(review, review_version):
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
