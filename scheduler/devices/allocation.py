"""Hands out devices on one node to the claims of one pod: all that is asked for, or nothing. Pure.

Requests are served in their order; what makes a later one impossible is taken back and tried otherwise.
The first solution is taken. Of a request's devices the order does not matter, so none is tried twice.
Source: structured/internal/stable/allocator_stable.go of k8s.io/dynamic-resource-allocation 0.34.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from apimachinery.objects import Object, get_path, key_of, name_of
from scheduler.devices.pools import Device, DeviceId, Pool
from scheduler.devices.selectors import AllocationError, selects

MAX_RESULTS = 32
"""Of one claim."""
ALL = "All"
_MAX_STEPS = 100_000
"""Of one search, which may try every combination of devices; upstream gives up after ten seconds."""

Classes = Callable[[str], Object | None]
"""The DeviceClass of a name."""


@dataclass(frozen=True, slots=True)
class Ask:
    """A request, or one of a request's alternatives, with the devices here that would do."""

    name: str
    """`request`, or `request/subrequest`."""
    device_class: Object
    wants: int
    wants_all: bool
    is_admin: bool
    devices: tuple[Device, ...]

    @property
    def request(self) -> str:
        return self.name.partition("/")[0]

    @property
    def names(self) -> tuple[str, str]:
        """What constraints and configuration may call it by."""
        return self.request, self.name


class Taken(NamedTuple):
    """A device that a request of a claim has got."""

    ask: Ask
    device: Device


def allocate(
    claims: Sequence[Object],
    classes: Classes,
    pools: Sequence[Pool],
    in_use: Collection[DeviceId],
    node: str,
) -> list[Object] | None:
    """status.allocation for each claim; None if there are not enough devices. Raises AllocationError."""
    asks = [_asks_of(claim, classes, pools) for claim in claims]
    search = _Search(claims, asks, pools, in_use)
    if not search.serve(0, 0):
        return None
    return [_allocation(claim, taken, node) for claim, taken in zip(claims, search.taken, strict=True)]


def _asks_of(claim: Object, classes: Classes, pools: Sequence[Pool]) -> list[list[Ask]]:
    """The alternatives of each request. Raises AllocationError."""
    asks = []
    for request in get_path(claim, "spec.devices.requests", []):
        name = request["name"]
        if request.get("exactly") is not None:
            asks.append([_ask(claim, name, request["exactly"], classes, pools)])
        else:
            alternatives = request.get("firstAvailable") or ()
            asks.append([_ask(claim, f"{name}/{it['name']}", it, classes, pools) for it in alternatives])
    least = sum(min((ask.wants for ask in alternatives), default=0) for alternatives in asks)
    if least > MAX_RESULTS:
        exceeds = f"number of requested devices {least} exceeds the claim limit of {MAX_RESULTS}"
        raise AllocationError(f"claim {key_of(claim)}: {exceeds}")
    return asks


def _ask(claim: Object, name: str, wanted: Object, classes: Classes, pools: Sequence[Pool]) -> Ask:
    short, class_name = name.rpartition("/")[2], wanted["deviceClassName"]
    where = f"claim {key_of(claim)}, request {short}"
    device_class = classes(class_name)
    if device_class is None:
        raise AllocationError(f"{where}: could not retrieve device class {class_name}")
    wants_all = wanted.get("allocationMode") == ALL
    for pool in pools if wants_all else ():
        if pool.is_incomplete or pool.twin:
            state = "being updated" if pool.is_incomplete else "invalid"
            raise AllocationError(
                f"{where}: asks for all devices, but resource pool {pool} is currently {state}"
            )
    found = tuple(
        device
        for pool in pools
        for device in pool.devices()
        if _suits(device, device_class, wanted, f"claim {key_of(claim)}")
    )
    return Ask(
        name,
        device_class,
        wants=len(found) if wants_all else wanted.get("count") or 1,
        wants_all=wants_all,
        is_admin=bool(wanted.get("adminAccess")),
        devices=found,
    )


def _suits(device: Device, device_class: Object, wanted: Object, claim: str) -> bool:
    driver, obj = device.id.driver, device.obj
    of_class = get_path(device_class, "spec.selectors", [])
    return selects(of_class, driver, obj, f"class {name_of(device_class)}") and selects(
        wanted.get("selectors") or (), driver, obj, claim
    )


class _Search:
    def __init__(
        self,
        claims: Sequence[Object],
        asks: Sequence[Sequence[Sequence[Ask]]],
        pools: Sequence[Pool],
        in_use: Collection[DeviceId],
    ) -> None:
        self.taken: list[list[Taken]] = [[] for _ in claims]
        self._claims, self._asks, self._in_use = claims, asks, in_use
        self._invalid = next((pool for pool in pools if pool.twin), None)
        self._steps = 0

    def serve(self, claim: int, request: int) -> bool:
        """Serves this request and all after it."""
        if claim == len(self._asks):
            return True
        if request == len(self._asks[claim]):
            return self.serve(claim + 1, 0)
        return any(self._take(ask, ask.wants, 0, claim, request) for ask in self._asks[claim][request])

    def _take(self, ask: Ask, missing: int, start: int, claim: int, request: int) -> bool:
        """So many more devices for this request, of those from `start` on, and then all other requests."""
        if not ask.devices and ask.wants_all:
            return False
        if not missing:
            return self.serve(claim, request + 1)
        taken = self.taken[claim]
        if len(taken) + missing > MAX_RESULTS:
            return False
        if self._invalid is not None:
            why = f"duplicate device name {self._invalid.twin}"
            raise AllocationError(f"pool {self._invalid.name} is invalid: {why}")
        for index in range(start, len(ask.devices) - missing + 1):
            device = ask.devices[index]
            self._count_step()
            if not self._is_free(ask, device, claim):
                continue
            if not all(_holds(each, ask, device, taken) for each in self._constraints(claim)):
                self._check_optional(ask, device, claim)
                continue
            taken.append(Taken(ask, device))
            if self._take(ask, missing - 1, index + 1, claim, request):
                return True
            taken.pop()
        return False

    def _count_step(self) -> None:
        """Raises AllocationError."""
        self._steps += 1
        if self._steps > _MAX_STEPS:
            raise AllocationError("timed out trying to allocate devices")

    def _is_free(self, ask: Ask, device: Device, claim: int) -> bool:
        """Administrators share with everybody but themselves."""
        if ask.is_admin:
            return all(each.device.id != device.id for each in self.taken[claim])
        mine = (each.device.id for taken in self.taken for each in taken)
        return device.id not in self._in_use and device.id not in mine

    def _constraints(self, claim: int) -> Sequence[Object]:
        found: Sequence[Object] = get_path(self._claims[claim], "spec.devices.constraints", [])
        return found

    def _check_optional(self, ask: Ask, device: Device, claim: int) -> None:
        """A request for all can do without none. Raises AllocationError."""
        if ask.wants_all:
            where = f"claim {key_of(self._claims[claim])}, request {ask.name.rpartition('/')[2]}"
            why = "because a claim constraint would not be satisfied"
            raise AllocationError(f"{where}: cannot add device {device.id} {why}")


def _holds(constraint: Object, ask: Ask, device: Device, taken: Sequence[Taken]) -> bool:
    """All devices of the requests in question have the same value of an attribute."""
    named = constraint.get("requests") or ()

    def is_meant(ask: Ask) -> bool:
        return not named or any(name in named for name in ask.names)

    if not is_meant(ask):
        return True
    value = device.attribute(constraint["matchAttribute"])
    if value is None:
        return False
    others = (each.device for each in taken if is_meant(each.ask))
    return all(other.attribute(constraint["matchAttribute"]) == value for other in others)


# What is written down.


def _allocation(claim: Object, taken: Sequence[Taken], node: str) -> Object:
    devices: Object = {"results": [_result(each) for each in taken]}
    if config := list(_configuration(claim, taken)):
        devices["config"] = config
    selector = _node_selector([each.device.place for each in taken], node)
    return {"devices": devices, **({"nodeSelector": selector} if selector else {})}


def _result(taken: Taken) -> Object:
    driver, pool, device = taken.device.id
    result: Object = {"request": taken.ask.name, "driver": driver, "pool": pool, "device": device}
    return result | ({"adminAccess": True} if taken.ask.is_admin else {})


def _configuration(claim: Object, taken: Sequence[Taken]) -> Iterator[Object]:
    """Of the classes first, so that the claim's comes after and may say otherwise."""
    asks = list({each.ask.name: each.ask for each in taken}.values())
    for ask in asks:
        for config in get_path(ask.device_class, "spec.config", []):
            yield {"source": "FromClass", **config}
    for config in get_path(claim, "spec.devices.config", []):
        named = config.get("requests") or ()
        meant = [ask for ask in asks if any(name in named for name in ask.names)]
        for _ in meant if named else [None]:
            yield {"source": "FromClaim", **config}


def _node_selector(places: Sequence[Mapping[str, object]], node: str) -> Object | None:
    """The nodes where all of the devices can be used; None: everywhere."""
    if any(place.get("nodeName") for place in places):
        field = {"key": "metadata.name", "operator": "In", "values": [node]}
        return {"nodeSelectorTerms": [{"matchFields": [field]}]}
    term: dict[str, list[Object]] = {}
    for place in places:
        for given in get_path(place, "nodeSelector.nodeSelectorTerms", []):
            for kind, requirements in given.items():
                known = term.setdefault(kind, [])
                known += [each for each in requirements if each not in known]
    return {"nodeSelectorTerms": [term]} if term else None
