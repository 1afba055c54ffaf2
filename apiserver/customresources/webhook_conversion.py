"""Conversion by a webhook: what it is asked, and what of its answer counts.

Source: pkg/apiserver/conversion/webhook_converter.go of k8s.io/apiextensions-apiserver.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any
from uuid import uuid4

from apimachinery.errors import StatusError, aggregate
from apimachinery.field import Path
from apimachinery.go_values import json_kind
from apimachinery.metadata import validate_annotations, validate_labels
from apimachinery.objects import Object, deep_copy
from apimachinery.serialize import to_json
from apiserver.admission.webhooks.caller import CallError
from apiserver.admission.webhooks.hooks import Endpoint
from apiserver.customresources.conversion_metrics import INVALID, MALFORMED, PARTIAL, Conversion
from apiserver.customresources.conversion_review import VERSIONS, ConversionError, answered, review_of
from apiserver.customresources.schema.pruning import prune
from apiserver.customresources.schema.structural import Structural

Ask = Callable[[Endpoint, str, Object, float], Awaitable[Any]]
"""ask(endpoint, url, review, seconds): the decoded answer. Raises CallError."""

_SECONDS = 30.0
_SAME = (("name", "name"), ("namespace", "namespace"), ("uid", "UID"))
_CHANGEABLE = (
    ("labels", validate_labels, Path("metadata", "labels")),
    ("annotations", validate_annotations, Path("metadata", "annotation")),
)


class WebhookConverter:
    """The strategy Webhook of one definition."""

    is_identity = False

    def __init__(
        self, webhook: Object, kind: str, schemas: Mapping[str, Structural], ask: Ask, *, definition: str
    ) -> None:
        """`webhook` is spec.conversion.webhook of the definition named so, `schemas` are by apiVersion."""
        self._definition = definition
        self._endpoint = Endpoint.parse(webhook["clientConfig"])
        reviews = webhook["conversionReviewVersions"]
        self._review_version = next(each for each in reviews if each in VERSIONS)
        self._kind = kind
        self._schemas = schemas
        self._ask = ask

    async def convert(self, objects: Sequence[Object], api_version: str) -> list[Object]:
        """Asks once for all. Raises StatusError."""
        waiting = [each for each in objects if each["apiVersion"] != api_version]
        answers = iter(await self._converted(waiting, api_version) if waiting else [])
        result = [each if each["apiVersion"] == api_version else next(answers) for each in objects]
        for each in result:
            prune(each, self._schemas[api_version])
        return result

    async def _converted(self, objects: Sequence[Object], api_version: str) -> list[Object]:
        versions = (_version(each) for each in (objects[0]["apiVersion"], api_version))
        with Conversion(self._definition, *versions) as conversion:
            return await self._asked(objects, api_version, conversion)

    async def _asked(
        self, objects: Sequence[Object], api_version: str, conversion: Conversion
    ) -> list[Object]:
        uid, what = str(uuid4()), f"conversion webhook for {objects[0]['apiVersion']}, Kind={self._kind}"
        review = review_of(objects, api_version, uid, self._review_version)
        try:
            url = f"{self._endpoint.url}?timeout={_SECONDS:g}s"
            answer = await self._ask(self._endpoint, url, review, _SECONDS)
            conversion.risk = MALFORMED
            converted = answered(answer, uid, self._review_version)
        except (CallError, ConversionError) as error:
            reason = str(error).removeprefix("failed to call webhook: ")
            raise _failure(f"{what} failed: {reason}") from None
        conversion.risk = PARTIAL
        if len(converted) != len(objects):
            raise _failure(f"{what} returned {len(converted)} objects, expected {len(objects)}")
        conversion.risk = INVALID
        for each in converted:
            _check_object(each)
        try:
            _check_versions(converted, api_version, self._kind)
            return [restored(before, after) for before, after in zip(objects, converted, strict=True)]
        except ConversionError as error:
            raise _failure(f"{what} returned {error}") from None


def _version(api_version: str) -> str:
    return api_version.rpartition("/")[2]


def _failure(text: str) -> StatusError:
    return StatusError(text, code=500)


def _check_object(converted: Any) -> None:
    """Raises StatusError, with what Go's decoder says."""
    if converted is None:
        raise _failure("unexpected end of JSON input")
    if not isinstance(converted, dict):
        kind = json_kind(converted)
        raise _failure(f"json: cannot unmarshal {kind} into Go value of type map[string]interface {{}}")
    if not _text_of(converted, "kind") or _text_of(converted, "apiVersion").count("/") > 1:
        raise _failure(f"Object 'Kind' is missing in '{to_json(converted).decode()}'")


def _text_of(owner: Object, name: str) -> str:
    """What is no text is not there."""
    value = owner.get(name)
    return value if isinstance(value, str) else ""


def _check_versions(converted: Sequence[Object], api_version: str, kind: str) -> None:
    """Raises ConversionError."""
    for index, each in enumerate(converted):
        found = (_text_of(each, "apiVersion"), _text_of(each, "kind"))
        for what, wanted, given in zip(("groupVersion", "kind"), (api_version, kind), found, strict=True):
            if given != wanted:
                why = f"invalid {what} (expected {wanted}, received {given})"
                raise ConversionError(f"invalid object at index {index}: {why}")


def restored(before: Object, after: Object) -> Object:
    """What came back, with the metadata that it may not change. Raises ConversionError."""
    metadata, original = after.get("metadata"), before["metadata"]
    given: Object = metadata if isinstance(metadata, dict) else {}
    for name, shown in _SAME:
        was, now = _text_of(original, name), _text_of(given, name)
        if was != now:
            raise ConversionError(f"invalid object: must have the same {shown}: {was} != {now}")
    return after | {"metadata": _metadata(original, given)}


def _metadata(original: Object, given: Object) -> Object:
    """That of before, but for labels and annotations. Raises ConversionError."""
    result: Object = deep_copy(original)
    for name, validate, path in _CHANGEABLE:
        value = given.get(name)
        result.pop(name, None)
        if value is None:
            continue
        if not isinstance(value, dict):
            raise ConversionError(
                f"invalid metadata: invalid metadata.{name} of type {_go_type(value)} in converted object"
            )
        for key, text in value.items():
            if not isinstance(text, str):
                why = f"metadata.{name}[{key}] must be a string, but is {_go_type(text)} in converted object"
                raise ConversionError(f"invalid metadata: {why}")
        if value != original.get(name) and (errors := validate(value, path)):
            raise ConversionError(f"invalid metadata: {aggregate([*map(str, errors)])}")
        result[name] = value
    return result


_GO_TYPES = {
    bool: "bool", int: "int64", float: "float64", str: "string",
    list: "[]interface {}", dict: "map[string]interface {}",
}  # fmt: skip


def _go_type(value: Any) -> str:
    return _GO_TYPES.get(type(value), "<nil>")
