"""Answers in the form that was negotiated, with the warnings that came up on the way."""

from __future__ import annotations

from typing import Any

from apimachinery.objects import Object
from apiserver.asgi import Send
from apiserver.handlers.tables import TableWriter, include_object, partial_metadata
from apiserver.negotiation import MEDIA_TYPES, Media, Negotiated, check_form
from apiserver.registry.store import Store
from apiserver.request import RequestInfo
from apiserver.responses import in_media
from apiserver.storage.entry import Entry
from apiserver.warning_headers import warning_headers

Headers = list[tuple[bytes, bytes]]
_PACKAGES = {"": "core", "events": "core"}
_CONTENT_TYPES = {media: name.encode() for media, name in MEDIA_TYPES.items()}


def head(info: RequestInfo, status: int, length: int, media: Media = "json") -> dict[str, Any]:
    """The start of an answer of known length."""
    headers: Headers = [
        (b"cache-control", b"no-cache, private"),
        (b"content-type", _CONTENT_TYPES[media]),
        (b"content-length", b"%d" % length),
    ]
    if info.warnings:
        headers += warning_headers(info.warnings)
    return {"type": "http.response.start", "status": status, "headers": headers}


async def send_entry(info: RequestInfo, send: Send, store: Store, entry: Entry, status: int = 200) -> None:
    """One object."""
    await store.codec.prepare([entry])
    wanted = info.wanted
    if wanted.form or wanted.media == "yaml":
        await send_value(info, send, _in_form(info, store, entry, wanted), status)
        return
    is_json = wanted.media == "json"
    data = store.codec.data(entry) + b"\n" if is_json else store.codec.protobuf(entry)
    await send(head(info, status, len(data), wanted.media))
    await send({"type": "http.response.body", "body": data})


def go_type(store: Store) -> str:
    """What upstream's messages call the type of a resource's objects."""
    if not store.codec.has_protobuf:
        return "unstructured.Unstructured"
    package = store.resource.group.partition(".")[0]
    return f"{_PACKAGES.get(package, package)}.{store.resource.kind}"


def _in_form(info: RequestInfo, store: Store, entry: Entry, wanted: Negotiated) -> Object:
    """Raises NotAcceptableError."""
    check_form(wanted, go_type(store), is_list=False)
    if wanted.form == "Table":
        include = include_object(info)
        writer = TableWriter(store.strategy, store.codec, wanted.version, include, store.shared.now())
        return writer.table([entry], {"resourceVersion": str(entry.revision)})
    if wanted.form == "PartialObjectMetadata":
        return partial_metadata(entry.obj, wanted.version)
    return store.codec.obj(entry)


async def send_object(info: RequestInfo, send: Send, obj: Object, go_type: str, status: int = 200) -> None:
    """An object that is not an entry and has no table, such as a review. Raises NotAcceptableError."""
    check_form(info.wanted, go_type, is_list=False)
    partial = info.wanted.form == "PartialObjectMetadata"
    await send_value(info, send, partial_metadata(obj, info.wanted.version) if partial else obj, status)


async def send_value(info: RequestInfo, send: Send, value: Object, status: int = 200) -> None:
    """A value that is not an entry: a Status, a Scale, a Table."""
    data = in_media(value, info.wanted.media)
    await send(head(info, status, len(data), info.wanted.media))
    await send({"type": "http.response.body", "body": data})


def success(store: Store, entry: Entry) -> Object:
    """The Status that a DELETE answers with."""
    details = {"name": entry.name, "group": store.resource.group, "kind": store.resource.plural}
    details["uid"] = entry.obj["metadata"].get("uid", "")
    return {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Success",
        "details": {key: value for key, value in details.items() if value},
    }
