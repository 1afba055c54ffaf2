"""What `get` is asked for, and how the answers are read, whether it prints them once or follows them."""

from __future__ import annotations

from typing import Annotated, NamedTuple

import orjson

from apimachinery.objects import Object
from kubectl.arguments import Flag
from kubectl.flags import (
    AllNamespaces,
    FieldSelector,
    Filenames,
    GetOutput,
    IgnoreNotFound,
    NoHeaders,
    Recursive,
    Selector,
    ShowManagedFields,
    Subresource,
)
from kubectl.resources import Target

TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"


class GetOptions(NamedTuple):
    """The flags of `get`."""

    filename: Filenames = None
    recursive: Recursive = False
    output: GetOutput = ""
    all_namespaces: AllNamespaces = False
    selector: Selector = ""
    field_selector: FieldSelector = ""
    watch: Annotated[bool, Flag("--watch", "-w", help="Follow changes after the list.")] = False
    watch_only: Annotated[bool, Flag("--watch-only", help="Follow changes without the list.")] = False
    no_headers: NoHeaders = False
    show_labels: Annotated[bool, Flag("--show-labels", help="Labels as the last column.")] = False
    show_kind: Annotated[bool, Flag("--show-kind", help="The kind before each name.")] = False
    label_columns: Annotated[
        list[str] | None, Flag("--label-columns", "-L", commas=True, help="Labels as columns of their own.")
    ] = None
    sort_by: Annotated[str, Flag("--sort-by", help="Sort by what this JSONPath finds.")] = ""
    ignore_not_found: IgnoreNotFound = False
    show_managed_fields: ShowManagedFields = False
    subresource: Subresource = ""
    raw: Annotated[str, Flag("--raw", help="Ask for this path and print the answer.")] = ""

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
