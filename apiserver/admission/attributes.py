"""What an admission plugin is told about a write, and what a plugin is."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, Protocol

from apimachinery.objects import Object
from apimachinery.scheme import Resource
from apiserver.request import UserInfo

Operation = Literal["CREATE", "UPDATE", "DELETE", "CONNECT"]


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

    def annotate(self, key: str, value: str) -> None:
        """The first to say something under a key has said it."""
        self.annotations.setdefault(key, value)


class Plugin(Protocol):
    """One admission plugin: what it looks at, how it changes it, what it refuses (with a StatusError)."""

    name: str

    def handles(self, operation: Operation, resource: Resource, subresource: str) -> bool:
        """Whether it is asked at all; called once per kind of write, then remembered."""
        ...

    async def admit(self, attributes: Attributes) -> None:
        """Changes the object, or refuses."""
        ...

    async def validate(self, attributes: Attributes) -> None:
        """Refuses, seeing the object as it will be stored."""
        ...
