"""Services."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from apimachinery import names
from apimachinery.field import ErrorList, Path
from apimachinery.objects import Object, get_path
from apiserver.registry.strategies.service_allocation import ServiceAllocator, Taken
from apiserver.registry.strategies.service_fields import (
    carry_over_allocated,
    default_service,
    drop_fields_of_old_type,
    normalize_cluster_ips,
)
from apiserver.registry.strategies.service_validation import (
    validate_load_balancer_status,
    validate_service,
    validate_service_update,
)
from apiserver.registry.strategies.tables import NONE, UNKNOWN, age, columns, ingress_addresses, labels_text
from apiserver.registry.strategies.warnings.addresses import ip_warnings
from apiserver.registry.strategies.warnings.services import service_warnings
from apiserver.registry.strategy import Column, Rollback, Strategy, WriteContext


class ServiceStrategy(Strategy):
    name_check = staticmethod(names.is_dns1035_label)
    tracks_generation = False
    allow_create_on_update = True
    columns: Sequence[Column] = columns(
        "Type", "Cluster-IP", "External-IP", "Port(s)", wide=(Column("Selector", priority=1),)
    )

    def __init__(self, allocator: ServiceAllocator) -> None:
        self._allocator = allocator

    def default(self, obj: Object) -> None:
        default_service(obj)

    def prepare_for_create(self, obj: Object) -> None:
        obj["status"] = {"loadBalancer": {}}
        normalize_cluster_ips(obj["spec"], None)

    def prepare_for_update(self, new: Object, old: Object) -> None:
        new["status"] = old.get("status") or {"loadBalancer": {}}
        if new["spec"].get("type") != "LoadBalancer":
            new["status"] = {**new["status"], "loadBalancer": {}}
        normalize_cluster_ips(new["spec"], old["spec"])
        carry_over_allocated(new["spec"], old["spec"])
        drop_fields_of_old_type(new["spec"], old["spec"])

    def prepare_for_status_update(self, new: Object, old: Object) -> None:
        new["spec"] = old["spec"]

    async def begin_create(self, ctx: WriteContext, obj: Object) -> Rollback:
        return await self._begin(ctx, obj, None)

    async def begin_update(self, ctx: WriteContext, new: Object, old: Object) -> Rollback:
        return await self._begin(ctx, new, old)

    async def _begin(self, ctx: WriteContext, service: Object, old: Object | None) -> Rollback:
        taken = Taken()
        try:
            await self._allocator.allocate(ctx, service, old, taken)
        except BaseException:
            await taken.give_back()
            raise
        return taken.give_back

    async def after_update(self, ctx: WriteContext, new: Object, old: Object) -> None:
        await self._allocator.release(ctx, old, new)

    async def after_delete(self, ctx: WriteContext, obj: Object) -> None:
        await self._allocator.release(ctx, obj, None)

    def validate(self, obj: Object) -> ErrorList:
        return list(validate_service(obj))

    def validate_update(self, new: Object, old: Object) -> ErrorList:
        return list(validate_service_update(new, old))

    def validate_status_update(self, new: Object, old: Object) -> ErrorList:
        at = Path("status", "loadBalancer")
        return list(validate_load_balancer_status(new.get("status") or {}, at, old["spec"].get("type") or ""))

    def warnings(self, obj: Object, old: Object | None) -> list[str]:
        return [*service_warnings(obj)]

    def status_warnings(self, obj: Object, old: Object) -> list[str]:
        ingress = get_path(obj, "status.loadBalancer.ingress") or ()
        at = "status.loadBalancer.ingress"
        return [
            text
            for index, each in enumerate(ingress)
            for text in ip_warnings(f"{at}[{index}]", each.get("ip") or "")
        ]

    def selectable_fields(self, obj: Object) -> Mapping[str, str]:
        spec = obj.get("spec") or {}
        return {"spec.clusterIP": spec.get("clusterIP") or "", "spec.type": spec.get("type") or ""}

    def cells(self, obj: Object, now: datetime) -> list[Any]:
        spec = obj["spec"]
        return [
            obj["metadata"]["name"],
            spec.get("type") or "",
            next(iter(spec.get("clusterIPs") or ()), "") or spec.get("clusterIP") or NONE,
            _external_ip(obj),
            _ports_text(spec.get("ports") or ()) or NONE,
            age(obj, now),
            labels_text(spec.get("selector")),
        ]


def _external_ip(service: Object) -> str:
    spec = service["spec"]
    sort, given = spec.get("type"), spec.get("externalIPs") or []
    if sort in ("ClusterIP", "NodePort"):
        return ",".join(given) or NONE
    if sort == "LoadBalancer":
        return ",".join([*ingress_addresses(service), *given]) or "<pending>"
    return spec.get("externalName") or "" if sort == "ExternalName" else UNKNOWN


def _ports_text(ports: Sequence[Object]) -> str:
    return ",".join(
        f"{port.get('port') or 0}:{port['nodePort']}/{port['protocol']}"
        if port.get("nodePort")
        else f"{port.get('port') or 0}/{port['protocol']}"
        for port in ports
    )
