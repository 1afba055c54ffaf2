"""PATCH as server-side apply: what the applier wants to be so, merged with what others manage.

Source: the applyPatcher of upstream's pkg/endpoints/handlers/patch.go.
"""

from __future__ import annotations

from dataclasses import dataclass

from apimachinery.errors import BadRequestError, ConflictError
from apimachinery.numbers import settle_numbers
from apimachinery.objects import Object, deep_copy
from apimachinery.serialize import Decoded, DecodeError, from_yaml_strict
from apimachinery.times import format_time
from apiserver.asgi import Receive, Send
from apiserver.handlers import bodies
from apiserver.handlers.answers import send_entry
from apiserver.managed_fields.tracker import Tracker, kind_text
from apiserver.registry.options import WriteOptions, parse_write_options
from apiserver.registry.store import Store
from apiserver.registry.updating import Target
from apiserver.request import RequestInfo
from apiserver.storage.entry import Entry
from apiserver.yaml_reader import reading

APPLY = "application/apply-patch+yaml"


@dataclass(frozen=True, slots=True)
class Configuration:
    """What is applied, and how."""

    config: Object
    options: WriteOptions

    def apply(self, tracker: Tracker, live: Object | None, now: str) -> Object:
        """What becomes of an object in the stored version, without defaults. Raises StatusErrors."""
        options = self.options
        return tracker.apply(live, deep_copy(self.config), options.field_manager, now, force=options.force)


async def apply(info: RequestInfo, receive: Receive, send: Send, store: Store) -> None:
    configuration = await read_configuration(info, receive, bodies.expected_of(store))
    tracker = store.tracking.through(info.subresource)

    async def applied(entry: Entry | None) -> Object:
        await store.codec.prepare([entry] if entry else [])
        live = store.codec.judged(entry) if entry else None
        obj = configuration.apply(tracker, live, format_time(store.shared.now()))
        if live is None and (uid := obj["metadata"].get("uid")):
            why = f"uid mismatch: the provided object specified uid {uid}, and no existing object was found"
            raise ConflictError(store.resource, info.name, why)
        store.strategy.default(obj)
        return obj

    target = Target(
        store.namespace_of(info),
        info.name,
        info.subresource,
        may_create=not info.subresource,
        is_tracked=True,
    )
    entry, created = await store.update(info, target, applied, configuration.options)
    await send_entry(info, send, store, entry, 201 if created else 200)


async def read_configuration(info: RequestInfo, receive: Receive, expected: bodies.Expected) -> Configuration:
    """What a request wants applied. Raises what needs no look at the object: BadRequestError and others."""
    body = await bodies.read(info, receive)
    options = parse_write_options(info.query, "PatchOptions", apply=True)
    try:
        decoded = await reading(from_yaml_strict, body)
    except DecodeError as error:
        raise BadRequestError(f"error decoding YAML: {error}") from None
    config = {} if decoded.value is None else decoded.value
    if not isinstance(config, dict):
        what = f"cannot unmarshal {bodies.json_type(config)} into Go value of type map[string]interface {{}}"
        raise BadRequestError(
            f"error decoding YAML: error unmarshaling JSON: while decoding JSON: json: {what}"
        )
    if (config.get("apiVersion"), config.get("kind")) != (expected.api_version, expected.kind):
        raise BadRequestError(f"invalid object type: {kind_text(config)}")
    _refuse_duplicates(info, decoded, options)
    if expected.own_checker is not None:
        settle_numbers(config)
    return Configuration(config, options)


def _refuse_duplicates(info: RequestInfo, decoded: Decoded, options: WriteOptions) -> None:
    if not decoded.lines or options.field_validation == "Ignore":
        return
    if options.field_validation == "Strict":
        raise BadRequestError(
            f"error strict decoding YAML: error converting YAML to JSON: {decoded.strict_problem}"
        )
    info.warnings += decoded.lines
