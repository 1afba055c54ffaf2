"""DELETE of one object."""

from __future__ import annotations

from apimachinery.errors import BadRequestError
from apimachinery.objects import Object
from apiserver.asgi import Receive, Send
from apiserver.handlers import bodies
from apiserver.handlers.answers import send_entry, send_value, success
from apiserver.registry.deletion import RETURNED_WHOLE
from apiserver.registry.options import DeleteOptions, parse_delete_options
from apiserver.registry.store import Store
from apiserver.request import RequestInfo

_SCHEME = 'in scheme "k8s.io/apimachinery/pkg/apis/meta/internalversion/scheme/register.go:27"'
_EXPECTED = bodies.Expected("meta.k8s.io/v1", "DeleteOptions")


async def delete(info: RequestInfo, receive: Receive, send: Send, store: Store) -> None:
    options = await read_options(info, receive, store)
    entry, gone = await store.delete(info, store.namespace_of(info), info.name, options)
    accepted = not gone and options.orphan_dependents is False
    if gone and store.resource.group_resource not in RETURNED_WHOLE:
        await send_value(info, send, success(store, entry))
    else:
        await send_entry(info, send, store, entry, 202 if accepted else 200)


async def read_options(info: RequestInfo, receive: Receive, store: Store) -> DeleteOptions:
    """Warns of a default that surprises."""
    options = await _read_options(info, receive)
    warning = store.strategy.default_delete_warning
    if warning and not options.propagation_policy and options.orphan_dependents is None:
        info.warnings.append(warning)
    return options


async def _read_options(info: RequestInfo, receive: Receive) -> DeleteOptions:
    """From the body, or the query if there is no body; never from both, not even dryRun."""
    body = await bodies.read(info, receive)
    if not body.strip():
        return parse_delete_options(info.query, None)
    try:
        return parse_delete_options(info.query, await _decoded(info, body))
    except bodies.UnfitBodyError as error:  # told in the decoder's words alone, as upstream has them
        raise BadRequestError(error.problem) from None


async def _decoded(info: RequestInfo, body: bytes) -> Object:
    """Raises UnfitBodyError."""
    decoded = await bodies.parse(info, body, _EXPECTED.kind)
    obj: Object = decoded.value
    if (kind := obj.get("kind") or _EXPECTED.kind) != _EXPECTED.kind:
        problem = f'no kind "{kind}" is registered for version "{obj.get("apiVersion", "")}" {_SCHEME}'
        raise bodies.UnfitBodyError(problem, problem)
    # The kind is in every group and version; all have the same fields.
    obj["apiVersion"], obj["kind"] = "v1", "DeleteOptions"
    bodies.check(info, decoded, bodies.Expected("v1", "DeleteOptions"), "Ignore")
    return obj
