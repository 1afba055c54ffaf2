"""Who controls what: which objects an owner has, adopts because its selector matches, or lets go.

The decision is pure; adopting and releasing are patches guarded by the object's uid. The controller reference
is what keeps two owners with overlapping selectors from fighting.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from apimachinery.errors import InvalidError, NotFoundError
from apimachinery.labels import Selector, selector_from_label_selector
from apimachinery.objects import (
    NamespacedName,
    Object,
    controller_of,
    is_terminating,
    key_of,
    labels_of,
    name_of,
    namespace_of,
    owner_reference,
    uid_of,
)
from apimachinery.scheme import Resource
from client.informer import Informer
from client.rest import STRATEGIC, Client

CONTROLLER_INDEX = "controller"
"""Index of objects by the uid of their controller; those without one are under `orphans_of(namespace)`."""


@dataclass(frozen=True, slots=True)
class Claims:
    """What an owner has, and what it should take or let go."""

    owned: Sequence[Object] = ()
    adopt: Sequence[Object] = ()
    release: Sequence[Object] = ()


def orphans_of(namespace: str) -> str:
    """The value under which the index keeps the objects of a namespace that nobody controls."""
    return f"orphans/{namespace}"


def by_controller(obj: Object) -> Iterable[str]:
    """The index function of CONTROLLER_INDEX."""
    reference = controller_of(obj)
    return (reference["uid"] if reference else orphans_of(namespace_of(obj)),)


def candidates(informer: Informer, owner: Object) -> list[Object]:
    """The objects that an owner controls or might adopt."""
    return [
        *informer.by_index(CONTROLLER_INDEX, uid_of(owner)),
        *informer.by_index(CONTROLLER_INDEX, orphans_of(namespace_of(owner))),
    ]


def plan_claims(owner: Object, matches: Callable[[Object], bool], objects: Iterable[Object]) -> Claims:
    """Sorts objects into owned, to adopt and to release; what belongs to others is left out."""
    owned, adopt, release = [], [], []
    for obj in objects:
        reference = controller_of(obj)
        if reference is not None:
            if reference["uid"] != uid_of(owner):
                continue
            if matches(obj):
                owned.append(obj)
            elif not is_terminating(owner):
                release.append(obj)
        elif matches(obj) and not is_terminating(owner) and not is_terminating(obj):
            adopt.append(obj)
    return Claims(owned, adopt, release)


def matches_labels(selector: Callable[[Mapping[str, str]], bool]) -> Callable[[Object], bool]:
    """A selector over labels as a predicate over objects."""
    return lambda obj: selector(labels_of(obj))


class Claimer:
    """Carries claims out for one kind of owner and one kind of object.

    A finalizer, if given, is put on what is adopted and taken from what is released.
    """

    def __init__(self, client: Client, owners: Resource, objects: Resource, *, finalizer: str = "") -> None:
        self._client, self._owners, self._objects = client, owners, objects
        self._adopting: Object = {"finalizers": [finalizer]} if finalizer else {}
        self._releasing: Object = {"$deleteFromPrimitiveList/finalizers": [finalizer]} if finalizer else {}

    async def claim(self, owner: Object, claims: Claims) -> list[Object]:
        """Adopts and releases; returns everything the owner has now."""
        owned = list(claims.owned)
        if claims.adopt:
            await self._check_still_there(owner)
        for obj in claims.adopt:
            reference = owner_reference(owner)
            adopted = await self._patch(obj, {"ownerReferences": [reference], **self._adopting})
            if adopted is not None:
                owned.append(adopted)
        for obj in claims.release:
            gone = {"$patch": "delete", "uid": uid_of(owner)}
            await self._patch(obj, {"ownerReferences": [gone], **self._releasing})
        return owned

    async def _check_still_there(self, owner: Object) -> None:
        """Asks the server, not the cache: an owner that is being deleted must not take new objects."""
        fresh = await self._client.get(self._owners, name_of(owner), namespace_of(owner))
        if uid_of(fresh) != uid_of(owner) or is_terminating(fresh):
            raise NotFoundError(self._owners, name_of(owner))

    async def _patch(self, obj: Object, metadata: Object) -> Object | None:
        """None if the object is gone or is another one by now."""
        patch = {"metadata": {"uid": uid_of(obj), **metadata}}
        try:
            patched = await self._client.patch(
                self._objects, name_of(obj), patch, namespace_of(obj), patch_type=STRATEGIC
            )
        except (NotFoundError, InvalidError):
            return None
        return {"apiVersion": self._objects.api_version, "kind": self._objects.kind, **patched}


def owner_key(obj: Object, kind: str) -> NamespacedName | None:
    """The controller of an object, if it is of that kind."""
    reference = controller_of(obj)
    if reference is None or reference["kind"] != kind:
        return None
    return NamespacedName(namespace_of(obj), reference["name"])


def selector_of(owner: Object) -> Selector:
    """What an owner with a label selector selects."""
    return selector_from_label_selector(owner["spec"].get("selector"))


def owners_of(
    obj: Object, kind: str, owners: Informer, select: Callable[[Object], Selector] = selector_of
) -> list[NamespacedName]:
    """The controller of an object, if it is of that kind; of an orphan, all that might adopt it."""
    if controller_of(obj) is not None:
        key = owner_key(obj, kind)
        return [] if key is None else [key]
    labels = labels_of(obj)
    if not labels:
        return []
    return [key_of(each) for each in owners.list(namespace_of(obj)) if select(each).matches(labels)]
