"""The devices that can be had on a node, as drivers offer them in ResourceSlices. Pure.

Source: structured/internal/stable/pools_stable.go of k8s.io/dynamic-resource-allocation 0.34.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from apimachinery.node_selector import parse_terms
from apimachinery.objects import Object


class DeviceId(NamedTuple):
    driver: str
    pool: str
    device: str

    def __str__(self) -> str:
        return "/".join(self)


@dataclass(frozen=True, slots=True)
class Device:
    """One device; `place` is its slice's spec, which says where it can be used."""

    id: DeviceId
    obj: Object
    place: Object

    def attribute(self, name: str) -> Any:
        """By its full name; of its driver's domain also what is written without one. None: it has none."""
        attributes = self.obj.get("attributes") or {}
        domain, _, short = name.partition("/")
        return attributes.get(name) or (attributes.get(short) if domain == self.id.driver else None)


@dataclass(frozen=True, slots=True)
class Pool:
    """The slices of a pool's newest generation."""

    driver: str
    name: str
    slices: tuple[Object, ...]

    def __str__(self) -> str:
        return f"{self.driver}/{self.name}"

    @property
    def is_incomplete(self) -> bool:
        """Its driver is not done with writing."""
        return len(self.slices) != int(self.slices[0]["pool"]["resourceSliceCount"])

    @property
    def twin(self) -> str:
        """A name that two devices have, which makes the pool invalid; "" if there is none."""
        counts = Counter(device.id.device for device in self.devices())
        return next((name for name, count in counts.items() if count > 1), "")

    def devices(self) -> Iterator[Device]:
        for spec in self.slices:
            for obj in spec.get("devices") or ():
                yield Device(DeviceId(self.driver, self.name, obj["name"]), obj, spec)


def gather_pools(slices: Iterable[Object], node: str, labels: Mapping[str, str]) -> tuple[Pool, ...]:
    """Those with devices for the node, by name, so that the same question has the same answer."""
    found: dict[tuple[str, str], list[Object]] = {}
    for each in slices:
        spec = each["spec"]
        if not _reaches(spec, node, labels):
            continue
        known = found.setdefault((spec["driver"], spec["pool"]["name"]), [])
        if known and spec["pool"]["generation"] > known[0]["pool"]["generation"]:
            known.clear()
        if not known or spec["pool"]["generation"] == known[0]["pool"]["generation"]:
            known.append(spec)
    return tuple(Pool(driver, name, tuple(specs)) for (driver, name), specs in sorted(found.items()))


def _reaches(spec: Object, node: str, labels: Mapping[str, str]) -> bool:
    if spec.get("nodeName"):
        return str(spec["nodeName"]) == node
    if spec.get("nodeSelector"):
        return any(term.matches(node, labels) for term in parse_terms(spec["nodeSelector"]))
    return bool(spec.get("allNodes"))
