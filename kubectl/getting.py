"""What `get` is asked for, and how the answers are read, whether it prints them once or follows them."""

from __future__ import annotations

from dataclasses import dataclass

import orjson

from apimachinery.objects import Object
from kubectl.resources import Target

TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"


@dataclass(frozen=True, slots=True)
class GetOptions:
    """The flags of `get`."""

    output: str = ""
    all_namespaces: bool = False
    selector: str = ""
    field_selector: str = ""
    watch: bool = False
    watch_only: bool = False
    headers: bool = True
    show_labels: bool = False
    show_kind: bool = False
    label_columns: tuple[str, ...] = ()
    sort_by: str = ""
    ignore_not_found: bool = False
    managed_fields: bool = False
    subresource: str = ""

    @property
    def parameters(self) -> dict[str, str]:
        chosen = {"labelSelector": self.selector, "fieldSelector": self.field_selector}
        return {name: value for name, value in chosen.items() if value}


def decode(data: bytes) -> Object:
    value: Object = orjson.loads(data)
    return value


def items_of(target: Target, answer: Object) -> list[Object]:
    """The objects of an answer; those of a list get the apiVersion and kind that lists leave out."""
    if "items" not in answer or target.name:
        return [answer]
    kind = {"apiVersion": target.resource.api_version, "kind": target.resource.kind}
    return [kind | item for item in answer["items"] or []]
