"""`-o name`: `pod/web`, `deployment.apps/web`."""

from __future__ import annotations

from apimachinery import scheme
from apimachinery.objects import Object, name_of


def name_line(obj: Object) -> str:
    """One line with its end."""
    return f"{resource_name(obj)}/{name_of(obj)}\n"


def resource_name(obj: Object) -> str:
    """The singular resource with its group, from the object's own kind."""
    known = scheme.by_kind(obj["apiVersion"], obj["kind"])
    singular = (known.singular if known else "") or obj["kind"].lower()
    group = obj["apiVersion"].partition("/")[0] if "/" in obj["apiVersion"] else ""
    return f"{singular}.{group}" if group else singular
