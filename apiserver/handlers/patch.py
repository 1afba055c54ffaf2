"""PATCH: in three forms (JSON, merge, strategic merge) here, of an object or a subresource of the same form.

The fourth, server-side apply, is in `apply`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import orjson

from apimachinery.errors import (
    BadRequestError,
    InvalidError,
    RequestEntityTooLargeError,
    StatusError,
    UnroutedBodyError,
    UnsupportedMediaTypeError,
)
from apimachinery.field import Path, invalid
from apimachinery.go_values import go_text
from apimachinery.objects import Object
from apimachinery.patch import MAX_OPERATIONS, PatchError, json_patch, merge_patch
from apimachinery.schema import builtin
from apimachinery.serialize import Decoded, DecodeError, check_depth, from_json
from apimachinery.strategic import strategic_merge
from apiserver.asgi import Receive, Send
from apiserver.handlers import bodies
from apiserver.handlers.answers import send_entry
from apiserver.handlers.apply import APPLY, apply
from apiserver.registry.options import WriteOptions, parse_write_options
from apiserver.registry.store import Store
from apiserver.registry.updating import Target
from apiserver.request import RequestInfo
from apiserver.storage.entry import Entry

JSON = "application/json-patch+json"
MERGE = "application/merge-patch+json"
STRATEGIC = "application/strategic-merge-patch+json"

_NOT_STRATEGIC = (
    "the body of the request was in an unknown format - accepted media types include: "
    f"{JSON}, {MERGE}, {APPLY}"
)


class Patch(NamedTuple):
    """From an object to the patched one."""

    apply: Callable[[Object], Any]
    strategic: Object | None = None
    """Of a strategic one: itself, to be shown where the result is no object. Of others that is the result."""


async def patch(info: RequestInfo, receive: Receive, send: Send, store: Store) -> None:
    if bodies.content_type(info) == APPLY:
        return await apply(info, receive, send, store)
    expected = bodies.expected_of(store)
    change, options = await read_patch(info, receive, expected, is_custom=expected.own_checker is not None)

    async def patched(entry: Entry | None) -> Object:
        assert entry is not None  # no kind creates by patch
        await store.codec.prepare([entry])
        obj = decode_patched(info, change, store.codec.obj(entry), expected, options)
        obj = store.codec.to_stored(obj)
        store.strategy.default(obj)
        return obj

    target = Target(store.namespace_of(info), info.name, info.subresource)
    entry, _ = await store.update(info, target, patched, options)
    await send_entry(info, send, store, entry)


def refuse_strategic(info: RequestInfo) -> None:
    """And all else that is no patch of a custom resource. Raises UnsupportedMediaTypeError."""
    if bodies.content_type(info) not in (JSON, MERGE, APPLY):
        raise UnsupportedMediaTypeError(_NOT_STRATEGIC)


async def read_patch(
    info: RequestInfo, receive: Receive, expected: bodies.Expected, *, is_custom: bool
) -> tuple[Patch, WriteOptions]:
    """The patch as a function of the object. Raises what is wrong with it whatever the object is.

    `is_custom`: whether it is of a custom resource, be it only of its scale.
    """
    if is_custom:
        refuse_strategic(info)
    make = _KINDS.get(bodies.content_type(info))
    if make is None:
        raise UnroutedBodyError("415: Unsupported Media Type")
    options = parse_write_options(info.query, "PatchOptions")
    body = await bodies.read(info, receive)
    try:
        return make(from_json(body), expected), options
    except DecodeError as error:
        # Only of strategic ones upstream does not say what it was about to do.
        about = "" if make is _strategic else "error decoding patch: "
        return _refusing(BadRequestError(f"{about}{error}")), options
    except StatusError as error:
        return _refusing(error), options


def _refusing(error: StatusError) -> Patch:
    """What is wrong with a patch is told only where there is something to be patched."""

    def patched(obj: Object) -> Any:
        raise error

    return Patch(patched)


class UnprocessablePatchError(StatusError):
    code, reason = 422, "Invalid"
    always_has_details = True

    def __init__(self) -> None:
        super().__init__("the server rejected our request due to an error in our request")


def _json(operations: Any, expected: bodies.Expected) -> Patch:
    if not isinstance(operations, list):
        raise _mismatch(operations, "[]handlers.jsonPatchOp")
    for each in operations:
        if not isinstance(each, dict):
            raise _mismatch(each, "handlers.jsonPatchOp")
    if len(operations) > MAX_OPERATIONS:
        raise RequestEntityTooLargeError(
            f"The allowed maximum operations in a JSON patch is {MAX_OPERATIONS}, got {len(operations)}"
        )

    def patched(obj: Object) -> Any:
        try:
            return json_patch(obj, operations)
        except (PatchError, orjson.JSONEncodeError) as error:  # the latter: nested too deeply
            raise UnprocessablePatchError from error

    return Patch(patched)


def _merge(document: Any, expected: bodies.Expected) -> Patch:
    fields = _fields(document)
    return Patch(lambda obj: merge_patch(obj, fields))


def _strategic(document: Any, expected: bodies.Expected) -> Patch:
    """Whatever kind such a patch says, upstream fills the type that it expects."""
    fields, schema = _fields(document), builtin().node(expected.api_version, expected.kind)
    kind = {"apiVersion": expected.api_version, "kind": expected.kind}

    def patched(obj: Object) -> Any:
        try:
            return strategic_merge(obj, fields, schema) | kind
        except PatchError as error:
            raise BadRequestError(str(error)) from None

    return Patch(patched, fields)


def _fields(document: Any) -> Object:
    if not isinstance(document, dict):
        raise _mismatch(document, "map[string]interface {}")
    return document


def _mismatch(value: Any, go_type: str) -> DecodeError:
    kinds = {list: "array", dict: "object", str: "string", bool: "bool", type(None): "null"}
    return DecodeError(
        f"json: cannot unmarshal {kinds.get(type(value), 'number')} into Go value of type {go_type}"
    )


_KINDS: dict[str, Callable[[Any, bodies.Expected], Patch]] = {
    JSON: _json,
    MERGE: _merge,
    STRATEGIC: _strategic,
}


def decode_patched(
    info: RequestInfo, patch: Patch, current: Object, expected: bodies.Expected, options: WriteOptions
) -> Object:
    """The result of a patch, checked as a body would be. Raises InvalidError on the field `patch`."""
    value = patch.apply(current)
    if not isinstance(value, dict):
        raise UnprocessablePatchError
    try:
        check_depth(value)
        return bodies.check(info, Decoded(value), expected, options.field_validation)
    except DecodeError as error:
        raise _invalid_patch("", str(error)) from None
    except bodies.UnfitBodyError as error:
        if patch.strategic is not None:
            raise _invalid_patch(go_text(patch.strategic), error.conversion) from None
        # Once more, since the check has mended the first result.
        raise _invalid_patch(orjson.dumps(patch.apply(current)).decode(), error.problem) from None


def _invalid_patch(shown: str, problem: str) -> InvalidError:
    return InvalidError("", "", [invalid(Path("patch"), shown, problem)])
