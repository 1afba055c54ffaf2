"""Who owns whom, over all resources: nodes by uid and the dependents of each owner. No I/O.

Source: pkg/controller/garbagecollector/graph_builder.go. Owners that were never seen are not made up as
virtual nodes: a dependent whose owner is unknown, or not what the reference says, is looked at, and the
look asks the API.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from apimachinery.metadata import FOREGROUND_FINALIZER, ORPHAN_FINALIZER
from apimachinery.objects import Object, is_terminating, name_of, namespace_of, owners_of, uid_of
from apimachinery.scheme import Resource


@dataclass(frozen=True, slots=True)
class Owner:
    """One owner reference."""

    api_version: str
    kind: str
    name: str
    uid: str
    blocks: bool


@dataclass(frozen=True, slots=True)
class Node:
    """One object as its last event showed it."""

    resource: Resource
    namespace: str
    name: str
    uid: str
    owners: tuple[Owner, ...]
    terminating: bool
    finalizers: tuple[str, ...]

    @property
    def reference(self) -> Object:
        """The ObjectReference of it, for Events."""
        named = {"name": self.name, "namespace": self.namespace, "uid": self.uid}
        kind = {"kind": self.resource.kind, "apiVersion": self.resource.api_version}
        return kind | {key: value for key, value in named.items() if value}

    @property
    def orphaning(self) -> bool:
        return self.terminating and ORPHAN_FINALIZER in self.finalizers

    @property
    def deleting_dependents(self) -> bool:
        return self.terminating and FOREGROUND_FINALIZER in self.finalizers

    def blocks(self, owner_uid: str) -> bool:
        return any(owner.uid == owner_uid and owner.blocks for owner in self.owners)

    def can_own_in(self, namespace: str) -> bool:
        """What has a namespace owns nothing outside of it."""
        return self.namespace in ("", namespace)

    def is_named_by(self, owner: Owner) -> bool:
        """Whether a reference with its uid is about it in everything else, too."""
        named = (owner.api_version, owner.kind, owner.name)
        return named == (self.resource.api_version, self.resource.kind, self.name)


def node_of(resource: Resource, obj: Object) -> Node:
    """The part of an object that garbage collection reads."""
    owners = tuple(
        Owner(ref["apiVersion"], ref["kind"], ref["name"], ref["uid"], bool(ref.get("blockOwnerDeletion")))
        for ref in owners_of(obj)
    )
    finalizers = tuple(obj["metadata"].get("finalizers") or ())
    return Node(
        resource, namespace_of(obj), name_of(obj), uid_of(obj), owners, is_terminating(obj), finalizers
    )


class Graph:
    """Changes return the uids to look at again."""

    def __init__(self) -> None:
        self._nodes: dict[str, Node] = {}
        self._dependents: dict[str, set[str]] = {}

    def get(self, uid: str) -> Node | None:
        return self._nodes.get(uid)

    def dependents(self, uid: str) -> list[Node]:
        """The known objects that name this one as an owner."""
        return [self._nodes[each] for each in sorted(self._dependents.get(uid, ()))]

    def misplaced(self, node: Node) -> list[tuple[Node, Owner]]:
        """References to another namespace, and who has them, that an object still to be observed shows up."""
        old = self._nodes.get(node.uid)
        known = {owner.uid for owner in old.owners} if old else set()
        found = [(node, owner, self._nodes.get(owner.uid)) for owner in node.owners if owner.uid not in known]
        if old is None:
            for dependent in self.dependents(node.uid):
                found += [(dependent, owner, node) for owner in dependent.owners if owner.uid == node.uid]
        return [(who, owner) for who, owner, by in found if by and not by.can_own_in(who.namespace)]

    def observe(self, node: Node) -> set[str]:
        """An object was added or changed."""
        old = self._nodes.get(node.uid)
        self._nodes[node.uid] = node
        self._link(old.owners if old else (), node)
        look = set()
        if node.orphaning or node.deleting_dependents or self._has_doubtful_owner(node):
            look.add(node.uid)
        if node.deleting_dependents and not (old and old.deleting_dependents):
            look |= self._dependents.get(node.uid, set())
        if node.terminating and not (old and old.terminating):
            look |= {owner.uid for owner in node.owners}
        return look

    def forget(self, uid: str) -> set[str]:
        """An object is gone: its dependents have lost an owner, its owners may have waited for it."""
        node = self._nodes.pop(uid, None)
        if node is None:
            return set()
        self._link(node.owners, None, uid)
        waiting = {owner.uid for owner in node.owners}
        return self._dependents.get(uid, set()) | {each for each in waiting if each in self._nodes}

    def owner(self, node: Node, reference: Owner) -> Node | None:
        """One of the node's owners as it is known; None if the reference is not, or not quite, about it."""
        known = self._nodes.get(reference.uid)
        fits = known and known.can_own_in(node.namespace) and known.is_named_by(reference)
        return known if fits else None

    def _has_doubtful_owner(self, node: Node) -> bool:
        found = [self.owner(node, reference) for reference in node.owners]
        return any(owner is None or owner.deleting_dependents for owner in found)

    def _link(self, old: Sequence[Owner], node: Node | None, uid: str = "") -> None:
        uid = node.uid if node else uid
        new = {owner.uid for owner in node.owners} if node else set()
        for owner in {each.uid for each in old} - new:
            members = self._dependents.get(owner, set())
            members.discard(uid)
            if not members:
                self._dependents.pop(owner, None)
        for owner in new:
            self._dependents.setdefault(owner, set()).add(uid)
