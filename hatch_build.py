"""Build hook: brings the definitions of Kubernetes 1.34 from kubernetes-validate into apimachinery/schema.

That package ships every version's schema and is large, so it is needed to build, not to run.
It stores the definitions as JSON Schema with nulls allowed everywhere; this turns them back into
OpenAPI v2 as the apiserver serves it.  `python hatch_build.py` does the same in a checkout.
"""

from __future__ import annotations

import gzip
import json
import os
import re
from importlib import resources
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

VERSION = "1.34"
TARGET = f"apimachinery/schema/definitions-{VERSION}.json.gz"
_STABLE = re.compile(r"v\d+")
_GVK = "x-kubernetes-group-version-kind"
_QUANTITY = "io.k8s.apimachinery.pkg.api.resource.Quantity"
_INT_OR_STRING = "io.k8s.apimachinery.pkg.util.intstr.IntOrString"
_REPLACED: dict[str, Any] = {
    _QUANTITY: {
        "description": "Quantity is a fixed-point number with an optional suffix, such as 1.5, 100m or 2Gi.",
        "type": "string",
    },
    _INT_OR_STRING: {
        "description": "IntOrString holds an int32 or a string, such as a port's number or name.",
        "type": "string",
        "format": "int-or-string",
    },
}


class CustomBuildHook(BuildHookInterface):  # type: ignore[type-arg]  # hatchling's own config type is not public
    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        write_definitions(Path(self.root))
        build_data["artifacts"].append(TARGET)


def write_definitions(root: Path) -> None:
    text = json.dumps({"definitions": stable_definitions(_packaged())}, sort_keys=True, separators=(",", ":"))
    target = root / TARGET
    target.parent.mkdir(parents=True, exist_ok=True)
    # Whole at every moment, for daemons of this checkout may be starting. mtime 0: the same definitions give
    # the same bytes.
    made = target.with_suffix(f".{os.getpid()}")
    made.write_bytes(gzip.compress(text.encode(), mtime=0))
    made.replace(target)


def _packaged() -> dict[str, Any]:
    folder = resources.files("kubernetes_validate") / "kubernetes-json-schema" / f"v{VERSION}.0-local"
    definitions: dict[str, Any] = json.loads((folder / "_definitions.json").read_bytes())["$defs"]
    return definitions


def stable_definitions(packaged: dict[str, Any]) -> dict[str, Any]:
    """The definitions of all kinds of stable versions, and what they refer to, in OpenAPI v2."""
    wanted: dict[str, Any] = {}
    waiting = [name for name, schema in packaged.items() if _is_stable_kind(schema)]
    while waiting:
        name = waiting.pop()
        if name not in wanted:
            wanted[name] = _REPLACED.get(name) or _definition(packaged[name])
            waiting += re.findall(r'"#/definitions/([^"]+)"', json.dumps(wanted[name]))
    return wanted


def _is_stable_kind(schema: dict[str, Any]) -> bool:
    return any(_STABLE.fullmatch(gvk["version"]) for gvk in schema.get(_GVK, ()))


def _definition(schema: dict[str, Any]) -> dict[str, Any]:
    """A definition as upstream has it; the package adds the allowed apiVersion and kind, which we drop."""
    result: dict[str, Any] = _restored(schema)
    for name in ("apiVersion", "kind"):
        result.get("properties", {}).get(name, {}).pop("enum", None)
    return result


def _restored(value: Any) -> Any:
    if isinstance(value, list):
        return [_restored(item) for item in value]
    if not isinstance(value, dict):
        return value
    result = {key: _restored(item) for key, item in value.items()}
    if isinstance(value.get("type"), list):
        result["type"] = next(each for each in value["type"] if each != "null")
    if isinstance(value.get("$ref"), str):
        result["$ref"] = value["$ref"].replace("#/$defs/", "#/definitions/")
    return result


if __name__ == "__main__":
    write_definitions(Path(__file__).parent)
