"""POST of a Binding: a pod gets its node. Source: upstream's pkg/registry/core/pod/storage/storage.go."""

from __future__ import annotations

from apimachinery.conditions import set_condition
from apimachinery.errors import BadRequestError, ConflictError, InvalidError, NotFoundError
from apimachinery.objects import Object
from apimachinery.scheme import PODS
from apimachinery.times import format_time
from apiserver.admission.attributes import Attributes
from apiserver.asgi import Receive, Send
from apiserver.handlers import bodies
from apiserver.handlers.answers import send_value
from apiserver.registry import rules
from apiserver.registry.options import parse_write_options
from apiserver.registry.store import Store
from apiserver.registry.strategies.pod import validate_binding
from apiserver.registry.transaction import Decision, Put
from apiserver.request import RequestInfo
from apiserver.storage.entry import Entry

_EXPECTED = bodies.Expected("v1", "Binding")
_RESOURCE = "pods/binding"
_SUCCESS: Object = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201}


async def bind(info: RequestInfo, receive: Receive, send: Send, store: Store) -> None:
    """Serves pods/<name>/binding, and the older bindings collection; `store` is that of pods."""
    options = parse_write_options(info.query, "CreateOptions")
    binding = await bodies.decode(info, await bodies.read(info, receive), _EXPECTED, options.field_validation)
    name = info.name or binding["metadata"].get("name") or ""
    if not name:
        raise BadRequestError("Name parameter required.")
    rules.set_namespace(PODS, info.namespace, binding)
    if binding["metadata"].setdefault("name", name) != name:
        raise BadRequestError("name in URL does not match name in Binding object")
    if errors := validate_binding(binding):
        raise InvalidError("Binding", name, errors)
    attributes = Attributes(
        "CREATE", PODS, "binding", info.namespace, name, binding, None, info.user, options.dry_run,
        options.as_object("CreateOptions"), info.warnings, info.annotations,
    )  # fmt: skip
    await store.admit(attributes)
    await store.validate(attributes)

    async def assign(entry: Entry | None) -> Decision:
        if entry is None:
            raise NotFoundError(PODS, name)
        return Put(assigned(entry.obj, binding, format_time(store.shared.now())), options.dry_run)

    entry = await store.transactions.guaranteed_update(store.key(info.namespace, name), assign)
    if entry is not None:
        store.note(info, entry)
    await send_value(info, send, _SUCCESS, 201)


def assigned(pod: Object, binding: Object, now: str) -> Object:
    """The pod on the binding's node. Raises ConflictError."""
    metadata, spec, name = pod["metadata"], pod["spec"], pod["metadata"]["name"]
    wanted = binding["metadata"]
    for field, shown in (("uid", "UID"), ("resourceVersion", "ResourceVersion")):
        if wanted.get(field) and wanted[field] != metadata.get(field):
            text = f"{shown} in precondition: {wanted[field]}, {shown} in object meta: {metadata.get(field)}"
            raise ConflictError(_RESOURCE, name, f"Precondition failed: {text}")
    if metadata.get("deletionTimestamp"):
        raise _refused(name, f"pod {name} is being deleted, cannot be assigned to a host")
    if spec.get("nodeName"):
        raise _refused(name, f'pod {name} is already assigned to node "{spec["nodeName"]}"')
    if spec.get("schedulingGates"):
        raise _refused(name, f"pod {name} has non-empty .spec.schedulingGates")
    spec["nodeName"] = binding["target"]["name"]
    if wanted.get("annotations"):
        metadata["annotations"] = (metadata.get("annotations") or {}) | wanted["annotations"]
    conditions = pod.setdefault("status", {}).setdefault("conditions", [])
    scheduled = {"type": "PodScheduled", "status": "True", "lastProbeTime": None}
    set_condition(conditions, scheduled, now)
    return pod


def _refused(name: str, why: str) -> ConflictError:
    return ConflictError(_RESOURCE, name, why)
