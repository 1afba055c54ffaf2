"""`wait`: for a condition, a value at a path, creation or deletion."""

from __future__ import annotations

import asyncio
import re
from contextlib import aclosing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

from apimachinery.conditions import condition_of
from apimachinery.errors import NotFoundError
from apimachinery.jsonpath import JsonPath, JsonPathError, format_result, relaxed
from apimachinery.objects import Object, uid_of
from apimachinery.scheme import Resource
from client.waiting import Test, until
from kubectl import printers, session
from kubectl.arguments import Flag, Words
from kubectl.failures import CommandError
from kubectl.flags import AllNamespaces, Everything, FieldSelector, Filenames, Recursive, Selector
from kubectl.printers import AS_IS, Printing
from kubectl.resources import Mapper
from kubectl.selection import Selected, Selection, resolve

if TYPE_CHECKING:
    from client.rest import Client

_WEEK = 7 * 24 * 3600.0


@dataclass(frozen=True, slots=True)
class Goal:
    """What to wait for: `kind` is condition, jsonpath, delete or create."""

    kind: str
    name: str = ""
    value: str | None = None
    path: JsonPath | None = None

    def holds(self, obj: Object | None) -> bool:
        if self.kind == "create":
            return obj is not None
        if obj is None:
            return False
        if self.path is not None:
            return self._found(self.path.find(obj))
        condition = _condition(obj, self.name)
        if condition is None or _is_stale(obj, condition):
            return False
        return str(condition.get("status", "")).lower() == (self.value or "true").lower()

    def _found(self, values: list[Any]) -> bool:
        if len(values) > 1:
            raise CommandError("given jsonpath expression matches more than one value")
        if not values:
            return False
        if self.value is None:
            return values[0] is not None
        return format_result(values[0]).strip() == self.value


def _condition(obj: Object, name: str) -> Object | None:
    """Condition types are compared without regard to case."""
    exact = condition_of(obj, name)
    if exact is not None:
        return exact
    listed = (obj.get("status") or {}).get("conditions") or ()
    return next((each for each in listed if str(each.get("type", "")).lower() == name.lower()), None)


def _is_stale(obj: Object, condition: Object) -> bool:
    """Whether the condition speaks of an older generation than the one that is there."""
    generation = obj["metadata"].get("generation")
    observed = condition.get("observedGeneration", (obj.get("status") or {}).get("observedGeneration"))
    return observed is not None and generation is not None and observed < generation


def parse_goal(text: str) -> Goal:
    """`condition=Ready[=false]`, `jsonpath={.a}=b`, `delete`, `create`. Raises CommandError."""
    kind, equals, rest = text.partition("=")
    if kind.lower() in ("delete", "create") and not equals:
        return Goal(kind.lower())
    if kind.lower() == "condition" and rest:
        name, _, value = rest.partition("=")
        return Goal("condition", name, value or None)
    if kind.lower() == "jsonpath" and rest:
        return _jsonpath_goal(rest)
    raise CommandError(f'unrecognized condition: "{text}"')


def _jsonpath_goal(text: str) -> Goal:
    """Path and value stand on two sides of a single `=`: `==` is of the path."""
    expression, *values = re.split(r"(?<!=)=(?!=)", text)
    if len(values) > 1:
        raise CommandError("jsonpath wait format must be --for=jsonpath='{.status.readyReplicas}'=3 or "
                           "--for=jsonpath='{.status.readyReplicas}'")  # fmt: skip
    try:
        path = relaxed(expression)
    except JsonPathError as error:
        raise CommandError(str(error)) from None
    value = values[0].strip("'\"") if values else None
    if value == "":
        raise CommandError(
            "jsonpath wait has to have a value after equal sign, like "
            "--for=jsonpath='{.status.readyReplicas}'=3"
        )
    return Goal("jsonpath", value=value, path=path)


def wait(
    words: Annotated[list[str], Words("(-f FILENAME | TYPE (NAME | -l label | --all) | TYPE/NAME)")],
    filename: Filenames = None,
    recursive: Recursive = False,
    goal: Annotated[
        str, Flag("--for", help="condition=NAME[=VALUE], jsonpath='{PATH}'[=VALUE], delete, create")
    ] = "",
    selector: Selector = "",
    field_selector: FieldSelector = "",
    everything: Everything = False,
    all_namespaces: AllNamespaces = False,
    timeout: Annotated[float, Flag("--timeout", help="0 checks once; negative waits a week.")] = 30.0,
    printing: Printing = AS_IS,
) -> None:
    """Wait for a specific condition on one or many resources."""
    wanted = parse_goal(goal)
    limit = _WEEK if timeout < 0 else timeout
    narrowed = (selector, field_selector, everything, all_namespaces, recursive)
    selection = Selection(words, filename or (), *narrowed)

    async def run(client: Client, namespace: str) -> None:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + limit
        chosen = await resolve(client, namespace, selection)
        while not chosen and words and wanted.kind == "create":
            await _until_something(client, namespace, selection, deadline)
            chosen = await resolve(client, namespace, selection)
        if not chosen and wanted.kind != "delete":
            raise CommandError("no matching resources found")
        there = [(one, await _there(client, one, wanted)) for one in chosen]
        for one in (one for one, is_there in there if is_there):
            _tell(one, await _wait_for(client, one, wanted, deadline), printing)

    session.run(run)


async def _there(client: Client, one: Selected, goal: Goal) -> bool:
    """Of what has never been there that it is deleted is nothing to tell."""
    if goal.kind != "delete":
        return True
    try:
        await client.get(one.target.resource, one.target.name, one.namespace or None)
    except NotFoundError:
        return False
    return True


async def _until_something(client: Client, namespace: str, selection: Selection, deadline: float) -> None:
    """Until there may be something. Raises CommandError after the deadline."""
    targets = await Mapper(client).targets(selection.words)
    arrivals = [
        asyncio.ensure_future(_arrival(client, target.resource, namespace, selection)) for target in targets
    ]
    seconds = deadline - asyncio.get_running_loop().time()
    done, others = await asyncio.wait(arrivals, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    for other in others:
        other.cancel()
    if not done:
        raise CommandError("timed out waiting for the condition")
    for each in done:
        each.result()


async def _arrival(client: Client, resource: Resource, namespace: str, selection: Selection) -> None:
    where = "" if selection.all_namespaces or not resource.namespaced else namespace
    labels, fields = selection.selector or None, selection.field_selector or None
    listed = await client.list(resource, where or None, label_selector=labels, field_selector=fields)
    if listed["items"]:
        return
    version = listed["metadata"]["resourceVersion"]
    watching = client.watch(
        resource, where or None, resource_version=version, label_selector=labels, field_selector=fields
    )
    async with aclosing(watching):
        async for kind, _ in watching:
            if kind == "ADDED":
                return


async def _wait_for(client: Client, one: Selected, goal: Goal, deadline: float) -> Object | None:
    """The object that is as wanted; None if it has gone. Raises CommandError after the deadline."""
    resource, name = one.target.resource, one.target.name
    test: Test = goal.holds
    if goal.kind != "create":
        try:
            obj = await client.get(resource, name, one.namespace or None)
        except NotFoundError:
            if goal.kind == "delete":
                return None  # it has gone since we began
            raise
        if goal.kind == "delete":
            uid = uid_of(obj)
            test = lambda seen: seen is None or uid_of(seen) != uid  # noqa: E731  # two short alternatives
        if test(obj):
            return obj
    try:
        async with asyncio.timeout_at(max(deadline, asyncio.get_running_loop().time() + 0.001)):
            return await until(client, resource, name, one.namespace, test)
    except TimeoutError:
        where = "" if goal.kind == "create" else f" on {resource.plural}/{name}"
        raise CommandError(f"timed out waiting for the condition{where}") from None


def _tell(one: Selected, found: Object | None, printing: Printing) -> None:
    if not printing:
        print(f"{one.label} condition met")
    elif found is not None:
        kind = {"apiVersion": one.target.resource.api_version, "kind": one.target.resource.kind}
        print(printers.render([kind | found], printing), end="")
