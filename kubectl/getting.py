"""What `get` is asked for, and how the answers are read, whether it prints them once or follows them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Annotated, NamedTuple, TypeVar

import orjson

from apimachinery.objects import Object
from kubectl.arguments import Flag
from kubectl.flags import (
    AllNamespaces,
    ChunkSize,
    FieldSelector,
    Filenames,
    IgnoreNotFound,
    NoHeaders,
    Recursive,
    Selector,
    Subresource,
)
from kubectl.printers import AS_IS, Printing
from kubectl.resources import Target

JSON = "application/json"
TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"


T = TypeVar("T")


class GetOptions(NamedTuple):
    """The flags of `get`."""

    filename: Filenames = None
    recursive: Recursive = False
    printing: Printing = AS_IS
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
    subresource: Subresource = ""
    chunk_size: ChunkSize = 500
    server_print: Annotated[bool, Flag("--server-print", help="Print the table that the server makes.")] = (
        True
    )
    watch_events: Annotated[
        bool, Flag("--output-watch-events", help="Print what happened to each object, too.")
    ] = False
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


def in_order(values: Sequence[T], path: str, object_of: Callable[[T], Object]) -> list[T]:
    """The values by what a JSONPath finds in the object of each."""
    from kubectl.printers.sorting import sort_key

    key = sort_key(path, [object_of(each) for each in values])
    return sorted(values, key=lambda each: key(object_of(each)))
