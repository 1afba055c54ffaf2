"""What can be asked of each resource, as OpenAPI operations: pure, neutral between v2 and v3.

Source: staging/src/k8s.io/apiserver/pkg/endpoints/installer.go (paths, actions, operation ids).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from apimachinery.resource import version_path
from apimachinery.schema import builtin
from apimachinery.scheme import Resource, lookup, subresource_of
from apiserver.negotiation import MEDIA_TYPES, STREAM_TYPES
from apiserver.openapi import parameters as query
from apiserver.openapi.parameters import Parameter
from apiserver.registry.deletion import RETURNED_WHOLE

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
WATCH_EVENT = "io.k8s.apimachinery.pkg.apis.meta.v1.WatchEvent"
STATUS = "io.k8s.apimachinery.pkg.apis.meta.v1.Status"

_METHODS = {
    "get": "get", "list": "get", "watch": "get", "watchlist": "get", "post": "post", "put": "put",
    "patch": "patch", "delete": "delete", "deletecollection": "delete",
}  # fmt: skip
_WORDS = {
    "get": "read", "list": "list", "watch": "watch", "watchlist": "watch", "post": "create",
    "put": "replace", "patch": "patch", "delete": "delete", "deletecollection": "delete",
    "connect": "connect",
}  # fmt: skip
_ACTIONS = {"create": "post", "update": "put"}
"""The API's verbs by the names of actions, where they differ."""
_BY_GET_AND_POST = ("get", "post")
_BY_ANY_METHOD = ("delete", "get", "head", "options", "patch", "post", "put")
_CONNECTING = {
    "attach": _BY_GET_AND_POST, "exec": _BY_GET_AND_POST, "portforward": _BY_GET_AND_POST,
    "proxy": _BY_ANY_METHOD, "proxy/{path}": _BY_ANY_METHOD,
}  # fmt: skip
"""The methods of subresources that are connected to."""
_CODES = {
    "post": ("200", "201", "202"), "put": ("200", "201"), "patch": ("200", "201"), "delete": ("200", "202"),
}  # fmt: skip
_STREAMS = ("list", "watch", "watchlist")

_PARAMETERS: dict[str, tuple[Parameter, ...]] = {
    "list": query.LIST,
    "watch": query.LIST,
    "watchlist": query.LIST,
    "post": query.WRITE,
    "put": query.WRITE,
    "patch": query.PATCH,
    "delete": query.DELETE,
    "deletecollection": query.DELETE_COLLECTION,
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
    description: str
    parameters: tuple[Parameter, ...]
    """Those in the query."""
    body: str
    answer: str
    answer_types: tuple[str, ...]
    codes: tuple[str, ...] = ("200",)
    """Of what succeeds."""
    patch_types: tuple[str, ...] = ()
    """What a patch may be; clients choose by it."""


def operations(resources: Iterable[Resource]) -> Iterator[Operation]:
    """Every operation of the resources, paths in their order."""
    for resource in resources:
        yield from _of_resource(resource)


def _of_resource(resource: Resource) -> Iterator[Operation]:
    collection = _collection_path(resource)
    everywhere = collection.replace("/namespaces/{namespace}", "")
    actions = {_ACTIONS.get(verb, verb) for verb in resource.verbs}
    for action in ("list", "post", "deletecollection"):
        if action in actions:
            yield _operation(resource, collection, action, resource.gvk)
    if resource.namespaced and "list" in actions:
        yield _operation(resource, everywhere, "list", resource.gvk, everywhere=True)
    for action in ("get", "put", "patch", "delete"):
        if action in actions:
            yield _operation(resource, f"{collection}/{{name}}", action, resource.gvk)
    for name in resource.subresources:
        yield from _of_subresource(resource, f"{collection}/{{name}}", name)
    if _is_watched(resource):
        yield from _deprecated_watches(resource, collection, everywhere)


def _deprecated_watches(resource: Resource, collection: str, everywhere: str) -> Iterator[Operation]:
    """The paths that were there before lists could be watched."""
    root = resource.path(None).removesuffix(resource.plural)
    single, all_of_them = (f"{root}watch/{path.removeprefix(root)}" for path in (collection, everywhere))
    yield _operation(resource, single, "watchlist", resource.gvk)
    if resource.namespaced:
        yield _operation(resource, all_of_them, "watchlist", resource.gvk, everywhere=True)
    if "get" in resource.verbs:
        yield _operation(resource, f"{single}/{{name}}", "watch", resource.gvk)


def _of_subresource(resource: Resource, path: str, name: str) -> Iterator[Operation]:
    subresource = subresource_of(resource, name)
    if subresource is None:
        return
    gvk = (subresource.group, subresource.version, subresource.kind)
    for connected, methods in _CONNECTING.items():
        if connected.partition("/")[0] == name:
            for method in methods:
                yield _connection(resource, f"{path}/{connected}", method, gvk, connected)
    if name not in _CONNECTING:
        for verb in subresource.verbs:
            yield _operation(resource, f"{path}/{name}", _ACTIONS.get(verb, verb), gvk, subresource=name)


def _connection(
    resource: Resource, path: str, method: str, gvk: GroupVersionKind, subresource: str
) -> Operation:
    name, _, further = subresource.partition("/")
    operation_id = _operation_id(resource, "connect", name, False, method)
    return Operation(
        path=path,
        method=method,
        action="connect",
        operation_id=f"{operation_id}WithPath" if further else operation_id,
        tag=tag_of(resource),
        gvk=gvk,
        description=f"connect {method.upper()} requests to {name} of {resource.kind}",
        parameters=query.CONNECT[name],
        body="",
        answer="",
        answer_types=("*/*",),
    )


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
        tag=tag_of(resource),
        gvk=gvk,
        description=_description(resource, action, subresource),
        parameters=_parameters(resource, action, subresource),
        body=_body(resource, action, gvk),
        answer=_answer(action, gvk, subresource, resource),
        answer_types=_answer_types(resource, action, subresource),
        codes=_codes(resource, action),
        patch_types=_patch_types(resource) if action == "patch" else (),
    )


def _description(resource: Resource, action: str, subresource: str) -> str:
    kind = resource.kind
    specified = f"{subresource} of the specified {kind}" if subresource else f"the specified {kind}"
    instead = "deprecated: use the 'watch' parameter with a list operation instead"
    return {
        "list": f"list {'or watch ' if _is_watched(resource) else ''}objects of kind {kind}",
        "post": f"create {subresource} of a {kind}" if subresource else f"create {_with_article(kind)}",
        "deletecollection": f"delete collection of {kind}",
        "delete": f"delete {_with_article(kind)}",
        "get": f"read {specified}",
        "put": f"replace {specified}",
        "patch": f"partially update {specified}",
        "watchlist": f"watch individual changes to a list of {kind}. {instead}.",
        "watch": f"watch changes to an object of kind {kind}. {instead}, filtered to a single item with the "
        "'fieldSelector' parameter.",
    }[action]


def _is_watched(resource: Resource) -> bool:
    """Of custom resources upstream does not say so."""
    return "watch" in resource.verbs and _is_built_in(resource)


def _with_article(noun: str) -> str:
    if noun.endswith("s") and not noun.endswith("ss"):
        return noun
    return f"{'an' if noun[0] in 'AEIO' else 'a'} {noun}"


def _collection_path(resource: Resource) -> str:
    return resource.path("{namespace}" if resource.namespaced else None)


def _operation_id(
    resource: Resource, action: str, subresource: str, everywhere: bool, method: str = ""
) -> str:
    """`readCoreV1NamespacedPodStatus`, `listCoreV1PodForAllNamespaces`, `connectCoreV1GetNodeProxy`."""
    owner = camel(group_title(resource.group)) + camel(resource.version)
    before = "Collection" if action == "deletecollection" else camel(method)
    scope = "Namespaced" if resource.namespaced and not everywhere else ""
    of_list = "List" if action == "watchlist" else ""
    end = "ForAllNamespaces" if everywhere else camel(subresource)
    return f"{_WORDS[action]}{owner}{before}{scope}{resource.kind}{of_list}{end}"


def group_title(group: str) -> str:
    """`core`, `apps`, `rbacAuthorization`: a group without its domain, in camel case."""
    first, *rest = (group or "core").removesuffix(".k8s.io").replace("-", ".").split(".")
    return first + "".join(map(camel, rest))


def camel(text: str) -> str:
    return text[:1].upper() + text[1:]


def tag_of(resource: Resource) -> str:
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


def _parameters(resource: Resource, action: str, subresource: str) -> tuple[Parameter, ...]:
    if subresource == "log":
        return query.LOG
    if action == "deletecollection" and not _is_built_in(resource):
        return query.LIST
    return _PARAMETERS.get(action, ())


def _codes(resource: Resource, action: str) -> tuple[str, ...]:
    if action == "patch" and not _is_built_in(resource):
        return ("200",)
    return _CODES.get(action, ("200",))


def _body(resource: Resource, action: str, gvk: GroupVersionKind) -> str:
    if action in ("post", "put"):
        return definition_of(gvk)
    if action == "deletecollection" and not _is_built_in(resource):
        return ""
    return {"patch": PATCH, "delete": DELETE_OPTIONS, "deletecollection": DELETE_OPTIONS}.get(action, "")


def _answer_types(resource: Resource, action: str, subresource: str) -> tuple[str, ...]:
    if not _is_built_in(resource):
        return MEDIA_TYPES["json"], MEDIA_TYPES["yaml"]
    first = ["text/plain"] if subresource == "log" else []
    return *first, *MEDIA_TYPES.values(), *(STREAM_TYPES if action in _STREAMS else ())


def _is_built_in(resource: Resource) -> bool:
    return lookup(resource.group, resource.version, resource.plural) is not None


def _patch_types(resource: Resource) -> tuple[str, ...]:
    """There is no strategic merge of custom resources: their schemas don't say how."""
    if _is_built_in(resource):
        return _PATCH_TYPES
    return tuple(each for each in _PATCH_TYPES if each != _STRATEGIC)


def _answer(action: str, gvk: GroupVersionKind, subresource: str, resource: Resource) -> str:
    if subresource == "log":
        return ""
    if action in ("watch", "watchlist"):
        return WATCH_EVENT
    if action == "deletecollection" or (action == "delete" and resource.group_resource not in RETURNED_WHOLE):
        return STATUS
    return definition_of((*gvk[:2], resource.kind_of_list) if action == "list" else gvk)


def group_versions(resources: Sequence[Resource]) -> dict[str, list[Resource]]:
    """The resources by the path of their group and version: `api/v1`, `apis/apps/v1`."""
    found: dict[str, list[Resource]] = {}
    for resource in resources:
        path = version_path(resource.group, resource.version).removeprefix("/")
        found.setdefault(path, []).append(resource)
    return found
