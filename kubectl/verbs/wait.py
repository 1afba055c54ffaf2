"""`wait`: for a condition, a value at a path, creation or deletion."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

from apimachinery.conditions import condition_of
from apimachinery.durations import parse_duration
from apimachinery.errors import NotFoundError
from apimachinery.jsonpath import JsonPath, JsonPathError, format_result, relaxed
from apimachinery.objects import Object, uid_of
from kubectl import session
from kubectl.arguments import Flag, Words
from kubectl.failures import CommandError
from kubectl.flags import AllNamespaces, Everything, FieldSelector, Filenames, Selector
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
    words: Annotated[list[str] | None, Words("TYPE NAME | TYPE/NAME...")] = None,
    filename: Filenames = None,
    goal: Annotated[
        str, Flag("--for", help="condition=NAME[=VALUE], jsonpath='{PATH}'[=VALUE], delete, create")
    ] = "",
    selector: Selector = "",
    field_selector: FieldSelector = "",
    everything: Everything = False,
    all_namespaces: AllNamespaces = False,
    timeout: Annotated[str, Flag("--timeout", help="0 checks once; negative waits a week.")] = "30s",
    printing: Printing = AS_IS,
) -> None:
    """Wait for a specific condition on one or many resources."""
    wanted = parse_goal(goal)
    seconds = parse_duration(timeout)
    limit = _WEEK if seconds < 0 else seconds
    selection = Selection(words or (), filename or (), selector, field_selector, everything, all_namespaces)

    async def run(client: Client, namespace: str) -> None:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + limit
        chosen = await resolve(client, namespace, selection)
        if not chosen and wanted.kind != "delete":
            raise CommandError("no matching resources found")
        for one in chosen:
            await _wait_for(client, one, wanted, deadline, quiet=bool(printing))

    session.run(run)


async def _wait_for(client: Client, one: Selected, goal: Goal, deadline: float, *, quiet: bool) -> None:
    resource, name = one.target.resource, one.target.name
    test: Test = goal.holds
    if goal.kind != "create":
        try:
            obj = await client.get(resource, name, one.namespace or None)
        except NotFoundError:
            if goal.kind == "delete":
                return
            raise
        if goal.kind == "delete":
            uid = uid_of(obj)
            test = lambda seen: seen is None or uid_of(seen) != uid  # noqa: E731  # two short alternatives
    try:
        async with asyncio.timeout_at(max(deadline, asyncio.get_running_loop().time() + 0.001)):
            await until(client, resource, name, one.namespace, test)
    except TimeoutError:
        raise CommandError(f"timed out waiting for the condition on {resource.plural}/{name}") from None
    if not quiet:
        print(f"{one.label} condition met")
