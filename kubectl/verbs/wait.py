"""`wait`: for a condition, a value at a path, creation or deletion."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

from apimachinery.conditions import condition_of
from apimachinery.errors import NotFoundError
from apimachinery.jsonpath import JsonPath, JsonPathError, format_result, relaxed
from apimachinery.objects import Object, uid_of
from kubectl import printers, session
from kubectl.arguments import Flag, Words
from kubectl.failures import CommandError
from kubectl.flags import AllNamespaces, Everything, FieldSelector, Filenames, Recursive, Selector
from kubectl.printers import AS_IS, Printing
from kubectl.selection import Selected, Selection, resolve
from kubectl.waiting import Test, until

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
    end = text.rfind("}")
    expression, rest = text[: end + 1], text[end + 1 :]
    if rest and not rest.startswith("="):
        raise CommandError("jsonpath wait format must be --for=jsonpath='{.status.readyReplicas}'=3 or "
                           "--for=jsonpath='{.status.readyReplicas}'")  # fmt: skip
    try:
        path = relaxed(expression)
    except JsonPathError as error:
        raise CommandError(str(error)) from None
    value = rest[1:] if rest else None
    if value == "":
        raise CommandError("jsonpath wait has to have a value after equal sign")
    return Goal("jsonpath", value=value.strip("'\"") if value else value, path=path)


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
        if not chosen and wanted.kind != "delete":
            raise CommandError("no matching resources found")
        for one in chosen:
            if not await _is_gone_already(client, one, wanted):
                _tell(one, await _wait_for(client, one, wanted, deadline), printing)

    session.run(run)


async def _is_gone_already(client: Client, one: Selected, goal: Goal) -> bool:
    """Then there is nothing to tell."""
    if goal.kind != "delete":
        return False
    try:
        await client.get(one.target.resource, one.target.name, one.namespace or None)
    except NotFoundError:
        return True
    return False


async def _wait_for(client: Client, one: Selected, goal: Goal, deadline: float) -> Object | None:
    """The object that is as wanted; None if it has gone. Raises CommandError after the deadline."""
    resource, name = one.target.resource, one.target.name
    test: Test = goal.holds
    if goal.kind != "create":
        obj = await client.get(resource, name, one.namespace or None)
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
