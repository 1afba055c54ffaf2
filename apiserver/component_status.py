"""componentstatuses: how the other parts of this machine's control plane are, asked when somebody asks.

Source: pkg/registry/core/componentstatus of Kubernetes 1.34.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping

from apimachinery.errors import NotFoundError
from apimachinery.objects import Object, name_of
from apimachinery.scheme import COMPONENT_STATUSES
from apiserver.asgi import Receive, Scope, Send
from apiserver.handlers.answers import send_value
from apiserver.handlers.tables import column, include_object, partial_metadata
from apiserver.negotiation import Negotiated, check_form, negotiate
from apiserver.registry.listing import check_field_selector
from apiserver.registry.options import parse_list_options
from apiserver.registry.strategy import NAME_COLUMN, Column
from apiserver.request import DEPRECATED, RequestInfo
from apiserver.subresources.relay import DialError, Relay

HEALTHZ = {
    "controller-manager": "https://127.0.0.1:10257/healthz",
    "scheduler": "https://127.0.0.1:10259/healthz",
}
DEPRECATION = "v1 ComponentStatus is deprecated in v1.19+"
_SECONDS = 20.0
_COLUMNS = (NAME_COLUMN, Column("Status"), Column("Message"), Column("Error"))
_WORDS = {"True": "Healthy", "False": "Unhealthy"}
_TYPE = ("kind", "apiVersion")

Probe = Callable[[], Awaitable[tuple[bool, str]]]
"""Whether it is well, and what it says."""


class ComponentStatuses:
    """Get and list; nothing of it is stored."""

    def __init__(self, probes: Mapping[str, Probe]) -> None:
        self._probes = probes

    async def __call__(self, info: RequestInfo, scope: Scope, receive: Receive, send: Send) -> None:
        info.warnings.append(DEPRECATION)
        info.annotations[DEPRECATED] = "true"
        info.wanted, is_list = negotiate(info.headers.get("accept", "")), info.verb == "list"
        check_form(info.wanted, f"core.ComponentStatus{'List' * is_list}", is_list=is_list)
        found = await self._list(info) if is_list else [await self._get(info.name)]
        await send_value(info, send, _answer(info, info.wanted, found))

    async def _get(self, name: str) -> Object:
        if name not in self._probes:
            raise NotFoundError(COMPONENT_STATUSES, name)
        return component_status(name, *await self._probes[name]())

    async def _list(self, info: RequestInfo) -> list[Object]:
        options = parse_list_options(info.query, watch=False)
        check_field_selector(options.fields)
        chosen = [name for name in self._probes if options.fields.matches({"metadata.name": name})]
        if not options.labels.matches({}):
            return []
        return list(await asyncio.gather(*(self._get(name) for name in chosen)))


def component_status(name: str, is_well: bool, message: str) -> Object:
    condition = {"type": "Healthy", "status": str(is_well), **({"message": message} if message else {})}
    head = {"kind": COMPONENT_STATUSES.kind, "apiVersion": COMPONENT_STATUSES.api_version}
    return {**head, "metadata": {"name": name}, "conditions": [condition]}


def healthz_probe(relay: Relay, url: str) -> Probe:
    async def probe() -> tuple[bool, str]:
        try:
            async with asyncio.timeout(_SECONDS):
                answer = await relay.read(url)
        except (DialError, TimeoutError) as error:
            return False, f'Get "{url}": {str(error) or "context deadline exceeded"}'
        return answer.status_code == 200, answer.text

    return probe


def etcd_probe(check: Callable[[], Awaitable[str]]) -> Probe:
    async def probe() -> tuple[bool, str]:
        problem = await check()
        return not problem, problem or "ok"

    return probe


def _answer(info: RequestInfo, wanted: Negotiated, found: list[Object]) -> Object:
    if wanted.form == "Table":
        return _table(info, wanted.version, found)
    is_partial = wanted.form.startswith("PartialObjectMetadata")
    shown = [partial_metadata(each, wanted.version) if is_partial else each for each in found]
    if info.verb == "get":
        return shown[0]
    if not is_partial:  # the list says what its items are
        shown = [{key: value for key, value in each.items() if key not in _TYPE} for each in shown]
    kind = "PartialObjectMetadataList" if is_partial else COMPONENT_STATUSES.kind_of_list
    version = f"meta.k8s.io/{wanted.version}" if is_partial else COMPONENT_STATUSES.api_version
    return {"kind": kind, "apiVersion": version, "metadata": {}, "items": shown}


def _table(info: RequestInfo, version: str, found: list[Object]) -> Object:
    include = include_object(info)
    rows = []
    for each in found:
        (condition,) = each["conditions"]
        cells = [name_of(each), _WORDS[condition["status"]], condition.get("message", ""), ""]
        shown = {"None": None, "Object": each}.get(include, partial_metadata(each, version))
        rows.append({"cells": cells, "object": shown})
    head = {"kind": "Table", "apiVersion": f"meta.k8s.io/{version}", "metadata": {}}
    return {**head, "columnDefinitions": [column(each) for each in _COLUMNS], "rows": rows}
