"""Lists whose order does not count: sets, and lists that are maps by keys of their items.

It is the left one of two sides that says so. A plan tells where in a value such lists are.
Source: pkg/cel/common/valuesunstructured.go of k8s.io/apiserver 0.34.
"""

from __future__ import annotations

import json
from functools import lru_cache
from typing import Any

from apiserver.cel.types import ObjectType, Type, UnorderedList

Plan = dict[str, Any]
"""`keys` of such a list, none of a set; and plans for what is within: `each`, or by name in `fields`."""


def plan_of(kind: Type) -> Plan | None:
    """None if everything is compared as it stands."""
    plan: Plan = {"keys": list(kind.keys)} if isinstance(kind, UnorderedList) else {}
    if isinstance(kind, ObjectType):
        fields = {name: found for name, inner in kind.all_fields() if (found := plan_of(inner))}
        return {"fields": fields} if fields else None
    if kind.name in ("list", "map") and (each := plan_of(kind.parameters[-1])):
        plan["each"] = each
    return plan or None


def written(plan: Plan) -> str:
    return json.dumps(plan, sort_keys=True)


read = lru_cache(maxsize=1024)(json.loads)


def equal(left: Any, right: Any, plan: Plan | None) -> bool:
    if plan is None:
        return bool(left == right)
    if isinstance(left, dict) and isinstance(right, dict):
        fields = plan.get("fields", {})
        return left.keys() == right.keys() and all(
            equal(value, right[name], fields.get(name, plan.get("each"))) for name, value in left.items()
        )
    if not isinstance(left, list) or not isinstance(right, list) or len(left) != len(right):
        return False
    others = _by_identity(right, plan)
    return all(
        identity in others and equal(value, others[identity], plan.get("each"))
        for identity, value in _by_identity(left, plan).items()
    )


def _by_identity(values: list[Any], plan: Plan) -> dict[Any, Any]:
    """Items by what tells one from another."""
    return {_identity(each, index, plan): each for index, each in enumerate(values)}


def _identity(value: Any, index: int, plan: Plan) -> Any:
    if "keys" not in plan:
        return index
    keys = plan["keys"]
    if keys:
        return tuple(value.get(key) for key in keys) if isinstance(value, dict) else None
    return bytes(value) if isinstance(value, bytearray) else value


def joined(left: list[Any], right: list[Any], plan: Plan) -> list[Any]:
    """What is in both is there once, as the right one has it, where the left one has it."""
    both = {_identity(each, 0, plan): each for each in left}
    both.update({_identity(each, 0, plan): each for each in right})
    return list(both.values())
