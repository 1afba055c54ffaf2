"""Mirrors Endpoints that people keep by hand into EndpointSlices, which is all that proxies read.

Source: pkg/controller/endpointslicemirroring.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import ClassVar, NamedTuple

from apimachinery import scheme
from apimachinery.errors import NotFoundError
from apimachinery.objects import (
    NamespacedName,
    Object,
    annotations_of,
    get_path,
    labels_of,
    name_of,
    namespace_of,
    owner_reference,
)
from apimachinery.well_known import LAST_APPLIED, SERVICE_NAME, SKIP_MIRROR, SLICE_MANAGED_BY
from client.controller import Watch, by_name
from client.events import WARNING
from client.own_writes import UNSETTLED, OwnWrites
from controller_manager.context import ControllerContext
from controller_manager.service_pods import ANNOTATION as TRIGGER_TIME

CONTROLLER = "endpointslicemirroring-controller.k8s.io"
LEADER_ANNOTATION = "control-plane.alpha.kubernetes.io/leader"
BY_ENDPOINTS = "mirrored"

_NOT_COPIED = {LAST_APPLIED, TRIGGER_TIME}
_TOO_MANY = (
    "A max of {} addresses can be mirrored to EndpointSlices per Endpoints subset. {} addresses were skipped"
)


def endpoints_of(slice_: Object) -> Iterable[str]:
    """Index: the Endpoints that a slice of ours mirrors."""
    labels = labels_of(slice_)
    if labels.get(SLICE_MANAGED_BY) == CONTROLLER:
        yield f"{namespace_of(slice_)}/{labels.get(SERVICE_NAME, '')}"


class EndpointSliceMirroringController:
    """One slice for each subset and address family of Endpoints whose Service has no selector."""

    name: ClassVar[str] = "endpointslice-mirroring-controller"

    def __init__(self, context: ControllerContext) -> None:
        self._client = context.client
        self._recorder = context.recorder("endpoint-slice-mirroring-controller")
        self._services = context.informers.informer(scheme.SERVICES)
        self._endpoints = context.informers.informer(scheme.ENDPOINTS)
        self._slices = context.informers.informer(scheme.ENDPOINT_SLICES)
        context.informers.index(scheme.ENDPOINT_SLICES, BY_ENDPOINTS, endpoints_of)
        self._writes = OwnWrites(self._slices)
        self._limit = context.options.mirroring_max_endpoints_per_subset
        self._batch_period = context.options.mirroring_endpointslice_updates_batch_period

    def watches(self) -> list[Watch]:
        return [
            Watch(self._endpoints, by_name, delay=self._batch_period),
            Watch(self._services, by_name),
            Watch(self._slices, _mirrored),
        ]

    async def reconcile(self, key: NamespacedName) -> float | None:
        if not self._writes.are_seen(key):
            return UNSETTLED
        service, endpoints = self._services.get(key), self._endpoints.get(key)
        wanted: list[Object] = []
        if endpoints and service and is_mirrored(service, endpoints):
            wanted = mirrors(endpoints, self._limit)
            self._tell_skipped(endpoints)
        plan = plan_mirrors(wanted, self._slices.by_index(BY_ENDPOINTS, str(key)))
        for body in plan.create:
            self._writes.note(key, await self._client.create(scheme.ENDPOINT_SLICES, body, key.namespace))
        for slice_ in plan.update:
            self._writes.note(key, await self._client.update(scheme.ENDPOINT_SLICES, slice_))
        for slice_ in plan.delete:
            await self._delete(slice_)
        if not wanted:
            self._writes.forget(key)
        return None

    def _tell_skipped(self, endpoints: Object) -> None:
        if count := skipped(endpoints, self._limit):
            text = _TOO_MANY.format(self._limit, count)
            self._recorder.event(endpoints, WARNING, "TooManyAddressesToMirror", text)

    async def _delete(self, slice_: Object) -> None:
        with suppress(NotFoundError):
            await self._client.delete(scheme.ENDPOINT_SLICES, name_of(slice_), namespace_of(slice_))


def _mirrored(slice_: Object) -> Iterable[NamespacedName]:
    for text in endpoints_of(slice_):
        namespace, _, name = text.partition("/")
        yield NamespacedName(namespace, name)


def is_mirrored(service: Object, endpoints: Object) -> bool:
    """Whether nobody else makes slices for these Endpoints."""
    return not (
        service["spec"].get("selector")
        or labels_of(endpoints).get(SKIP_MIRROR) == "true"
        or LEADER_ANNOTATION in annotations_of(endpoints)
    )


class Subset(NamedTuple):
    """Ports, and the addresses that offer all of them: those that are ready, and then the others."""

    ports: list[Object]
    addresses: list[tuple[Object, bool]]


def repacked(subsets: Iterable[Object]) -> list[Subset]:
    """Each port once, with every address that offers it; ports of the very same addresses stand together.

    Who is not ready anywhere is not ready. Source: pkg/api/v1/endpoints/util.go.
    """
    ports: dict[str, Object] = {}
    offers: defaultdict[str, dict[str, tuple[Object, bool]]] = defaultdict(dict)
    for subset in subsets:
        for port in subset.get("ports") or [{}]:
            name = str(sorted(port.items()))
            ports[name] = port
            for field, is_ready in (("addresses", True), ("notReadyAddresses", False)):
                for address in subset.get(field) or ():
                    key = f"{address['ip']} {get_path(address, 'targetRef.uid', '')}"
                    first, was_ready = offers[name].get(key, (address, True))
                    offers[name][key] = first, was_ready and is_ready
    groups: defaultdict[frozenset[tuple[str, bool]], list[str]] = defaultdict(list)
    for name, offered in offers.items():
        groups[frozenset((key, is_ready) for key, (_, is_ready) in offered.items())].append(name)
    return [_subset([ports[name] for name in names], offers[names[0]].values()) for names in groups.values()]


def _subset(ports: Sequence[Object], addresses: Iterable[tuple[Object, bool]]) -> Subset:
    return Subset([port for port in ports if port], sorted(addresses, key=lambda each: not each[1]))


def mirrors(endpoints: Object, limit: int) -> list[Object]:
    """The slices that say what the Endpoints say, of each subset at most so many addresses."""
    return [
        _slice(endpoints, ports, family, found)
        for ports, addresses in repacked(endpoints.get("subsets") or ())
        for family in ("IPv4", "IPv6")
        if (found := _family(addresses[:limit], family))
    ]


def skipped(endpoints: Object, limit: int) -> int:
    """How many addresses are not mirrored."""
    subsets = repacked(endpoints.get("subsets") or ())
    return sum(max(len(each.addresses) - limit, 0) for each in subsets)


def _family(addresses: Iterable[tuple[Object, bool]], family: str) -> list[Object]:
    """The endpoints of one address family."""
    return [
        _endpoint(address, is_ready)
        for address, is_ready in addresses
        if (":" in address["ip"]) == (family == "IPv6")
    ]


def _endpoint(address: Object, is_ready: bool) -> Object:
    endpoint: Object = {"addresses": [address["ip"]], "conditions": {"ready": is_ready}}
    return endpoint | {
        name: address[name] for name in ("hostname", "nodeName", "targetRef") if address.get(name)
    }


def _slice(endpoints: Object, ports: Sequence[Object], family: str, found: list[Object]) -> Object:
    labels = {**labels_of(endpoints), SERVICE_NAME: name_of(endpoints), SLICE_MANAGED_BY: CONTROLLER}
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {
            "generateName": f"{name_of(endpoints)}-",
            "namespace": namespace_of(endpoints),
            "labels": labels,
            "annotations": _annotations(endpoints),
            "ownerReferences": [owner_reference(endpoints)],
        },
        "addressType": family,
        "endpoints": found,
        "ports": [{"name": "", "protocol": "TCP", **port} for port in ports],
    }


def _annotations(endpoints: Object) -> dict[str, str]:
    return {name: text for name, text in annotations_of(endpoints).items() if name not in _NOT_COPIED}


class MirrorPlan(NamedTuple):
    """The slices as they should be, and those to go."""

    create: list[Object]
    update: list[Object]
    delete: list[Object]


def plan_mirrors(wanted: Sequence[Object], slices: Sequence[Object]) -> MirrorPlan:
    """Subsets are told apart by their ports: no slice gets another's endpoints while its own are there."""
    plan, left, unplaced = MirrorPlan([], [], []), list(slices), list(wanted)
    for fields in (("addressType", "ports"), ("addressType",)):
        bodies, unplaced = unplaced, []
        for body in bodies:
            slice_ = next((each for each in left if all(each.get(f) == body[f] for f in fields)), None)
            if slice_ is None:
                unplaced.append(body)
                continue
            left.remove(slice_)
            if not _is_same(slice_, body):
                plan.update.append(merged(slice_, body))
    return plan._replace(create=unplaced, delete=left)


def _is_same(slice_: Object, body: Object) -> bool:
    fields = ("addressType", "endpoints", "ports")
    has_metadata = labels_of(slice_) == labels_of(body) and annotations_of(slice_) == annotations_of(body)
    return has_metadata and all(slice_.get(each) == body[each] for each in fields)


def merged(slice_: Object, body: Object) -> Object:
    """The slice as it is, with what we own replaced."""
    metadata = {**slice_["metadata"], "labels": labels_of(body), "annotations": annotations_of(body)}
    return {**slice_, **body, "metadata": metadata}
