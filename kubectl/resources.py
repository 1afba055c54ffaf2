"""Which resources the words of a command name: `pods`, `po`, `deploy/web`, `pods,services`, `all`.

Built-in names are known without asking; anything else is looked up in the server's discovery.
Source of the rules: k8s.io/cli-runtime/pkg/resource/builder.go.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from apimachinery import scheme
from apimachinery.errors import StatusError
from apimachinery.scheme import Resource
from kubectl.failures import CommandError

if TYPE_CHECKING:
    from client.rest import Client


class UnknownResource(CommandError):
    """No resource is called so."""


class Target(NamedTuple):
    """One object, or with an empty name a whole resource."""

    resource: Resource
    name: str = ""

    @property
    def label(self) -> str:
        """`deployment.apps/web`, as verbs print it."""
        return f"{singular_name(self.resource)}/{self.name}"


def singular_name(resource: Resource) -> str:
    """`pod`, `deployment.apps`."""
    singular = resource.singular or resource.kind.lower()
    return f"{singular}.{resource.group}" if resource.group else singular


def _names(resource: Resource) -> set[str]:
    singular = resource.singular or resource.kind.lower()
    return {resource.plural, singular, resource.kind.lower(), *resource.short_names}


def matches(resource: Resource, word: str, *, loosely: bool = False) -> bool:
    """`pods`, `po`, `deployments.apps`, `deployments.v1.apps`; case does not matter.

    Loosely, the beginning of a group will do: `hpa.autoscal`.
    """
    first, _, rest = word.lower().partition(".")
    if first not in _names(resource):
        return False
    if loosely:
        return bool(rest) and resource.group.startswith(rest)
    return not rest or rest in {
        resource.group,
        f"{resource.version}.{resource.group}",
        f"{resource.version}." if not resource.group else resource.group,
    }


def _best(word: str, found: Sequence[Resource]) -> Resource:
    """One that is called so before one that has the word as a short name; who else has it is told."""
    from client.discovery import preferred

    name = word.partition(".")[0].lower()
    called = [each for each in found if name not in each.short_names]
    if called:
        return called[0]
    first, *others = preferred(found)
    for other in others:
        what = f'short name "{name}" could also match lower priority resource {other.group_resource}'
        print(f"Warning: {what}", file=sys.stderr)
    return first


class Mapper:
    """Finds resources by name; asks discovery at most once."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._discovered: list[Resource] | None = None

    async def find(self, word: str) -> Resource:
        """The one resource that a word means. Raises CommandError in kubectl's words."""
        for loosely in (False, True):
            for resource in scheme.BUILTIN:
                if "list" in resource.verbs and matches(resource, word, loosely=loosely):
                    return resource
            found = [each for each in await self.discovered() if matches(each, word, loosely=loosely)]
            if found:
                return _best(word, found)
        raise UnknownResource(f'the server doesn\'t have a resource type "{word.partition(".")[0]}"')

    async def by_kind(self, api_version: str, kind: str) -> Resource:
        """The resource that a manifest's apiVersion and kind mean."""
        known = scheme.by_kind(api_version, kind)
        if known is not None:
            return known
        for resource in await self.discovered():
            if (resource.api_version, resource.kind) == (api_version, kind):
                return resource
        raise CommandError(
            f'no matches for kind "{kind}" in version "{api_version}"\nensure CRDs are installed first'
        )

    async def category(self, word: str) -> list[Resource]:
        """The resources of a category such as `all`; empty if it is none."""
        known = [r for r in scheme.BUILTIN if word in r.categories and "list" in r.verbs]
        seen = {resource.group_resource: resource for resource in reversed(known)}
        return list(reversed(seen.values()))

    async def discovered(self) -> list[Resource]:
        """Every resource the server serves, preferred versions first."""
        if self._discovered is None:
            from client.discovery import discover

            self._discovered = await discover(self._client)
        return self._discovered

    async def expand(self, word: str) -> list[Resource]:
        """`pods,svc` or a category, as resources."""
        found: list[Resource] = []
        for part in word.split(","):
            found += await self.category(part) or [await self.find(part)]
        return found

    async def targets(self, words: Sequence[str]) -> list[Target]:
        """What `TYPE[,TYPE] [NAME...]` or `TYPE/NAME...` mean. Raises CommandError in kubectl's words."""
        if any("/" in word for word in words):
            return [await self._slashed(word) for word in words]
        if not words:
            return []
        resources = await self.expand(words[0])
        if len(words) == 1:
            return [Target(resource) for resource in dict.fromkeys(resources)]
        return [Target(resource, name) for resource in resources for name in words[1:]]

    async def _slashed(self, word: str) -> Target:
        kind, slash, name = word.partition("/")
        if not slash:
            raise CommandError(
                "there is no need to specify a resource type as a separate argument when passing arguments "
                "in resource/name form (e.g. 'kubectl get resource/<resource_name>' instead of "
                "'kubectl get resource resource/<resource_name>'"
            )
        if not kind or not name or "/" in name:
            raise CommandError("arguments in resource/name form may not have more than one slash")
        return Target(await self.find(kind), name)


def explained(error: StatusError, resource: Resource, selector: str, field_selector: str) -> StatusError:
    """The error with what was looked for, where that may be its cause."""
    if error.code not in (400, 404):
        return error
    what = (
        f'"{resource.api_version if resource.group else "/" + resource.version}, Resource={resource.plural}"'
    )
    if selector or field_selector:
        chosen = f'that match label selector "{selector}", field selector "{field_selector}"'
        error.message = f"Unable to find {what} {chosen}: {error.message}"
    else:
        error.message = f"Unable to list {what}: {error.message}"
    return error
