"""What a Service is given: its addresses, node ports and health check port, and when they come back."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from apimachinery.errors import InternalError, InvalidError
from apimachinery.field import ErrorList, Path, invalid
from apimachinery.objects import Object, name_of
from apimachinery.scheme import IP_ADDRESSES
from apiserver.registry.allocators import AllocationError
from apiserver.registry.allocators_ports import PortAllocator
from apiserver.registry.allocators_ranges import AddressRanges
from apiserver.registry.strategies.service_fields import (
    HEADLESS,
    may_have_node_ports,
    needs_cluster_ip,
    needs_health_check,
    node_ports,
    wants_node_ports,
)
from apiserver.registry.strategies.service_validation import validate_cluster_ips
from apiserver.registry.strategy import WriteContext

_SPEC = Path("spec")
_FAMILIES = ("IPv4", "IPv6")


def refuse(service: Object, errors: ErrorList) -> InvalidError:
    return InvalidError("Service", name_of(service), errors)


class Taken:
    """What one write has taken so far, so that a failure later can give it back."""

    def __init__(self) -> None:
        self._undo: list[Callable[[], Awaitable[None]]] = []

    def add(self, undo: Callable[[], Awaitable[None]]) -> None:
        self._undo.append(undo)

    async def give_back(self) -> None:
        while self._undo:
            await self._undo.pop()()


class ServiceAllocator:
    """Allocates in place what the spec leaves open, on one address family."""

    def __init__(self, addresses: AddressRanges, ports: PortAllocator) -> None:
        self._addresses = addresses
        self._ports = ports

    async def allocate(self, ctx: WriteContext, service: Object, old: Object | None, taken: Taken) -> None:
        """Fills in the service; what `old` has already is not taken again."""
        spec = service["spec"]
        before = (old or {}).get("spec") or {}
        self.fill_families(service, before)
        if needs_cluster_ip(spec):
            await self._allocate_address(ctx, service, before, taken)
        if may_have_node_ports(spec):
            await self._allocate_ports(ctx, service, before, taken)
        number = spec.get("healthCheckNodePort")
        if needs_health_check(spec) and (not number or number != before.get("healthCheckNodePort")):
            await self._allocate_health_check(ctx, spec, taken)

    async def release(self, ctx: WriteContext, old: Object, new: Object | None) -> None:
        """Gives back what old had and new (None: deleted) has no more."""
        after = (new or {}).get("spec") or {}
        before = old["spec"]
        kept = set(node_ports(after)) | {after.get("healthCheckNodePort")}
        gone = {*node_ports(before), before.get("healthCheckNodePort") or 0} - {0}
        for port in sorted(gone - kept):
            await self._ports.release(ctx.storage, port)
        for address in before.get("clusterIPs") or ():
            if address != HEADLESS and address not in (after.get("clusterIPs") or ()):
                await self._addresses.release(ctx.storage, address, old)

    def fill_families(self, service: Object, before: Object) -> None:
        """ipFamilies and ipFamilyPolicy as a cluster with one family has them. Raises InvalidError."""
        spec = service["spec"]
        if spec.get("type") == "ExternalName":
            return
        headless_alone = spec.get("clusterIP") == HEADLESS and not spec.get("selector")
        if spec.get("ipFamilyPolicy") is None:
            inferred = "RequireDualStack" if headless_alone else "SingleStack"
            spec["ipFamilyPolicy"] = before.get("ipFamilyPolicy") or inferred
        if errors := list(validate_cluster_ips(spec)):
            raise refuse(service, errors)
        families = list(spec.get("ipFamilies") or ())
        if errors := self._wrong_families(spec, families):
            raise refuse(service, errors)
        spec["ipFamilies"] = families or [self._addresses.family]
        if headless_alone:
            if len(spec["ipFamilies"]) < 2 and spec["ipFamilyPolicy"] != "SingleStack":
                spec["ipFamilies"] += [each for each in _FAMILIES if each not in spec["ipFamilies"]]
        elif errors := self._unconfigured(spec):
            raise refuse(service, errors)

    def _wrong_families(self, spec: Object, families: list[str]) -> ErrorList:
        """Too much for SingleStack; also infers families from given addresses, in place."""
        errors: ErrorList = []
        at = _SPEC.child("ipFamilyPolicy")
        ips = [ip for ip in spec.get("clusterIPs") or () if ip != HEADLESS]
        if spec["ipFamilyPolicy"] == "SingleStack":
            for values, what in ((ips, "cluster IPs"), (families, "IP families")):
                if len(values) == 2:
                    detail = (
                        f"must be 'RequireDualStack' or 'PreferDualStack' when multiple {what} are specified"
                    )
                    errors.append(invalid(at, "SingleStack", detail))
        for index, ip in enumerate(ips[len(families) :], start=len(families)):
            family = "IPv6" if ":" in ip else "IPv4"
            if family == self._addresses.family:
                families.append(family)
            else:
                where = _SPEC.child("clusterIPs").index(index)
                errors.append(
                    invalid(where, spec["clusterIPs"], f"{family} is not configured on this cluster")
                )
        return errors

    def _unconfigured(self, spec: Object) -> ErrorList:
        errors: ErrorList = []
        if spec["ipFamilyPolicy"] == "RequireDualStack":
            detail = "this cluster is not configured for dual-stack services"
            errors.append(invalid(_SPEC.child("ipFamilyPolicy"), "RequireDualStack", detail))
        for index, family in enumerate(spec["ipFamilies"]):
            if family != self._addresses.family:
                at = _SPEC.child("ipFamilies").index(index)
                errors.append(invalid(at, family, "not configured on this cluster"))
        return errors

    async def _allocate_address(
        self, ctx: WriteContext, service: Object, before: Object, taken: Taken
    ) -> None:
        spec = service["spec"]
        wanted = (spec.get("clusterIPs") or [""])[0]
        if wanted == HEADLESS or (wanted and wanted in (before.get("clusterIPs") or ())):
            return
        if before and not wanted and before.get("type") != "ExternalName":
            # Taking an address away is refused by validation; giving it another would hide that.
            return
        address = await self._take_address(ctx, service, wanted)
        spec["clusterIP"], spec["clusterIPs"] = address, [address]
        if not ctx.dry_run:
            taken.add(lambda: self._addresses.release(ctx.storage, address, service))

    async def _take_address(self, ctx: WriteContext, service: Object, wanted: str) -> str:
        if ctx.dry_run and not wanted:
            return self._addresses.first
        try:
            if ctx.dry_run:
                self._addresses.check(wanted)
                return wanted
            if wanted:
                await self._addresses.allocate(ctx.storage, wanted, service, ctx.now())
                return wanted
            return await self._addresses.allocate_next(
                ctx.storage, service, ctx.now(), lambda ip: ctx.get(IP_ADDRESSES, "", ip) is not None
            )
        except AllocationError as error:
            if not wanted:
                raise InternalError(f"failed to allocate a serviceIP: {error}") from error
            detail = f"failed to allocate IP {wanted}: {error}"
            at = _SPEC.child("clusterIPs")
            raise refuse(service, [invalid(at, service["spec"]["clusterIPs"], detail)]) from error

    async def _allocate_ports(self, ctx: WriteContext, service: Object, before: Object, taken: Taken) -> None:
        """One port number serves several protocols of the same service port."""
        ports = service["spec"].get("ports") or []
        had = set(node_ports(before)) if may_have_node_ports(before) else set()
        given: set[int] = set()
        by_port = {port.get("port"): port["nodePort"] for port in reversed(ports) if port.get("nodePort")}
        for index, port in enumerate(ports):
            if not port.get("nodePort"):
                if not wants_node_ports(service["spec"]):
                    continue
                shared = by_port.get(port.get("port")) if not before else None
                port["nodePort"] = shared or await self._next_port(ctx, "a nodePort", taken)
                if not shared:
                    given.add(port["nodePort"])
                by_port.setdefault(port.get("port"), port["nodePort"])
            number = port["nodePort"]
            if number not in had | given:
                await self._take_port(ctx, service, index, number, taken)
                given.add(number)

    async def _take_port(
        self, ctx: WriteContext, service: Object, index: int, number: int, taken: Taken
    ) -> None:
        try:
            await self._take(ctx, number, taken)
        except AllocationError as error:
            at = _SPEC.child("ports").index(index).child("nodePort")
            raise refuse(service, [invalid(at, number, str(error))]) from error

    async def _take(self, ctx: WriteContext, number: int, taken: Taken) -> None:
        """This very number; a dry run only looks whether it is free. Raises AllocationError."""
        if ctx.dry_run:
            await self._ports.check(ctx.storage, number)
        else:
            await self._ports.allocate(ctx.storage, number)
            taken.add(lambda: self._ports.release(ctx.storage, number))

    async def _next_port(self, ctx: WriteContext, what: str, taken: Taken) -> int:
        if ctx.dry_run:
            return self._ports.first
        try:
            number = await self._ports.allocate_next(ctx.storage)
        except AllocationError as error:
            raise InternalError(f"failed to allocate {what}: {error}") from error
        taken.add(lambda: self._ports.release(ctx.storage, number))
        return number

    async def _allocate_health_check(self, ctx: WriteContext, spec: Object, taken: Taken) -> None:
        number = spec.get("healthCheckNodePort")
        if not number:
            spec["healthCheckNodePort"] = await self._next_port(ctx, "a HealthCheck NodePort", taken)
            return
        try:
            await self._take(ctx, number, taken)
        except AllocationError as error:
            detail = f"failed to allocate requested HealthCheck NodePort {number}: {error}"
            raise InternalError(detail) from error
