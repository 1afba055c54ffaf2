"""What can be asked of each resource, as OpenAPI operations: pure, neutral between v2 and v3.

Source: staging/src/k8s.io/apiserver/pkg/endpoints/installer.go (paths, actions, operation ids).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from apimachinery.schema import builtin
from apimachinery.scheme import Resource, lookup, subresource_of
from apiserver.negotiation import MEDIA_TYPES, STREAM_TYPES

GroupVersionKind = tuple[str, str, str]

GVK_EXTENSION = "x-kubernetes-group-version-kind"
_STRATEGIC = "application/strategic-merge-patch+json"
_PATCH_TYPES = (
    "application/json-patch+json",
    "application/merge-patch+json",
    _STRATEGIC,
    "application/apply-patch+yaml",
)
DELETE_OPTIONS = "io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions"
PATCH = "io.k8s.apimachinery.pkg.apis.meta.v1.Patch"
STATUS = "io.k8s.apimachinery.pkg.apis.meta.v1.Status"

_METHODS = {
    "get": "get", "list": "get", "post": "post", "put": "put", "patch": "patch", "delete": "delete",
    "deletecollection": "delete", "connect": "get",
}  # fmt: skip
_WORDS = {
    "get": "read", "list": "list", "post": "create", "put": "replace", "patch": "patch", "delete": "delete",
    "deletecollection": "delete", "connect": "connect",
}  # fmt: skip
_ACTIONS = {"create": "post", "update": "put"}
"""The API's verbs by the names of actions, where they differ."""
_CONNECTING = ("attach", "exec", "portforward", "proxy")

_LIST_PARAMETERS = (
    "allowWatchBookmarks:boolean", "continue:string", "fieldSelector:string", "labelSelector:string",
    "limit:integer", "resourceVersion:string", "resourceVersionMatch:string", "sendInitialEvents:boolean",
    "timeoutSeconds:integer", "watch:boolean",
)  # fmt: skip
_WRITE_PARAMETERS = ("dryRun:string", "fieldManager:string", "fieldValidation:string")
_DELETE_PARAMETERS = (
    "dryRun:string", "gracePeriodSeconds:integer", "orphanDependents:boolean", "propagationPolicy:string",
)  # fmt: skip
_PARAMETERS: dict[str, tuple[str, ...]] = {
    "get": (),
    "list": _LIST_PARAMETERS,
    "post": _WRITE_PARAMETERS,
    "put": _WRITE_PARAMETERS,
    "patch": (*_WRITE_PARAMETERS, "force:boolean"),
    "delete": _DELETE_PARAMETERS,
    "deletecollection": (*_LIST_PARAMETERS[:8], "timeoutSeconds:integer", *_DELETE_PARAMETERS),
    "connect": (),
}


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of one path. `body` and `answer` are names of definitions, "" where there is none."""

    path: str
    method: str
    action: str
    operation_id: str
    tag: str
    gvk: GroupVersionKind
    parameters: tuple[str, ...]
    """Query parameters as name:type."""
    body: str
    answer: str
    answer_types: tuple[str, ...]
    patch_types: tuple[str, ...] = ()
    """What a patch may be; clients choose by it."""


def operations(resources: Iterable[Resource]) -> Iterator[Operation]:
    """Every operation of the resources, paths in their order."""
    for resource in resources:
        yield from _of_resource(resource)


def _of_resource(resource: Resource) -> Iterator[Operation]:
    collection = _collection_path(resource)
    actions = {_ACTIONS.get(verb, verb) for verb in resource.verbs}
    for action in ("list", "post", "deletecollection"):
        if action in actions:
            yield _operation(resource, collection, action, resource.gvk)
    if resource.namespaced and "list" in actions:
        everywhere = collection.replace("/namespaces/{namespace}", "")
        yield _operation(resource, everywhere, "list", resource.gvk, everywhere=True)
    for action in ("get", "put", "patch", "delete"):
        if action in actions:
            yield _operation(resource, f"{collection}/{{name}}", action, resource.gvk)
    for name in resource.subresources:
        yield from _of_subresource(resource, f"{collection}/{{name}}/{name}", name)


def _of_subresource(resource: Resource, path: str, name: str) -> Iterator[Operation]:
    subresource = subresource_of(resource, name)
    if subresource is None:
        return
    gvk = (subresource.group, subresource.version, subresource.kind)
    if name in _CONNECTING:
        yield _operation(resource, path, "connect", gvk, subresource=name)
        return
    for verb in subresource.verbs:
        yield _operation(resource, path, _ACTIONS.get(verb, verb), gvk, subresource=name)


def _operation(
    resource: Resource,
    path: str,
    action: str,
    gvk: GroupVersionKind,
    *,
    subresource: str = "",
    everywhere: bool = False,
) -> Operation:
    return Operation(
        path=path,
        method=_METHODS[action],
        action=action,
        operation_id=_operation_id(resource, action, subresource, everywhere),
        tag=_tag(resource),
        gvk=gvk,
        parameters=_PARAMETERS[action],
        body=_body(action, gvk),
        answer=_answer(action, gvk, subresource, resource.kind_of_list),
        answer_types=_answer_types(resource, action, subresource),
        patch_types=_patch_types(resource) if action == "patch" else (),
    )


def _collection_path(resource: Resource) -> str:
    return resource.path("{namespace}" if resource.namespaced else None)


def _operation_id(resource: Resource, action: str, subresource: str, everywhere: bool) -> str:
    """`readCoreV1NamespacedPodStatus`, `listCoreV1PodForAllNamespaces`."""
    owner = camel(group_title(resource.group)) + camel(resource.version)
    method = "Get" if action == "connect" else "Collection" if action == "deletecollection" else ""
    scope = "Namespaced" if resource.namespaced and not everywhere else ""
    end = "ForAllNamespaces" if everywhere else camel(subresource)
    return f"{_WORDS[action]}{owner}{method}{scope}{resource.kind}{end}"


def group_title(group: str) -> str:
    """`core`, `apps`, `rbacAuthorization`: a group without its domain, in camel case."""
    first, *rest = (group or "core").removesuffix(".k8s.io").replace("-", ".").split(".")
    return first + "".join(map(camel, rest))


def camel(text: str) -> str:
    return text[:1].upper() + text[1:]


def _tag(resource: Resource) -> str:
    return f"{group_title(resource.group)}_{resource.version}"


def definition_of(gvk: GroupVersionKind) -> str:
    """The name of a kind's definition, or "" if there is none (PodExecOptions and the like).

    That of a custom kind begins with its group, turned around.
    """
    group, version, kind = gvk
    node = builtin().find(f"{group}/{version}" if group else version, kind)
    if node is not None:
        return node.definition_name
    return ".".join((*reversed(group.split(".")), version, kind)) if "." in group else ""


def _body(action: str, gvk: GroupVersionKind) -> str:
    if action in ("post", "put"):
        return definition_of(gvk)
    return {"patch": PATCH, "delete": DELETE_OPTIONS, "deletecollection": DELETE_OPTIONS}.get(action, "")


def _answer_types(resource: Resource, action: str, subresource: str) -> tuple[str, ...]:
    if action == "connect":
        return ("*/*",)
    if not _is_built_in(resource):
        return MEDIA_TYPES["json"], MEDIA_TYPES["yaml"]
    first = ["text/plain"] if subresource == "log" else []
    return *first, *MEDIA_TYPES.values(), *(STREAM_TYPES if action == "list" else ())


def _is_built_in(resource: Resource) -> bool:
    return lookup(resource.group, resource.version, resource.plural) is not None


def _patch_types(resource: Resource) -> tuple[str, ...]:
    """There is no strategic merge of custom resources: their schemas don't say how."""
    if _is_built_in(resource):
        return _PATCH_TYPES
    return tuple(each for each in _PATCH_TYPES if each != _STRATEGIC)


def _answer(action: str, gvk: GroupVersionKind, subresource: str, list_kind: str) -> str:
    if action == "connect" or subresource == "log":
        return ""
    if action in ("delete", "deletecollection"):
        return STATUS
    return definition_of((*gvk[:2], list_kind) if action == "list" else gvk)


def group_versions(resources: Sequence[Resource]) -> dict[str, list[Resource]]:
    """The resources by the path of their group and version: `api/v1`, `apis/apps/v1`."""
    found: dict[str, list[Resource]] = {}
    for resource in resources:
        path = f"apis/{resource.group}/{resource.version}" if resource.group else f"api/{resource.version}"
        found.setdefault(path, []).append(resource)
    return found
