"""The history of StatefulSets and DaemonSets: one ControllerRevision for each template they ever had.

Pure functions over revisions, and the class that claims, creates, renumbers and deletes them.
Source: pkg/controller/history/controller_history.go.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from contextlib import suppress
from typing import Any

from apimachinery.errors import AlreadyExistsError, NotFoundError
from apimachinery.labels import selector_from_label_selector
from apimachinery.objects import (
    Object,
    annotations_of,
    get_path,
    labels_of,
    name_of,
    namespace_of,
    owner_reference,
)
from apimachinery.scheme import CONTROLLER_REVISIONS, Resource
from controller_manager.context import ControllerContext
from controller_manager.ownership import (
    CONTROLLER_INDEX,
    Claimer,
    by_controller,
    candidates,
    matches_labels,
    plan_claims,
)
from controller_manager.template_hash import normal, template_hash

REVISION_LABEL = "controller-revision-hash"
"""On a pod: the revision that it was made from."""

_LONGEST_PREFIX = 223


def template_patch(owner: Object) -> Object:
    """What a revision keeps: a strategic merge patch that brings the template back."""
    return {"spec": {"template": {**owner["spec"]["template"], "$patch": "replace"}}}


def template_of(revision: Object) -> Object:
    """The template that a revision keeps."""
    kept = revision["data"]["spec"]["template"]
    return {field: value for field, value in kept.items() if field != "$patch"}


def is_of(revision: Object, owner: Object) -> bool:
    """Whether the revision keeps the template that the owner has now."""
    return bool(normal(revision.get("data")) == normal(template_patch(owner)))


def number_of(revision: Object) -> int:
    return int(revision.get("revision") or 0)


def in_order(revisions: Collection[Object]) -> list[Object]:
    """The oldest first."""

    def age(revision: Object) -> tuple[int, str, str]:
        return number_of(revision), get_path(revision, "metadata.creationTimestamp", ""), name_of(revision)

    return sorted(revisions, key=age)


def new_revision(owner: Object, hash_label: str, number: int, collisions: int) -> Object:
    """The revision of the template that the owner has now, yet to be created."""
    template = owner["spec"]["template"]
    hash = template_hash(template, collisions)
    metadata: Object = {
        "name": f"{name_of(owner)[:_LONGEST_PREFIX]}-{hash}",
        "namespace": namespace_of(owner),
        "labels": {**labels_of(template), hash_label: hash},
        "annotations": dict(annotations_of(owner)),
        "ownerReferences": [owner_reference(owner)],
    }
    return {"metadata": metadata, "data": in_key_order(template_patch(owner)), "revision": number}


def in_key_order(value: Any) -> Any:
    """As Go writes maps: clients compare a revision's data, byte by byte, with the template they have."""
    if isinstance(value, dict):
        return {key: in_key_order(value[key]) for key in sorted(value)}
    return [in_key_order(each) for each in value] if isinstance(value, list) else value


class RevisionHistory:
    """The revisions of one kind of owner. `hash_label` is where a revision carries the hash of its data."""

    def __init__(self, context: ControllerContext, owners: Resource, hash_label: str) -> None:
        self._client = context.client
        self.informer = context.informers.informer(CONTROLLER_REVISIONS)
        context.informers.index(CONTROLLER_REVISIONS, CONTROLLER_INDEX, by_controller)
        self._claimer = Claimer(context.client, owners, CONTROLLER_REVISIONS)
        self._hash_label = hash_label

    async def claim(self, owner: Object) -> list[Object]:
        """All revisions of the owner in order, orphans that its selector matches included."""
        selector = selector_from_label_selector(owner["spec"].get("selector"))
        claims = plan_claims(owner, matches_labels(selector.matches), candidates(self.informer, owner))
        return in_order(await self._claimer.claim(owner, claims))

    async def current(self, owner: Object, revisions: Sequence[Object]) -> tuple[Object, int]:
        """The revision of the owner's template, as the newest one, and the owner's count of collisions.

        A template that comes back makes its old revision the newest again.
        """
        collisions = int(get_path(owner, "status.collisionCount", 0))
        number = number_of(revisions[-1]) + 1 if revisions else 1
        same = [each for each in revisions if is_of(each, owner)]
        if not same:
            return await self._create(owner, number, collisions)
        if same[-1] is revisions[-1]:
            return same[-1], collisions
        return await self._renumber(same[-1], number), collisions

    async def _create(self, owner: Object, number: int, collisions: int) -> tuple[Object, int]:
        """Another template with the same hash costs a collision, and a new name."""
        while True:
            revision = new_revision(owner, self._hash_label, number, collisions)
            try:
                created = await self._client.create(CONTROLLER_REVISIONS, revision)
            except AlreadyExistsError:
                known = await self._client.get(CONTROLLER_REVISIONS, name_of(revision), namespace_of(owner))
                if is_of(known, owner):
                    return known, collisions
                collisions += 1
            else:
                return created, collisions

    async def _renumber(self, revision: Object, number: int) -> Object:
        return await self._client.update(CONTROLLER_REVISIONS, {**revision, "revision": number})

    async def delete(self, revisions: Sequence[Object]) -> None:
        for each in revisions:
            with suppress(NotFoundError):
                await self._client.delete(CONTROLLER_REVISIONS, name_of(each), namespace_of(each))
