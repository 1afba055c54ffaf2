"""Slices, classes and claims of devices."""

from __future__ import annotations

from typing import Any

from apimachinery.objects import Object

DRIVER = "d.example.com"


def make_slice(
    *devices: Object, pool: str = "n1", generation: int = 1, count: int = 1, **place: Any
) -> Object:
    spec = {
        "driver": DRIVER,
        "pool": {"name": pool, "generation": generation, "resourceSliceCount": count},
        "devices": list(devices),
        **(place or {"nodeName": "n1"}),
    }
    return {
        "kind": "ResourceSlice",
        "metadata": {"name": f"{pool}-{generation}-{len(devices)}"},
        "spec": spec,
    }


def device(name: str, **attributes: Any) -> Object:
    kinds = {bool: "bool", int: "int", str: "string"}
    return {"name": name, "attributes": {key: {kinds[type(it)]: it} for key, it in attributes.items()}}


def make_class(name: str = "gpus", *expressions: str, config: Any = ()) -> Object:
    selectors = [{"cel": {"expression": each}} for each in expressions]
    spec = {"selectors": selectors, "config": list(config)}
    return {"kind": "DeviceClass", "metadata": {"name": name}, "spec": spec}


def ask(expression: str = "", *, of: str = "gpus", count: int = 1, **more: Any) -> Object:
    selectors = [{"cel": {"expression": expression}}] if expression else []
    mode = {"allocationMode": "ExactCount", "count": count}
    return {"deviceClassName": of, "selectors": selectors, **mode, **more}


def make_claim(name: str = "c", *, constraints: Any = (), config: Any = (), **requests: Any) -> Object:
    listed = [
        {"name": each, "firstAvailable": [{"name": f"s{i}", **it} for i, it in enumerate(wanted)]}
        if isinstance(wanted, list)
        else {"name": each, "exactly": wanted}
        for each, wanted in requests.items()
    ]
    return {
        "kind": "ResourceClaim",
        "metadata": {
            "name": name, "namespace": "default", "uid": name, "resourceVersion": "5", "generation": 1,
        },
        "spec": {"devices": {"requests": listed, "constraints": list(constraints), "config": list(config)}},
    }  # fmt: skip


ALL = {"allocationMode": "All", "count": 0}
SLICE = make_slice(
    device("a", model="small", numa=0),
    device("b", model="small", numa=1),
    device("c", model="large", numa=1),
)
LARGE = f'device.attributes["{DRIVER}"].model == "large"'
SMALL = f'device.attributes["{DRIVER}"].model == "small"'
SAME_NUMA = {"matchAttribute": f"{DRIVER}/numa"}
