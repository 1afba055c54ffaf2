"""Conversion by a webhook: what it is asked, and what of its answer counts.

Source: pkg/apiserver/conversion/webhook_converter.go of k8s.io/apiextensions-apiserver.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any
from uuid import uuid4

from apimachinery.errors import InternalError
from apimachinery.field import Path
from apimachinery.metadata import validate_annotations, validate_labels
from apimachinery.objects import Object, deep_copy, get_path
from apiserver.admission.webhooks.caller import CallError
from apiserver.admission.webhooks.hooks import Endpoint
from apiserver.customresources.schema.pruning import prune
from apiserver.customresources.schema.structural import Structural

Ask = Callable[[Endpoint, str, Object, float], Awaitable[Any]]
"""ask(endpoint, url, review, seconds): the decoded answer. Raises CallError."""

_SECONDS = 30.0
_KNOWN = ("v1", "v1beta1")
_SAME = (("name", "name"), ("namespace", "namespace"), ("uid", "UID"))


class ConversionError(ValueError):
    """The answer cannot be used; the text is upstream's."""


class WebhookConverter:
    """The strategy Webhook of one definition."""

    is_identity = False

    def __init__(self, webhook: Object, kind: str, schemas: Mapping[str, Structural], ask: Ask) -> None:
        """`webhook` is spec.conversion.webhook, `schemas` are by apiVersion."""
        self._endpoint = Endpoint.parse(webhook["clientConfig"])
        reviews = webhook["conversionReviewVersions"]
        self._review_version = next(each for each in reviews if each in _KNOWN)
        self._kind = kind
        self._schemas = schemas
        self._ask = ask

    async def convert(self, objects: Sequence[Object], api_version: str) -> list[Object]:
        """Asks once for all. Raises InternalError."""
        waiting = [each for each in objects if each["apiVersion"] != api_version]
        answers = iter(await self._converted(waiting, api_version) if waiting else [])
        result = [each if each["apiVersion"] == api_version else next(answers) for each in objects]
        for each in result:
            prune(each, self._schemas[api_version])
        return result

    async def _converted(self, objects: Sequence[Object], api_version: str) -> list[Object]:
        uid, what = str(uuid4()), f"conversion webhook for {objects[0]['apiVersion']}, Kind={self._kind}"
        review = review_of(objects, api_version, uid, self._review_version)
        try:
            answer = await self._ask(self._endpoint, self._endpoint.url, review, _SECONDS)
            converted = answered(answer, uid, self._review_version)
        except (CallError, ConversionError) as error:
            reason = str(error).removeprefix("failed to call webhook: ")
            raise InternalError(f"{what} failed: {reason}") from None
        if len(converted) != len(objects):
            raise InternalError(f"{what} returned {len(converted)} objects, expected {len(objects)}")
        result = []
        for index, (before, after) in enumerate(zip(objects, converted, strict=True)):
            try:
                result.append(restored(before, after, api_version))
            except ConversionError as error:
                text = f"{what} returned invalid converted object at index {index}: {error}"
                raise InternalError(text) from None
        return result


def review_of(objects: Sequence[Object], api_version: str, uid: str, review_version: str) -> Object:
    """The ConversionReview that a webhook is sent."""
    request = {"uid": uid, "desiredAPIVersion": api_version, "objects": list(objects)}
    return {
        "kind": "ConversionReview",
        "apiVersion": f"apiextensions.k8s.io/{review_version}",
        "request": request,
    }


def answered(review: Any, uid: str, review_version: str) -> list[Any]:
    """The objects of an answer. Raises ConversionError."""
    response = get_path(review, "response")
    if review_version == "v1":
        gvk = (get_path(review, "apiVersion", ""), get_path(review, "kind", ""))
        if gvk != ("apiextensions.k8s.io/v1", "ConversionReview"):
            wanted = "apiextensions.k8s.io/v1, Kind=ConversionReview"
            raise ConversionError(f"expected webhook response of {wanted}, got {gvk[0]}, Kind={gvk[1]}")
    if not isinstance(response, dict):
        raise ConversionError("no response provided")
    if review_version == "v1" and response.get("uid") != uid:
        raise ConversionError(f'expected response.uid="{uid}", got "{response.get("uid") or ""}"')
    status = get_path(response, "result.status", "")
    if status != "Success":
        message = get_path(response, "result.message", "")
        raise ConversionError(message or f"response.result.status was '{status}', not 'Success'")
    return response.get("convertedObjects") or []


def restored(before: Object, after: Any, api_version: str) -> Object:
    """What came back, with the metadata that it may not change. Raises ConversionError."""
    if not isinstance(after, dict) or after.get("apiVersion") != api_version:
        found = get_path(after, "apiVersion", "")
        raise ConversionError(f"invalid groupVersion (expected {api_version}, received {found})")
    if after.get("kind") != before["kind"]:
        raise ConversionError(f"invalid kind (expected {before['kind']}, received {after.get('kind') or ''})")
    metadata, original = after.get("metadata"), before["metadata"]
    if not isinstance(metadata, dict):
        raise ConversionError("missing metadata in converted object")
    for name, shown in _SAME:
        if (metadata.get(name) or "") != (original.get(name) or ""):
            was, now = original.get(name) or "", metadata.get(name) or ""
            raise ConversionError(f"must have the same {shown}: {was} != {now}")
    return after | {"metadata": _metadata(original, metadata)}


def _metadata(original: Object, given: Object) -> Object:
    """That of before, but for labels and annotations."""
    result: Object = deep_copy(original)
    for name, validate in (("labels", validate_labels), ("annotations", validate_annotations)):
        value = given.get(name)
        result.pop(name, None)
        if value is None:
            continue
        if not isinstance(value, dict) or not all(isinstance(each, str) for each in value.values()):
            raise ConversionError(f"invalid metadata.{name} in converted object")
        if value != original.get(name) and (errors := validate(value, Path("metadata", name))):
            raise ConversionError("; ".join(map(str, errors)))
        result[name] = value
    return result
