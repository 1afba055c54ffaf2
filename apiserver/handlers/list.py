"""GET of a collection: ready bytes joined, in JSON or protobuf, or a Table, or metadata only."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace

import orjson

from apimachinery.objects import Object
from apimachinery.protobuf_encoder import encoder_of, envelope
from apimachinery.protobuf_wire import delimited
from apiserver.asgi import Receive, Send
from apiserver.handlers.answers import go_type, head, send_value
from apiserver.handlers.tables import TableWriter, include_object, partial_metadata_list
from apiserver.negotiation import check_form
from apiserver.registry.listing import Listing, check_field_selector
from apiserver.registry.options import ListOptions, parse_list_options
from apiserver.registry.store import Store
from apiserver.request import RequestInfo

_PIECE = 256 << 10
"""Bytes of a list that are sent at a time. TLS keeps as much memory for as long as a connection lives."""
_ENCODED_CHUNK = 32
_LIST_META = "apimachinery.pkg.apis.meta.v1.ListMeta"
_END = b"]}\n"


async def list_objects(info: RequestInfo, receive: Receive, send: Send, store: Store) -> None:
    check_form(info.wanted, f"{go_type(store)}List", is_list=True)
    listing = await store.list(store.namespace_of(info), read_options(info, store))
    await send_listing(info, send, store, listing)


async def send_listing(info: RequestInfo, send: Send, store: Store, listing: Listing) -> None:
    """In the form that was negotiated. Raises NotAcceptableError."""
    wanted = info.wanted
    check_form(wanted, f"{go_type(store)}List", is_list=True)
    await store.codec.prepare(listing.entries)
    if wanted.form == "" and wanted.media == "json":
        await _send_bytes(info, send, store, listing)
        return
    if wanted.form == "" and wanted.media == "protobuf":
        await _send_protobuf(info, send, store, listing)
        return
    metadata = list_metadata(listing)
    if wanted.form == "Table":
        include = include_object(info)
        writer = TableWriter(store.strategy, store.codec, wanted.version, include, store.shared.now())
        value = writer.table(listing.entries, metadata)
    elif wanted.form == "PartialObjectMetadataList":
        value = partial_metadata_list(listing.entries, metadata, wanted.version)
    else:
        value = list_object(store, listing, metadata)
    await send_value(info, send, value)


def read_options(info: RequestInfo, store: Store, *, watch: bool = False) -> ListOptions:
    """Raises BadRequestError, InvalidError."""
    options = parse_list_options(info.query, watch=watch)
    strategy = store.strategy
    names = strategy.field_names
    fields = names or strategy.selectable_fields({"metadata": {}})
    check_field_selector(options.fields, fields, strategy.unselectable, namespaced=store.resource.namespaced)
    return replace(options, fields=options.fields.renamed(names)) if names else options


def list_metadata(listing: Listing) -> Object:
    metadata: Object = {"resourceVersion": str(listing.revision)}
    if listing.continue_:
        metadata["continue"] = listing.continue_
    if listing.remaining is not None:
        metadata["remainingItemCount"] = listing.remaining
    return metadata


def list_object(store: Store, listing: Listing, metadata: Object) -> Object:
    """The list as a value, for forms that aren't joined bytes."""
    items = [store.codec.item(entry) for entry in listing.entries]
    return {
        "kind": store.resource.kind_of_list,
        "apiVersion": store.resource.api_version,
        "metadata": _told_metadata(store, metadata),
        "items": items,
    }


def list_head(store: Store, listing: Listing) -> bytes:
    """Everything before the first item."""
    first = {"kind": store.resource.kind_of_list, "apiVersion": store.resource.api_version}
    metadata = _told_metadata(store, list_metadata(listing))
    return orjson.dumps(first | {"metadata": metadata})[:-1] + b',"items":['


def _told_metadata(store: Store, metadata: Object) -> Object:
    """Lists of custom resources say that there is nothing to continue, as upstream's do."""
    return metadata if store.codec.has_protobuf else {"continue": "", **metadata}


async def _send_bytes(info: RequestInfo, send: Send, store: Store, listing: Listing) -> None:
    start, bodies = list_head(store, listing), store.codec.bodies(listing.entries)
    joint = b"," + store.codec.item_start
    length = len(start) + sum(map(len, bodies)) + (len(bodies) * len(joint) - 1 if bodies else 0) + len(_END)
    await send(head(info, 200, length))
    for piece, is_last in list_pieces(start, bodies, joint, count=max(1, _PIECE * len(bodies) // length)):
        await send({"type": "http.response.body", "body": piece, "more_body": not is_last})


def list_pieces(start: bytes, bodies: list[bytes], joint: bytes, count: int) -> Iterator[tuple[bytes, bool]]:
    """The list in pieces of `count` objects, and whether that is the last: no second big buffer is made."""
    if not bodies:
        yield start + _END, True
    before = start + joint[1:]
    for index in range(0, len(bodies), count):
        part, is_last = bodies[index : index + count], index + count >= len(bodies)
        part[0] = before + part[0]
        if is_last:
            part[-1] += _END
        yield joint.join(part), is_last
        before = joint


async def _send_protobuf(info: RequestInfo, send: Send, store: Store, listing: Listing) -> None:
    pieces = [delimited(1, encoder_of(_LIST_META)(list_metadata(listing)))]
    for index in range(0, len(listing.entries), _ENCODED_CHUNK):
        await asyncio.sleep(0)  # what nobody has asked for in protobuf yet takes time to encode
        chunk = listing.entries[index : index + _ENCODED_CHUNK]
        pieces.append(b"".join([delimited(2, store.codec.message(entry)) for entry in chunk]))
    resource, size = store.resource, sum(map(len, pieces))
    start, end = envelope(resource.api_version, resource.kind_of_list, size)
    await send(head(info, 200, len(start) + size + len(end), "protobuf"))
    for piece in (start, *pieces):
        await send({"type": "http.response.body", "body": piece, "more_body": True})
    await send({"type": "http.response.body", "body": end})
