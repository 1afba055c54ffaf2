"""GET of nodes and pods of metrics.k8s.io: the objects are looked up here, their usage is asked for.

Source: pkg/api/{node,pod}.go of metrics-server.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any

from apimachinery.conditions import is_condition_true
from apimachinery.errors import MethodNotAllowedError, NotFoundError, PathNotFoundError
from apimachinery.objects import Object, name_of, namespace_of
from apimachinery.resource_metrics import NODE_METRICS, RESOURCE_METRICS
from apimachinery.scheme import NODES, PODS, Resource
from apiserver.asgi import Receive, Scope, Send
from apiserver.handlers.answers import send_value
from apiserver.handlers.tables import include_object, partial_metadata
from apiserver.negotiation import Negotiated, check_form, negotiate
from apiserver.registry.listing import check_field_selector, matches
from apiserver.registry.options import ListOptions, parse_list_options
from apiserver.request import RequestInfo
from apiserver.resource_metrics.objects import node_metrics, pod_metrics, table
from apiserver.resource_metrics.sampler import Sampler
from apiserver.resource_metrics.scrape import node_usage, pod_usage
from apiserver.storage.entry import Entry
from apiserver.storage.watch_cache import WatchCache
from apiserver.subresources.targets import host_of

_BY_PLURAL = {each.plural: each for each in RESOURCE_METRICS}


class ResourceMetrics:
    """Serves what is below /apis/metrics.k8s.io/v1beta1."""

    def __init__(self, cache: WatchCache, sampler: Sampler, now: Callable[[], datetime]) -> None:
        self._nodes, self._pods = cache.resource(NODES), cache.resource(PODS)
        self._sampler = sampler
        self._now = now

    async def __call__(self, info: RequestInfo, scope: Scope, receive: Receive, send: Send) -> None:
        resource = _resource_of(info)
        if info.verb == "get":
            await self._get(info, resource, send)
        else:
            await self._list(info, resource, send)

    async def _get(self, info: RequestInfo, resource: Resource, send: Send) -> None:
        wanted = _negotiate(info, resource)
        found = await self._metrics(resource, [self._entry(info, resource)])
        if not found:
            name = "/".join(part for part in (info.namespace, info.name) if part)
            raise NotFoundError(f"{resource.kind.lower()}.{resource.group}", name)
        value = _table(info, wanted, found) if wanted.form == "Table" else _shown(found[0], wanted)
        await send_value(info, send, value)

    async def _list(self, info: RequestInfo, resource: Resource, send: Send) -> None:
        wanted = _negotiate(info, resource)
        options = parse_list_options(info.query, watch=False)
        check_field_selector(options.fields)
        found = await self._metrics(resource, self._selected(info, resource, options))
        value = _table(info, wanted, found) if wanted.form == "Table" else _listing(resource, found, wanted)
        await send_value(info, send, value)

    def _entry(self, info: RequestInfo, resource: Resource) -> Entry:
        of_nodes = resource == NODE_METRICS
        entry = (self._nodes if of_nodes else self._pods).get(info.namespace, info.name)
        if entry is None:
            raise NotFoundError(NODES if of_nodes else PODS, info.name)
        return entry

    def _selected(self, info: RequestInfo, resource: Resource, options: ListOptions) -> list[Entry]:
        if resource == NODE_METRICS:
            entries = self._nodes.entries()
        else:
            entries = self._pods.entries(info.namespace or None)
        return [entry for entry in entries if matches(entry, options)]

    async def _metrics(self, resource: Resource, entries: Sequence[Entry]) -> list[Object]:
        """Of those of which something is known, in their order."""
        objects = [entry.obj for entry in entries]
        if resource == NODE_METRICS:
            return await self._of_nodes(objects)
        return await self._of_pods(objects)

    async def _of_nodes(self, nodes: Sequence[Object]) -> list[Object]:
        pairs = await self._sampler.sample([each for each in nodes if _may_answer(each)])
        now = self._now()
        known = [(node, pairs[name_of(node)]) for node in nodes if name_of(node) in pairs]
        found = [(node, node_usage(*pair)) for node, pair in known]
        return [node_metrics(node, usage, now) for node, usage in found if usage is not None]

    async def _of_pods(self, pods: Sequence[Object]) -> list[Object]:
        pairs = await self._sampler.sample(list(self._nodes_of(pods)))
        now = self._now()
        known = [(pod, pairs[host_of(pod)]) for pod in pods if host_of(pod) in pairs]
        found = [(pod, pod_usage(*pair, (namespace_of(pod), name_of(pod)))) for pod, pair in known]
        return [pod_metrics(pod, usages, now) for pod, usages in found if usages is not None]

    def _nodes_of(self, pods: Sequence[Object]) -> Iterable[Object]:
        for name in dict.fromkeys(host_of(pod) for pod in pods):
            entry = self._nodes.get("", name) if name else None
            if entry is not None and _may_answer(node := entry.obj):
                yield node


def _negotiate(info: RequestInfo, resource: Resource) -> Negotiated:
    """Raises NotAcceptableError."""
    info.wanted = negotiate(info.headers.get("accept", ""))
    is_list = info.verb == "list"
    check_form(info.wanted, f"metrics.{resource.kind}{'List' * is_list}", is_list=is_list)
    return info.wanted


def _may_answer(node: Object) -> bool:
    """Nobody should have to wait for a kubelet that has gone."""
    return is_condition_true(node, "Ready")


def _resource_of(info: RequestInfo) -> Resource:
    """Raises PathNotFoundError, MethodNotAllowedError."""
    resource = _BY_PLURAL.get(info.plural)
    if resource is None or info.subresource:
        raise PathNotFoundError
    if info.verb == "watch":
        raise MethodNotAllowedError(resource, "watch")
    needs_namespace = resource.namespaced and info.verb == "get"
    if needs_namespace != bool(info.namespace) and (needs_namespace or not resource.namespaced):
        raise PathNotFoundError
    if info.verb not in resource.verbs:
        text = "the server does not allow this method on the requested resource"
        raise MethodNotAllowedError(message=text)
    return resource


def _shown(metrics: Object, wanted: Negotiated) -> Object:
    is_partial = wanted.form.startswith("PartialObjectMetadata")
    return partial_metadata(metrics, wanted.version) if is_partial else metrics


def _listing(resource: Resource, found: Sequence[Object], wanted: Negotiated) -> Object:
    is_partial = wanted.form.startswith("PartialObjectMetadata")
    api_version = f"meta.k8s.io/{wanted.version}" if is_partial else resource.api_version
    kind = "PartialObjectMetadataList" if is_partial else resource.kind_of_list
    items = [_shown(each, wanted) for each in found]
    return {"kind": kind, "apiVersion": api_version, "metadata": {}, "items": items}


def _table(info: RequestInfo, wanted: Negotiated, found: Sequence[Object]) -> Object:
    def row(metrics: Object) -> Any:
        match include_object(info):
            case "None":
                return None
            case "Object":
                return metrics
        return partial_metadata(metrics, wanted.version)

    return table(found, wanted.version, map(row, found))
