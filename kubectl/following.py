"""`get --watch`: the list, and then a line for each change, in columns that only ever widen."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from apimachinery.errors import NotFoundError, from_status
from apimachinery.objects import Object
from kubectl import printers, session
from kubectl.getting import TABLE, GetOptions, decode, items_of
from kubectl.printers.table import Columns, table_rows
from kubectl.resources import Target

if TYPE_CHECKING:
    from client.rest import Client


class Follower:
    """Follows one resource or one object; the heading is printed once."""

    def __init__(self, client: Client, namespace: str, options: GetOptions, target: Target) -> None:
        self._client = client
        self._namespace = namespace
        self._options = options
        self._target = target
        self._as_table = options.printing.is_table
        self._heading = not options.no_headers
        self._columns = Columns()
        self._definitions: list[Object] = []

    async def run(self) -> None:
        if self._options.sort_by:
            self._warn()
        parameters = dict(self._options.parameters)
        if self._target.name:
            parameters["fieldSelector"] = f"metadata.name={self._target.name}"
        path = self._target.resource.path(self._namespace or None)
        headers = {"accept": TABLE if self._as_table else "application/json"}
        listed = decode(await self._client.request("GET", path, headers=headers, params=parameters))
        if self._target.name and not (listed.get("rows") or listed.get("items")):
            raise NotFoundError(self._target.resource, self._target.name)
        if not self._options.watch_only:
            self._print(listed)
        parameters |= {"watch": "true", "resourceVersion": listed["metadata"]["resourceVersion"]}
        async with session.request_time():
            await self._follow(path, headers, parameters)

    async def _follow(self, path: str, headers: dict[str, str], parameters: dict[str, str]) -> None:
        async for line in self._client.stream("GET", path, headers=headers, params=parameters):
            event = decode(line)
            if event["type"] == "ERROR":
                raise from_status(event["object"].get("code") or 500, event["object"])
            if event["type"] != "BOOKMARK":
                self._print(event["object"])

    def _warn(self) -> None:
        asked = "--watch-only requested, --sort-by will be ignored"
        if not self._options.watch_only:
            asked = "--watch requested, --sort-by will be ignored for watch events received"
        print(f"warning: {asked}", file=sys.stderr)

    def _print(self, answer: Object) -> None:
        if not self._as_table:
            for obj in items_of(Target(self._target.resource), answer):
                print(printers.render([obj], self._options.printing), end="")
            return
        # Only the first Table of a watch defines its columns.
        self._definitions = answer.get("columnDefinitions") or self._definitions
        if not answer.get("rows"):
            return
        rows = table_rows(
            {**answer, "columnDefinitions": self._definitions},
            wide=self._options.printing.form == "wide",
            headers=self._heading,
            namespaces=self._options.all_namespaces,
            show_labels=self._options.show_labels,
            label_columns=self._options.label_columns or (),
        )
        print(self._columns.align(rows), end="")
        self._heading = False
