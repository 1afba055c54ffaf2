"""Definitions and custom resources with the minimum."""

from __future__ import annotations

from typing import Any

from apimachinery.objects import Object

DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
THINGS = "/apis/example.com/v1/namespaces/default/things"


def version(name: str = "v1", spec: Object | None = None, **more: Any) -> Object:
    """The storage version, unless said otherwise; `spec` is the schema of the field of that name."""
    properties = {"spec": spec or {"type": "object"}, "status": {"type": "object"}}
    schema = {"openAPIV3Schema": {"type": "object", "properties": properties}}
    return {"name": name, "served": True, "storage": True, "schema": schema, **more}


def definition(*versions: Object, **spec: Any) -> Object:
    """things.example.com"""
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "things.example.com"},
        "spec": {
            "group": "example.com",
            "scope": "Namespaced",
            "names": {"plural": "things", "singular": "thing", "kind": "Thing", "listKind": "ThingList"},
            "versions": list(versions) or [version()],
            "conversion": {"strategy": "None"},
            **spec,
        },
    }


def established(made: Object) -> Object:
    """As it is once its names have been accepted."""
    conditions = [{"type": kind, "status": "True"} for kind in ("NamesAccepted", "Established")]
    return made | {"status": {"acceptedNames": made["spec"]["names"], "conditions": conditions}}


def thing(name: str = "a", api_version: str = "example.com/v1", **fields: Any) -> Object:
    return {"apiVersion": api_version, "kind": "Thing", "metadata": {"name": name}, **fields}


def obj(**properties: Any) -> Object:
    """The schema of an object."""
    return {"type": "object", "properties": properties}
