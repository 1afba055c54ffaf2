"""`get`: one object, a list, or a table, once or followed."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

from apimachinery.errors import NotFoundError, StatusError
from apimachinery.objects import Object
from kubectl import printers, session
from kubectl.arguments import Words
from kubectl.failures import CommandError, MissingFieldError, raise_all
from kubectl.getting import JSON, TABLE, GetOptions, decode, in_order, items_of
from kubectl.printers.table import align, plain_table, table_rows
from kubectl.resources import Mapper, Target, explained, singular_name
from kubectl.selection import Selected, Selection, resolve

if TYPE_CHECKING:
    from client.rest import Client


def get(
    words: Annotated[list[str], Words("(TYPE [NAME | -l label] | TYPE/NAME ...)")], options: GetOptions
) -> None:
    """Display one or many resources."""
    if options.raw:
        session.run(lambda client, _: _print_raw(client, options.raw))
    elif not words and not options.filename:
        raise CommandError(
            'You must specify the type of resource to get. Use "sampan api-resources" for a complete list '
            "of supported resources.\n\nerror: Required resource not specified."
        )
    else:
        session.run(lambda client, namespace: _get(client, namespace, words, options))


async def _print_raw(client: Client, path: str) -> None:
    sys.stdout.buffer.write(await client.request("GET", path))
    sys.stdout.buffer.flush()


async def _get(client: Client, namespace: str, words: Sequence[str], options: GetOptions) -> None:
    failures: list[Exception] = []
    if options.filename:
        files = Selection(words, options.filename, recursive=options.recursive)
        chosen = await resolve(client, namespace, files, failures=failures)
    else:
        where = "" if options.all_namespaces else namespace
        chosen = [Selected(target, where) for target in await Mapper(client).targets(words)]
    targets = [one.target for one in chosen]
    if options.selector and any(target.name for target in targets):
        raise CommandError("name cannot be provided when a selector is specified")
    if options.subresource and not all(target.name for target in targets):
        raise CommandError("subresource cannot be used when bulk resources are specified")
    if options.all_namespaces and any(target.name and target.resource.namespaced for target in targets):
        raise CommandError("a resource cannot be retrieved by name across all namespaces")
    getter = Getter(client, "" if options.all_namespaces else namespace, options, failures)
    if options.watch or options.watch_only:
        await getter.watch(chosen)
    elif options.printing.is_table:
        await getter.print_tables(chosen)
    else:
        await getter.print_objects(chosen)


class Getter:
    """Asks for what is chosen and prints what comes, and then raises what has failed."""

    def __init__(
        self, client: Client, namespace: str, options: GetOptions, failures: list[Exception]
    ) -> None:
        self._client = client
        self._namespace = namespace
        self._options = options
        self._failures = failures

    async def print_tables(self, chosen: Sequence[Selected]) -> None:
        found = await self._fetch_all(chosen, TABLE if self._options.server_print else JSON)
        kinds = {target.resource for target, _ in found}
        prefixed = self._options.show_kind or len(kinds) > 1
        blocks: list[str] = []
        for resource in dict.fromkeys(target.resource for target, _ in found):
            answers = [(target, answer) for target, answer in found if target.resource == resource]
            table = self._table(answers, alone=len(chosen) == 1)
            if table["rows"]:
                blocks.append(self._render(table, singular_name(resource) if prefixed else ""))
        print("\n".join(blocks), end="")
        if not blocks and not self._failures:
            self._say_nothing_found([one.target for one in chosen])
        raise_all(self._failures)

    async def print_objects(self, chosen: Sequence[Selected]) -> None:
        found = await self._fetch_all(chosen, JSON)
        as_list = len(chosen) > 1 or any(not one.target.name for one in chosen)
        objects = [obj for target, answer in found for obj in items_of(target, answer)]
        if self._options.sort_by and as_list:
            objects = in_order(objects, self._options.sort_by, lambda obj: obj)
        if objects or as_list:
            headers = not self._options.no_headers
            text = printers.render(objects, self._options.printing, as_list=as_list, headers=headers)
            print(text, end="")
        raise_all(self._failures)

    async def watch(self, chosen: Sequence[Selected]) -> None:
        """Prints the list and then each change, until interrupted."""
        raise_all(self._failures)
        if len(chosen) != 1:
            what = "watch is only supported on individual resources and resource collections"
            raise CommandError(
                f"{what} - more than 1 resource was found"
                if self._options.filename
                else "you may only specify a single resource type"
            )
        from kubectl.following import Follower

        await Follower(self._client, chosen[0].namespace, self._options, chosen[0].target).run()

    async def _fetch_all(self, chosen: Sequence[Selected], accept: str) -> list[tuple[Target, Object]]:
        """What could be had; what could not is reported at the end, as kubectl does."""
        calls = (self._fetch(one, accept) for one in chosen)
        answers = await asyncio.gather(*calls, return_exceptions=True)
        found: list[tuple[Target, Object]] = []
        for one, answer in zip(chosen, answers, strict=True):
            if not isinstance(answer, BaseException):
                found.append((one.target, answer))
            elif not isinstance(answer, Exception):
                raise answer
            elif not (isinstance(answer, NotFoundError) and self._options.ignore_not_found):
                self._failures.append(answer)
        if not found:
            raise_all(self._failures)
        return found

    async def _fetch(self, one: Selected, accept: str) -> Object:
        """One object, or the whole list, page by page."""
        target = one.target
        resource = target.resource
        headers = {"accept": accept}
        sorting = {"includeObject": "Object"} if self._options.sort_by and accept == TABLE else {}
        path = resource.path(one.namespace or None, target.name or None, self._options.subresource or None)
        if target.name:
            return decode(await self._client.request("GET", path, headers=headers, params=sorting))
        limit = {"limit": str(self._options.chunk_size)} if self._options.chunk_size else {}
        parameters = {**self._options.parameters, **sorting, **limit}
        try:
            whole = decode(await self._client.request("GET", path, headers=headers, params=parameters))
        except StatusError as error:
            raise explained(error, resource, self._options.selector, self._options.field_selector) from None
        rest = whole
        while token := (rest.get("metadata") or {}).get("continue"):
            page = parameters | {"continue": token}
            rest = decode(await self._client.request("GET", path, headers=headers, params=page))
            for key in ("items", "rows"):
                if key in rest:
                    whole[key] = (whole.get(key) or []) + (rest[key] or [])
        return whole

    def _table(self, answers: Sequence[tuple[Target, Object]], *, alone: bool) -> Object:
        """The answers about one resource as one Table; ours where the server is not to make it.

        Of one answer alone nothing is shown where no object has what it is to be sorted by: kubectl's
        printer fails then, and nobody listens.
        """
        if self._options.server_print:
            rows = [row for _, table in answers for row in table.get("rows") or ()]
            table = {**answers[0][1], "rows": rows}
        else:
            table = plain_table([obj for target, answer in answers for obj in items_of(target, answer)])
        if self._options.sort_by and len(table["rows"]) > 1:
            try:
                table["rows"] = in_order(table["rows"], self._options.sort_by, lambda row: row["object"])
            except MissingFieldError:
                if not (alone and self._options.server_print):
                    raise
                table["rows"] = []
        return table

    def _render(self, table: Object, prefix: str) -> str:
        return align(
            table_rows(
                table,
                wide=self._options.printing.form == "wide",
                headers=not self._options.no_headers,
                namespaces=self._options.all_namespaces and self._is_namespaced(table),
                prefix=prefix,
                show_labels=self._options.show_labels,
                label_columns=self._options.label_columns or (),
            )
        )

    @staticmethod
    def _is_namespaced(table: Object) -> bool:
        return any((row.get("object") or {}).get("metadata", {}).get("namespace") for row in table["rows"])

    def _say_nothing_found(self, targets: Sequence[Target]) -> None:
        if self._options.ignore_not_found:
            return
        inside = f" in {self._namespace} namespace" if self._namespace else ""
        if targets and not any(target.resource.namespaced for target in targets):
            inside = ""
        print(f"No resources found{inside}" + ("." if inside else ""), file=sys.stderr)
