"""Apply sets: an object that knows what was applied, so that what is in the files no more can be found.

Source: KEP 3659 (kubectl apply prune), kubectl/pkg/cmd/apply/applyset.go.
"""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator, Iterable
from hashlib import sha256
from typing import TYPE_CHECKING

from apimachinery import scheme
from apimachinery.errors import ConflictError, NotFoundError
from apimachinery.objects import Object, annotations_of, labels_of
from apimachinery.scheme import Resource
from component_base import version
from kubectl import server_side
from kubectl.dry_run import DryRun
from kubectl.failures import CommandError
from kubectl.pruning import Place, unkept
from kubectl.resources import Mapper, Target

if TYPE_CHECKING:
    from client.rest import Client

_PREFIX = "applyset.kubernetes.io"
TOOLING, KINDS = f"{_PREFIX}/tooling", f"{_PREFIX}/contains-group-kinds"
NAMESPACES = f"{_PREFIX}/additional-namespaces"
ID, PART_OF, PARENT_TYPE = f"{_PREFIX}/id", f"{_PREFIX}/part-of", f"{_PREFIX}/is-parent-type"
TOOL = "kubectl"
MANAGER = f"{TOOL}-applyset"


class ApplySet:
    """`before` is what the set holds when the command begins, `now` what it holds afterwards."""

    def __init__(self, parent: Target, namespace: str) -> None:
        self._parent = parent
        self._namespace = namespace if parent.resource.namespaced else ""
        self._kinds_before: dict[str, Resource] = {}
        self._kinds_now: dict[str, Resource] = {}
        self._namespaces_before: set[str] = set()
        self._namespaces_now: set[str] = set()

    @property
    def id(self) -> str:
        resource = self._parent.resource
        text = ".".join((self._parent.name, self._namespace, resource.kind, resource.group))
        digest = base64.urlsafe_b64encode(sha256(text.encode()).digest()).decode().rstrip("=")
        return f"applyset-{digest}-v1"

    @property
    def _label(self) -> str:
        resource = self._parent.resource
        return f"{resource.plural}.{resource.group}/{self._parent.name}"

    def labelled(self, obj: Object) -> Object:
        """The object as a member of the set. Raises CommandError."""
        if PART_OF in labels_of(obj):
            raise CommandError(f'ApplySet label "{PART_OF}" already set in input data')
        metadata = obj.get("metadata") or {}
        return {**obj, "metadata": {**metadata, "labels": {**labels_of(obj), PART_OF: self.id}}}

    async def begin(
        self, client: Client, members: Iterable[tuple[Resource, str]], mode: DryRun, validate: str
    ) -> None:
        """Notes what is about to be applied (resources and their namespaces), beside what the set held.

        Raises CommandError if the parent is none of ours.
        """
        await self._read_parent(client)
        for resource, namespace in members:
            self._kinds_now[_group_kind(resource)] = resource
            if resource.namespaced and namespace:
                self._namespaces_now.add(namespace)
        kinds = {*self._kinds_before, *self._kinds_now}
        await self._write_parent(
            client, kinds, self._namespaces_before | self._namespaces_now, mode, validate
        )

    async def end(self, client: Client, mode: DryRun, validate: str) -> None:
        """Notes that the set holds what was applied, and nothing else."""
        await self._write_parent(client, set(self._kinds_now), self._namespaces_now, mode, validate)

    async def outdated(self, client: Client, kept: set[Place]) -> AsyncIterator[tuple[Resource, Object]]:
        """The members that are not kept."""
        for _, resource in sorted(self._kinds_before.items()):
            for namespace in sorted(self._namespaces_before) if resource.namespaced else [""]:
                answer = await client.list(resource, namespace or None, label_selector=f"{PART_OF}={self.id}")
                for obj in unkept(resource, answer["items"], kept):
                    yield resource, obj

    async def _read_parent(self, client: Client) -> None:
        resource = self._parent.resource
        try:
            parent = await client.get(resource, self._parent.name, self._namespace or None)
        except NotFoundError:
            if resource not in (scheme.SECRETS, scheme.CONFIG_MAPS):
                raise CommandError(
                    "custom resource ApplySet parents cannot be created automatically"
                ) from None
            return
        annotations = annotations_of(parent)
        _check_parent(self._label, annotations, labels_of(parent), self.id)
        mapper = Mapper(client)
        for word in filter(None, annotations[KINDS].split(",")):
            self._kinds_before[word] = await _by_group_kind(mapper, word)
        self._namespaces_before = set(filter(None, annotations.get(NAMESPACES, "").split(",")))
        if self._namespace:
            self._namespaces_before.add(self._namespace)

    async def _write_parent(
        self, client: Client, kinds: set[str], namespaces: set[str], mode: DryRun, validate: str
    ) -> None:
        if mode is DryRun.CLIENT:
            return
        resource = self._parent.resource
        annotations = {
            TOOLING: f"{TOOL}/{version.GIT_VERSION}",
            KINDS: ",".join(sorted(kinds)),
            NAMESPACES: ",".join(sorted(namespaces - {self._namespace})),
        }
        metadata: Object = {"name": self._parent.name, "annotations": annotations, "labels": {ID: self.id}}
        if self._namespace:
            metadata["namespace"] = self._namespace
        config = {"apiVersion": resource.api_version, "kind": resource.kind, "metadata": metadata}
        params = {"fieldManager": MANAGER, "fieldValidation": validate, "force": "false", **mode.parameters}
        try:
            await server_side.apply(client, resource, config, params)
        except ConflictError:
            await server_side.apply(client, resource, config, {**params, "force": "true"})


def _group_kind(resource: Resource) -> str:
    return f"{resource.kind}.{resource.group}" if resource.group else resource.kind


def _check_parent(label: str, annotations: dict[str, str], labels: dict[str, str], id: str) -> None:
    """Raises CommandError if the object is no apply set, or another tool's."""
    what = f'ApplySet parent object "{label}"'
    if TOOLING not in annotations:
        raise CommandError(f'{what} already exists and is missing required annotation "{TOOLING}"')
    tool = annotations[TOOLING].rpartition("/")[0] or annotations[TOOLING]
    if tool != TOOL:
        raise CommandError(f'{what} already exists and is managed by tooling "{tool}" instead of "{TOOL}"')
    if ID not in labels:
        raise CommandError(f"{what} exists and does not have required label {ID}")
    if labels[ID] != id:
        wrong = f'incorrect value for label "{ID}" (got: {labels[ID]}, want: {id})'
        raise CommandError(f"{what} exists and has {wrong}")
    if KINDS not in annotations:
        raise CommandError(
            f'parsing ApplySet annotation on "{label}": kubectl requires the "{KINDS}" annotation to be set '
            "on all ApplySet parent objects"
        )


async def _by_group_kind(mapper: Mapper, word: str) -> Resource:
    kind, _, group = word.partition(".")
    known = [*scheme.BUILTIN, *await mapper.discovered()]
    for resource in known:
        if (resource.kind, resource.group) == (kind, group):
            return resource
    what = f'no matches for kind "{kind}" in group "{group}"'
    raise CommandError(f'could not find mapping for kind in "{KINDS}" annotation: {what}')


async def find(client: Client, reference: str, namespace: str) -> ApplySet:
    """The set that `[RESOURCE][.GROUP]/NAME` means, by default a Secret's. Raises CommandError."""
    word, slash, name = reference.rpartition("/")
    invalid = f'invalid parent reference "{reference}"'
    if not name:
        raise CommandError(f"{invalid}: name cannot be blank")
    resource = scheme.SECRETS
    if slash:
        try:
            resource = await Mapper(client).find(word)
        except CommandError:
            plural, _, group = word.partition(".")
            raise CommandError(f"{invalid}: no matches for {group}/, Resource={plural}") from None
    if resource.namespaced and not namespace:
        raise CommandError("namespace is required to use namespace-scoped ApplySet")
    if resource not in (scheme.SECRETS, scheme.CONFIG_MAPS) and not await _is_parent_type(client, resource):
        what = f"{resource.group}/{resource.version}, Resource={resource.plural}"
        raise CommandError(f'resource "{what}" is not permitted as an ApplySet parent')
    return ApplySet(Target(resource, name), namespace)


async def _is_parent_type(client: Client, resource: Resource) -> bool:
    listed = await client.list(scheme.CUSTOM_RESOURCE_DEFINITIONS, label_selector=PARENT_TYPE)
    return resource.group_resource in {each["metadata"]["name"] for each in listed["items"]}
