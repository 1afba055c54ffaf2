"""Serves /api and /apis: from what a request asks for to the handler of its verb, by look-up.

The last of the filters. Storage errors become API errors here and nowhere else.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence

from apimachinery.errors import (
    BadRequestError,
    InternalError,
    MethodNotAllowedError,
    NotFoundError,
    PathNotFoundError,
    ServiceUnavailableError,
    StatusError,
    TooManyRequestsError,
)
from apimachinery.scheme import (
    BINDINGS,
    CREATE_ONLY,
    NAMESPACES,
    POD_DISRUPTION_BUDGETS,
    PODS,
    Resource,
    subresource_of,
)
from apiserver.asgi import Handler, Receive, Scope, Send
from apiserver.customresources.served import CustomResources
from apiserver.handlers.binding import bind
from apiserver.handlers.create import create
from apiserver.handlers.delete import delete
from apiserver.handlers.delete_collection import delete_collection
from apiserver.handlers.eviction import evict
from apiserver.handlers.get import get
from apiserver.handlers.list import list_objects
from apiserver.handlers.patch import patch, refuse_strategic
from apiserver.handlers.scale import get_scale, patch_scale, update_scale
from apiserver.handlers.update import update
from apiserver.handlers.watch import watch
from apiserver.negotiation import (
    ROUTED,
    ROUTED_LISTS,
    Negotiated,
    negotiate,
    negotiate_stream,
    refuse_unroutable,
)
from apiserver.registry.store import Store
from apiserver.registry.stores import StoreKey, store_of
from apiserver.request import DEPRECATED, RequestInfo
from apiserver.responses import send_status, send_text
from apiserver.storage.interface import StorageError, StorageUnreachable, UnreadableValue, UnwritableValue
from apiserver.storage.watch_cache import WatchCache

Verb = Callable[[RequestInfo, Receive, Send, Store], Awaitable[None]]

_OBJECT_VERBS: dict[str, Verb] = {"get": get, "update": update, "patch": patch, "delete": delete}
_COLLECTION_VERBS: dict[str, Verb] = {
    "list": list_objects, "watch": watch, "create": create, "deletecollection": delete_collection,
}  # fmt: skip
_SCALE_VERBS: dict[str, Verb] = {"get": get_scale, "update": update_scale, "patch": patch_scale}
_CONNECTED = ("attach", "exec", "portforward", "proxy")
_ANYWHERE = ("list", "watch")
"""What can be asked of a namespaced resource without naming a namespace."""
NOT_ALLOWED = "the server does not allow this method on the requested resource"
_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
_PROXY_METHODS = (*_METHODS, "HEAD", "OPTIONS")
_READY_SECONDS = 10.0


class Dispatcher:
    """An ASGI application that takes resource requests whose RequestInfo is in the scope."""

    def __init__(
        self,
        stores: Mapping[StoreKey, Store],
        custom: CustomResources,
        cache: WatchCache,
        special: Mapping[tuple[str, str], Handler] | None = None,
        computed: Mapping[tuple[str, str], Handler] | None = None,
    ) -> None:
        """`special` serves (group_resource, subresource) in another way than objects are, `computed` whole
        (group, version)s of which nothing is stored."""
        self._stores = stores
        self._custom = custom
        self._cache = cache
        self._special = special or {}
        self._computed = computed or {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        info: RequestInfo = scope["request_info"]
        try:
            await self._serve(info, scope, receive, send)
        except StorageError as error:
            await _refuse(info, send, api_error(error))
        except StatusError as error:
            await _refuse(info, send, error)

    async def _serve(self, info: RequestInfo, scope: Scope, receive: Receive, send: Send) -> None:
        if info.resource is None:
            return await self._serve_other(info, scope, receive, send)
        resource = info.resource
        _check_route(info, resource)
        _check_path(info, resource)
        if resource.verbs == CREATE_ONLY:
            refuse_unroutable(info.headers.get("accept", ""))
        special = self._special.get((resource.group_resource, info.subresource))
        if special is not None:
            if info.subresource in _CONNECTED and "dryRun" in info.query:
                raise BadRequestError("dryRun is not supported")
            return await special(info, scope, receive, send)
        if not self._cache.ready.is_set():
            await self._wait_until_ready()
        if resource == BINDINGS:
            info.wanted = _wanted(info, self._store(PODS))
            return await bind(info, receive, send, self._store(PODS))
        store = self._stores.get((info.group, info.version, info.plural))
        if store is None:
            raise PathNotFoundError
        await self._ask(info, receive, send, store)

    async def _serve_other(self, info: RequestInfo, scope: Scope, receive: Receive, send: Send) -> None:
        """What is no built-in resource is computed, or may be one that a definition makes."""
        if not self._cache.ready.is_set():
            await self._wait_until_ready()
        computed = self._computed.get((info.group, info.version))
        if computed is not None:
            return await computed(info, scope, receive, send)
        store = await self._custom.find_fresh((info.group, info.version, info.plural))
        if store is None or not _is_in_scope(info, store.resource):
            if any(group == info.group for group, _, _ in self._stores):
                raise PathNotFoundError
            return await send_text(send, 404, "404 page not found\n")
        info.resource = store.resource
        _check_custom(info, store.resource)
        await self._ask(info, receive, send, store)

    async def _ask(self, info: RequestInfo, receive: Receive, send: Send, store: Store) -> None:
        if store.strategy.deprecation:
            info.warnings.append(store.strategy.deprecation)
            info.annotations[DEPRECATED] = "true"
        info.wanted = _wanted(info, store)
        await self._verb(info)(info, receive, send, store)

    def _store(self, resource: Resource) -> Store:
        return store_of(self._stores, resource)

    async def _wait_until_ready(self) -> None:
        """The store has not been read yet, or has to be read again."""
        if not await self._cache.wait_until_ready(_READY_SECONDS):
            raise TooManyRequestsError("storage is (re)initializing", 1)

    def _verb(self, info: RequestInfo) -> Verb:
        """Who serves the request. Raises MethodNotAllowedError, PathNotFoundError."""
        verbs: Mapping[str, Verb] = _OBJECT_VERBS if info.verb in _OBJECT_VERBS else _COLLECTION_VERBS
        match info.subresource:
            case "":
                pass
            case "scale":
                verbs = _SCALE_VERBS
            case "binding":
                verbs = {"create": bind}
            case "eviction":
                verbs = {"create": self._evict}
            case _:
                verbs = _OBJECT_VERBS
        return verbs[info.verb]

    async def _evict(self, info: RequestInfo, receive: Receive, send: Send, store: Store) -> None:
        await evict(info, receive, send, store, self._store(POD_DISRUPTION_BUDGETS))


async def _refuse(info: RequestInfo, send: Send, error: StatusError) -> None:
    """The warnings that came up on the way go with an error, too."""
    await send_status(send, error, info.headers.get("accept", ""), info.warnings)


def _wanted(info: RequestInfo, store: Store) -> Negotiated:
    """Known before anything is done. Raises NotAcceptableError."""
    accept, protobuf = info.headers.get("accept", ""), store.codec.has_protobuf
    if protobuf:  # custom resources are not routed so
        refuse_unroutable(accept, ROUTED_LISTS if info.verb in _ANYWHERE else ROUTED)
    if info.verb == "watch":
        return negotiate_stream(accept, protobuf=protobuf)
    return negotiate(accept, protobuf=protobuf)


def _check_path(info: RequestInfo, resource: Resource) -> None:
    """Whether there is such a path, and it knows the method. Raises StatusErrors for what there is not."""
    verb, on_object = info.verb, info.verb in _OBJECT_VERBS
    if info.subresource:
        subresource = subresource_of(resource, info.subresource)
        if subresource is None:
            raise PathNotFoundError
        is_proxy = info.subresource == "proxy"
        known = info.method in _PROXY_METHODS if is_proxy else _knows(info, subresource.verbs)
    else:
        known = _knows(info, resource.verbs) and (verb != "create" or not info.name)
    known = known and (not on_object or bool(info.name))
    if resource.namespaced and not info.namespace and verb not in _ANYWHERE:
        is_there = "list" in resource.verbs and not (on_object and info.name)
        raise _not_allowed() if is_there else PathNotFoundError
    if not known:
        raise _not_allowed()


def _is_in_scope(info: RequestInfo, resource: Resource) -> bool:
    """Whether a request names a namespace where it must, and only there."""
    if not resource.namespaced:
        return not info.namespace
    return bool(info.namespace) or info.verb in _ANYWHERE


def _check_custom(info: RequestInfo, resource: Resource) -> None:
    """Custom resources have no routes: the verb says what is asked for, whatever else the path names.

    Raises NotFoundError, MethodNotAllowedError, BadRequestError, UnsupportedMediaTypeError.
    """
    verbs = resource.verbs
    if info.subresource:
        subresource = subresource_of(resource, info.subresource)
        if subresource is None:
            raise NotFoundError(resource, info.name)
        verbs = subresource.verbs
    if info.verb not in verbs:
        raise MethodNotAllowedError(resource, info.verb)
    if info.verb in ("update", "patch") and not info.name:
        if info.verb == "patch":
            refuse_strategic(info)
        raise BadRequestError("name must be provided")


def _check_route(info: RequestInfo, resource: Resource) -> None:
    """What upstream's router does not have, or has for GET alone. Custom resources do not pass it."""
    if info.trailing and info.subresource != "proxy":
        raise PathNotFoundError
    is_created_only = resource.verbs == CREATE_ONLY
    if info.names_object and is_created_only:
        raise PathNotFoundError
    if resource.namespaced and not info.namespace and (info.names_object or is_created_only):
        raise PathNotFoundError
    _check_namespace(info, resource)
    if not info.forces_watch:
        return
    if info.subresource or "watch" not in resource.verbs:
        raise PathNotFoundError
    if info.method != "GET":
        raise _not_allowed()


def _check_namespace(info: RequestInfo, resource: Resource) -> None:
    """What is in no namespace is not found in one; but a namespace's own path names it as its namespace."""
    is_itself = resource == NAMESPACES and info.name == info.namespace
    if info.namespace and not (resource.namespaced or is_itself):
        raise PathNotFoundError


def _knows(info: RequestInfo, verbs: Sequence[str]) -> bool:
    return info.verb in verbs and info.method in _METHODS


def _not_allowed() -> MethodNotAllowedError:
    return MethodNotAllowedError(message=NOT_ALLOWED)


def api_error(error: StorageError) -> StatusError:
    """What a client is told about trouble with the store."""
    if isinstance(error, StorageUnreachable):
        return ServiceUnavailableError(f"the store is unreachable: {error}", retry_after=1)
    if isinstance(error, UnreadableValue | UnwritableValue):
        return InternalError(error)
    return StatusError(str(error), code=500)
