"""From a request's body to an object of the right kind, or to upstream's complaint about it.

Source of the wording: https://github.com/kubernetes/kubernetes/blob/v1.34.0/staging/src/k8s.io/apiserver/pkg/endpoints/handlers/rest.go
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from apimachinery import protobuf
from apimachinery.errors import (
    BadRequestError,
    InternalError,
    RequestEntityTooLargeError,
    UnsupportedMediaTypeError,
)
from apimachinery.numbers import settle_numbers
from apimachinery.objects import Object
from apimachinery.schema import checker_for, definition_name
from apimachinery.serialize import Decoded, DecodeError, from_json_strict, from_yaml_strict, number_as_written
from apiserver.asgi import Receive
from apiserver.registry.options import FieldValidation
from apiserver.registry.store import Check, Store
from apiserver.request import RequestInfo
from apiserver.yaml_reader import reading

MAX_BODY = 3 * 1024 * 1024
_MAX_COMPLAINTS = 100
_NUMBER = re.compile(r"(?<=json: cannot unmarshal number )-?\d+(\.\d+)?(e[+-]\d+)?(?= into )")
_PARAMETER = re.compile(
    r"""\s*;\s*([!#$%&'*+.^_`|~\w-]+)\s*=\s*([!#$%&'*+.^_`|~\w-]+|"(?:[^"\\]|\\.)*")""", re.A
)
_PARAMETERS = re.compile(rf"(?:{_PARAMETER.pattern})*\s*(?:;\s*)?", re.A)
_JSON, _YAML = "application/json", "application/yaml"
_UNSUPPORTED = (
    "the body of the request was in an unknown format - accepted media types include: "
    "application/json, application/yaml, application/vnd.kubernetes.protobuf"
)
_SCHEME = "pkg/api/legacyscheme/scheme.go:30"
_NOT_AN_OBJECT = (
    "json: cannot unmarshal {} into Go value of type struct "
    '{{ APIVersion string "json:\\"apiVersion,omitempty\\""; Kind string "json:\\"kind,omitempty\\"" }}'
)


@dataclass(frozen=True, slots=True)
class Expected:
    """What a body is to be."""

    api_version: str
    kind: str
    own_checker: Check | None = None
    """Of a custom resource."""

    @property
    def version(self) -> str:
        return self.api_version.rpartition("/")[2]

    def checker(self) -> Check:
        if self.own_checker is not None:
            return self.own_checker
        found = checker_for(self.api_version, self.kind)
        if found is None:
            raise InternalError(f"no schema for {self.api_version} {self.kind}")
        return found


class UnfitBodyError(BadRequestError):
    """A body that is no object of the expected kind. Of the result of a patch only the problem is told."""

    def __init__(self, message: str, problem: str, conversion: str = "") -> None:
        super().__init__(message)
        self.problem = problem
        self.conversion = conversion or problem


async def read(info: RequestInfo, receive: Receive) -> bytes:
    """The whole body. Raises RequestEntityTooLargeError."""
    if info.headers.get("content-length", "0").isdigit():
        _limit(int(info.headers.get("content-length", "0")))
    message = await receive()
    body: bytes = message.get("body", b"")
    while message.get("more_body"):
        _limit(len(body))
        message = await receive()
        body += message.get("body", b"")
    _limit(len(body))
    info.received = len(body)
    return body


def _limit(size: int) -> None:
    if size > MAX_BODY:
        raise RequestEntityTooLargeError(f"limit is {MAX_BODY}")


def content_type(info: RequestInfo) -> str:
    """Without its parameters, whatever these are."""
    return info.headers.get("content-type", "").partition(";")[0].strip().lower()


async def decode(info: RequestInfo, body: bytes, expected: Expected, validation: FieldValidation) -> Object:
    """The object, with unknown fields refused, warned about or dropped. Raises BadRequestError and others."""
    decoded = await parse(info, body, expected.kind)
    if expected.own_checker is not None:
        _check_is_said(decoded.value, expected, body)
    return check(info, decoded, expected, validation)


async def parse(info: RequestInfo, body: bytes, kind: str) -> Decoded:
    """Text to values: an object, of whatever kind. Raises BadRequestError, UnsupportedMediaTypeError."""
    media = media_of(info)
    if media == protobuf.CONTENT_TYPE:
        return _parse_protobuf(body, kind)
    try:
        decoded = from_json_strict(body) if media == _JSON else await reading(from_yaml_strict, body)
    except DecodeError as error:
        raise _unrecognized(kind, _syntax_problem(media, error), body) from None
    if decoded.value is None:
        return Decoded({})  # to Go's decoder null is whatever was there before: an empty object
    if not isinstance(decoded.value, dict):
        text = _NOT_AN_OBJECT.format(json_type(decoded.value))
        raise _unrecognized(kind, f"couldn't get version/kind; json parse error: {text}", body)
    return decoded


def media_of(info: RequestInfo) -> str:
    """How the body is written: JSON, YAML or protobuf. Raises UnsupportedMediaTypeError."""
    header = info.headers.get("content-type", "")
    media = content_type(info) or _JSON
    if media not in (_JSON, _YAML, protobuf.CONTENT_TYPE) or not _has_good_parameters(header):
        raise UnsupportedMediaTypeError(_UNSUPPORTED)
    return media


def _has_good_parameters(header: str) -> bool:
    """Whether Go's mime.ParseMediaType takes what follows the media type: names are given once, or twice the
    same value."""
    _, semicolon, rest = header.partition(";")
    if not semicolon or not rest.strip():
        return True
    if not _PARAMETERS.fullmatch(f";{rest}"):
        return False
    found: dict[str, str] = {}
    pairs = ((each[1].lower(), each[2]) for each in _PARAMETER.finditer(f";{rest}"))
    return all(found.setdefault(name, value) == value for name, value in pairs)


def _syntax_problem(media: str, error: DecodeError) -> str:
    if media == _YAML:
        return str(error).removeprefix("error converting YAML to JSON: ")
    return f"couldn't get version/kind; json parse error: {error}"


def _parse_protobuf(body: bytes, kind: str) -> Decoded:
    try:
        return Decoded(protobuf.decode(body, _definition_name))
    except protobuf.ProtobufError as error:
        raise _unrecognized(kind, str(error), body) from None


def _definition_name(api_version: str, kind: str) -> str | None:
    """Options of a deletion are the same in every group and version, meta.k8s.io/v1 among them."""
    return definition_name("v1" if kind == "DeleteOptions" else api_version, kind)


def json_type(value: object) -> str:
    names = {list: "array", str: "string", bool: "bool", int: "number", float: "number"}
    return names.get(type(value), "null")


def _unrecognized(kind: str, problem: str, body: bytes) -> UnfitBodyError:
    return UnfitBodyError(
        f"the object provided is unrecognized (must be of type {kind}): {problem} ({_summary(body)})", problem
    )


def _unfit(obj: Object, expected: Expected, problem: str, conversion: str = "") -> UnfitBodyError:
    version = obj["apiVersion"].rpartition("/")[2]
    return UnfitBodyError(
        f'{obj["kind"]} in version "{version}" cannot be handled as a {expected.kind}: {problem}',
        problem,
        conversion,
    )


def _summary(body: bytes) -> str:
    """The first 30 bytes, as text if they look like JSON."""
    if not body:
        return "<empty>"
    start = body[:30].decode("utf-8", "replace") if body.startswith(b"{") else body[:30].hex()
    return f"{start} ..." if len(body) > 30 else start


def check(info: RequestInfo, decoded: Decoded, expected: Expected, validation: FieldValidation) -> Object:
    """The decoded object held against the schema of what it should be; mended in place."""
    obj: Object = decoded.value
    _check_kind(obj, expected)
    if expected.own_checker is not None:
        settle_numbers(obj)
    checked = expected.checker().check(obj, prune=True)
    if checked.type_errors:
        first = checked.type_errors[0]
        raise _unfit(obj, expected, _quoting(first.message, decoded.text), first.conversion)
    complaints = list(checked.unknown_messages)
    if not decoded.lines:
        complaints += (f'duplicate field "{path}"' for path in decoded.duplicates)
    complaints = complaints[:_MAX_COMPLAINTS]
    if validation == "Strict" and (complaints or decoded.lines):
        told = [*filter(None, [decoded.strict_problem]), *complaints]
        raise _unfit(obj, expected, f"strict decoding error: {', '.join(told)}")
    if validation == "Warn":
        info.warnings += [*decoded.lines, *complaints]
    if obj.get("metadata") is None:
        obj["metadata"] = {}
    return obj


def _quoting(message: str, text: bytes) -> str:
    """A complaint about a number, which is told as the body has it."""
    told = _NUMBER.search(message)
    written = number_as_written(text, float(told[0])) if told and text else None
    return message if written is None else _NUMBER.sub(written, message, count=1)


def _check_is_said(obj: Object, expected: Expected, body: bytes) -> None:
    """A custom resource says itself what it is, the URL does not do it instead. Raises BadRequestError."""
    if not all(isinstance(obj.get(name) or "", str) for name in ("apiVersion", "kind")):
        return  # which is told in the words that are used of all kinds
    if not obj.get("kind"):
        problem = f"Object 'Kind' is missing in '{body.decode('utf-8', 'replace')}'"
        raise _unrecognized(expected.kind, problem, body)
    if not obj.get("apiVersion"):
        raise BadRequestError(
            f"the API version in the data () does not match the expected API version ({expected.api_version})"
        )


def _check_kind(obj: Object, expected: Expected) -> None:
    """What the body does not say, the URL does. Raises BadRequestError."""
    obj["apiVersion"] = obj.get("apiVersion") or expected.api_version
    obj["kind"] = obj.get("kind") or expected.kind
    for name in ("apiVersion", "kind"):
        if not isinstance(obj[name], str):
            text = (
                f"json: cannot unmarshal {json_type(obj[name])} into Go struct field .{name} of type string"
            )
            raise _unrecognized(expected.kind, f"couldn't get version/kind; json parse error: {text}", b"")
    if (obj["apiVersion"], obj["kind"]) == (expected.api_version, expected.kind):
        return
    if expected.own_checker is not None and obj["apiVersion"] == expected.api_version:
        return  # that the kind is another one is for validation to say
    if expected.own_checker is None and checker_for(obj["apiVersion"], obj["kind"]) is None:
        raise _unfit(
            obj,
            expected,
            f'no kind "{obj["kind"]}" is registered for version "{obj["apiVersion"]}" in scheme "{_SCHEME}"',
        )
    if obj["kind"] == expected.kind or expected.own_checker is not None:
        raise BadRequestError(
            f"the API version in the data ({obj['apiVersion']}) does not match the expected API version "
            f"({expected.api_version})"
        )
    version, group = expected.version, _go_package(expected.api_version)
    raise _unfit(
        obj,
        expected,
        f"converting ({version}.{obj['kind']}) to ({group}.{expected.kind}): unknown conversion",
    )


def _go_package(api_version: str) -> str:
    """The package of upstream's internal types: core for v1, apps for apps/v1, rbac for rbac.…"""
    group = api_version.rpartition("/")[0]
    return group.partition(".")[0] or "core"


def expected_of(store: Store) -> Expected:
    return Expected(store.resource.api_version, store.resource.kind, store.checker)
