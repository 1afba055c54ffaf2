"""What an admission plugin is told about a write, and what a plugin is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol, runtime_checkable

from apimachinery.objects import Object
from apimachinery.scheme import NAMESPACES, Resource
from apiserver.request import UserInfo

Operation = Literal["CREATE", "UPDATE", "DELETE", "CONNECT"]


class Forms(Protocol):
    """How what is written looks in the versions in which it is served, for those who look from outside.

    Where no version is stored but another, plugins see objects as they are stored.
    """

    def versions(self, resource: Resource) -> Sequence[Resource]:
        """Every version of the resource that the same objects can be had in."""
        ...

    async def shown(self, obj: Object, resource: Resource) -> Object:
        """The object in a version; not to be changed."""
        ...

    async def taken(self, current: Object, changed: Object, resource: Resource) -> Object:
        """`current` as somebody wants it, who saw it in a version: checked, pruned, with defaults.

        Uses up `changed`. Raises StatusError.
        """
        ...


class AsItIs:
    """The Forms of what has one version, and no rules."""

    def versions(self, resource: Resource) -> Sequence[Resource]:
        return (resource,)

    async def shown(self, obj: Object, resource: Resource) -> Object:
        return obj

    async def taken(self, current: Object, changed: Object, resource: Resource) -> Object:
        return changed


@dataclass(slots=True)
class Reinvocation:
    """Whether plugins are asked once more, because a webhook changed what those before it had seen."""

    is_wanted: bool = False
    is_under_way: bool = False
    called: set[str] = field(default_factory=set)
    """Webhooks that want to see what others change after them."""
    due: set[str] = field(default_factory=set)
    """Those that are to be called again."""
    left: bytes = b""
    """The object as the webhooks left it."""


@dataclass(slots=True)
class Attributes:
    """One write. `object` is changed in place while mutating, and complete when validating.

    For DELETE `object` is None and `old_object` what is to go; for CREATE `old_object` is None.
    """

    operation: Operation
    resource: Resource
    subresource: str
    namespace: str
    name: str
    object: Object | None
    old_object: Object | None
    user: UserInfo
    dry_run: bool = False
    options: Object = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    """Sent with the answer, whatever it is."""
    annotations: dict[str, str] = field(default_factory=dict)
    """What plugins have to note about the request: upstream's audit annotations."""

    forms: Forms = field(default_factory=AsItIs)
    reinvocation: Reinvocation = field(default_factory=Reinvocation)

    @property
    def request_namespace(self) -> str:
        """The namespace that is told outside: of a Namespace, its own name."""
        return self.name if self.resource == NAMESPACES else self.namespace

    def replace_object(self, obj: Object) -> None:
        """Puts another object in the place of the one that is written."""
        if self.object is not None and self.object is not obj:
            self.object.clear()
            self.object.update(obj)

    def annotate(self, key: str, value: str) -> None:
        """The first to say something under a key has said it."""
        self.annotations.setdefault(key, value)


class Plugin(Protocol):
    """One admission plugin, and what it looks at: it is a MutatingPlugin, a ValidatingPlugin, or both."""

    name: str

    def handles(self, operation: Operation, resource: Resource, subresource: str) -> bool:
        """Whether it is asked at all; called once per kind of write, then remembered."""
        ...


@runtime_checkable
class MutatingPlugin(Plugin, Protocol):
    async def admit(self, attributes: Attributes) -> None:
        """Changes the object, or refuses (with a StatusError)."""
        ...


@runtime_checkable
class ValidatingPlugin(Plugin, Protocol):
    async def validate(self, attributes: Attributes) -> None:
        """Refuses (with a StatusError), seeing the object as it will be stored."""
        ...
