"""ConfigMaps and Secrets: keys and values, at most a mebibyte of them."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from apimachinery import names
from apimachinery.field import ErrorList, Errors, Path, forbidden, invalid, required, too_long
from apimachinery.objects import Object, annotations_of
from apimachinery.well_known import SERVICE_ACCOUNT_NAME, SERVICE_ACCOUNT_TOKEN
from apiserver.registry.strategies.checks import immutable, matches, same
from apiserver.registry.strategies.podspec.defaults import fill
from apiserver.registry.strategies.tables import age, columns
from apiserver.registry.strategies.warnings.key_pairs import key_pair_warnings
from apiserver.registry.strategy import Column, Strategy

_MAX_SIZE = 1024 * 1024
_FIXED = "field is immutable when `immutable` is set"
_REDACTED = "<secret contents redacted>"
_NEEDED = {
    "kubernetes.io/tls": ("tls.crt", "tls.key"),
    "kubernetes.io/ssh-auth": ("ssh-privatekey",),
    "kubernetes.io/dockercfg": (".dockercfg",),
    "kubernetes.io/dockerconfigjson": (".dockerconfigjson",),
}
_JSON_TYPES = ("kubernetes.io/dockercfg", "kubernetes.io/dockerconfigjson")


class ConfigMapStrategy(Strategy):
    has_status = False
    tracks_generation = False
    columns: Sequence[Column] = columns("Data")

    def validate(self, obj: Object) -> ErrorList:
        return list(_validate_config_map(obj))

    def validate_update(self, new: Object, old: Object) -> ErrorList:
        return [*_once_immutable(new, old, "data", "binaryData"), *_validate_config_map(new)]

    def cells(self, obj: Object, now: datetime) -> list[Any]:
        count = len(obj.get("data") or ()) + len(obj.get("binaryData") or ())
        return [obj["metadata"]["name"], count, age(obj, now)]


class SecretStrategy(Strategy):
    has_status = False
    tracks_generation = False
    columns: Sequence[Column] = columns("Type", "Data")

    def default(self, obj: Object) -> None:
        fill(obj, {"type": "Opaque"})
        plain = obj.pop("stringData", None)
        if plain:
            encoded = {key: base64.b64encode(value.encode()).decode() for key, value in plain.items()}
            obj["data"] = {**(obj.get("data") or {}), **encoded}

    def prepare_for_update(self, new: Object, old: Object) -> None:
        fill(new, {"type": old.get("type") or "Opaque"})

    def validate(self, obj: Object) -> ErrorList:
        return list(_validate_secret(obj))

    def validate_update(self, new: Object, old: Object) -> ErrorList:
        return [
            *immutable(new.get("type"), old.get("type"), Path("type")),
            *_once_immutable(new, old, "data"),
            *_validate_secret(new),
        ]

    def warnings(self, obj: Object, old: Object | None) -> list[str]:
        data = obj.get("data") or {}
        if obj.get("type") != "kubernetes.io/tls":
            return []
        return [*key_pair_warnings(_decoded(data.get("tls.crt")), _decoded(data.get("tls.key")))]

    def selectable_fields(self, obj: Object) -> Mapping[str, str]:
        return {"type": obj.get("type") or ""}

    def cells(self, obj: Object, now: datetime) -> list[Any]:
        return [
            obj["metadata"]["name"],
            obj.get("type") or "",
            len(obj.get("data") or ()),
            age(obj, now),
        ]


def _decoded(value: str | None) -> bytes:
    try:
        return base64.b64decode(value or "")
    except binascii.Error:
        return b""


def _once_immutable(new: Object, old: Object, *fields: str) -> Errors:
    if not old.get("immutable"):
        return
    if not new.get("immutable"):
        yield forbidden(Path("immutable"), _FIXED)
    for field in fields:
        if not same(new.get(field), old.get(field)):
            yield forbidden(Path(field), _FIXED)


def _validate_config_map(config_map: Object) -> Errors:
    data, binary = config_map.get("data") or {}, config_map.get("binaryData") or {}
    for key in data:
        yield from matches(key, Path("data").key(key), names.is_config_map_key)
        if key in binary:
            yield invalid(Path("data").key(key), key, "duplicate of key present in binaryData")
    for key in binary:
        yield from matches(key, Path("binaryData").key(key), names.is_config_map_key)
    size = sum(len(value.encode()) for value in data.values())
    if size + sum(len(_decoded(value)) for value in binary.values()) > _MAX_SIZE:
        yield too_long(Path(""), "", _MAX_SIZE)


def _validate_secret(secret: Object) -> Errors:
    data, sort, at = secret.get("data") or {}, secret.get("type"), Path("data")
    for key in data:
        yield from matches(key, at.key(key), names.is_config_map_key)
    if sum(len(_decoded(value)) for value in data.values()) > _MAX_SIZE:
        yield too_long(at, "", _MAX_SIZE)
    if sort == SERVICE_ACCOUNT_TOKEN and not annotations_of(secret).get(SERVICE_ACCOUNT_NAME):
        yield required(Path("metadata", "annotations").key(SERVICE_ACCOUNT_NAME))
    if sort == "kubernetes.io/basic-auth" and not {"username", "password"} & data.keys():
        yield from (required(at.key(key)) for key in ("username", "password"))
    yield from _needed_keys(data, sort or "", at)


def _needed_keys(data: Mapping[str, str], sort: str, path: Path) -> Errors:
    for key in _NEEDED.get(sort, ()):
        if key not in data or (key == "ssh-privatekey" and not data[key]):
            yield required(path.key(key))
        elif sort in _JSON_TYPES and (wrong := _not_a_json_object(_decoded(data[key]))):
            yield invalid(path.key(key), _REDACTED, wrong)


def _syntax_problem(error: json.JSONDecodeError) -> str:
    """Which character stands where a value should begin; the most that a secret's check tells apart."""
    if error.pos >= len(error.doc):
        return "unexpected end of JSON input"
    return f"invalid character '{error.doc[error.pos]}' looking for beginning of value"


def _not_a_json_object(text: bytes) -> str:
    """What is wrong, in the words of Go's decoder for the common cases."""
    try:
        value = json.loads(text)
    except json.JSONDecodeError as error:
        return _syntax_problem(error)
    except ValueError:
        return "invalid character '\\ufffd' looking for beginning of value"
    except RecursionError:
        return "exceeded max depth"
    if isinstance(value, dict) or value is None:
        return ""
    kind = {str: "string", bool: "bool", list: "array"}.get(type(value), "number")
    return f"json: cannot unmarshal {kind} into Go value of type map[string]interface {{}}"
