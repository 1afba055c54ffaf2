"""POST of an Eviction: a delete that PodDisruptionBudgets may refuse.

Source: upstream's pkg/registry/core/pod/storage/eviction.go.
"""

from __future__ import annotations

from apimachinery.conditions import set_condition
from apimachinery.errors import BadRequestError, InternalError, TooManyRequestsError
from apimachinery.labels import selector_from_label_selector
from apimachinery.objects import Object, labels_of
from apimachinery.pods import is_ready, is_terminal
from apimachinery.scheme import PODS
from apimachinery.times import format_time
from apiserver.admission.attributes import Attributes
from apiserver.asgi import Receive, Send
from apiserver.handlers import bodies
from apiserver.handlers.answers import send_value
from apiserver.registry.options import DeleteOptions, WriteOptions, parse_delete_options, parse_write_options
from apiserver.registry.store import Store
from apiserver.registry.transaction import Decide, Decision, Keep, Put
from apiserver.request import RequestInfo
from apiserver.storage.entry import Entry

_EXPECTED = bodies.Expected("policy/v1", "Eviction")
_SUCCESS: Object = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201}
_EVICTED: Object = {
    "type": "DisruptionTarget",
    "status": "True",
    "reason": "EvictionByEvictionAPI",
    "message": "Eviction API: evicting",
}
_MAX_DISRUPTED = 2000
_REFUSAL = "Cannot evict pod as it would violate the pod's disruption budget."


async def evict(info: RequestInfo, receive: Receive, send: Send, store: Store, budgets: Store) -> None:
    options = parse_write_options(info.query, "CreateOptions")
    eviction = await bodies.decode(
        info, await bodies.read(info, receive), _EXPECTED, options.field_validation
    )
    if eviction["metadata"].get("name") != info.name:
        raise BadRequestError("name in URL does not match name in Eviction object")
    body = eviction.get("deleteOptions") or {}
    if options.dry_run:
        body = body | {"dryRun": ["All"]}
    deletion = parse_delete_options({}, body)
    await _admit(info, eviction, store, options)
    pod = (await store.get(info.namespace, info.name)).obj
    if not _goes_anyway(pod):
        await _ask_budgets(info, pod, budgets, deletion)
    await store.transactions.guaranteed_update(
        store.key(info.namespace, info.name), _announce(store, deletion)
    )
    # What had to be said of it has been said of the Eviction.
    await store.delete(info, info.namespace, info.name, deletion, is_admitted=True)
    await send_value(info, send, _SUCCESS, 201)


async def _admit(info: RequestInfo, eviction: Object, store: Store, options: WriteOptions) -> None:
    attributes = Attributes(
        "CREATE", PODS, "eviction", info.namespace, info.name, eviction, None, info.user, options.dry_run,
        options.as_object("CreateOptions"), info.warnings, info.annotations,
    )  # fmt: skip
    await store.admit(attributes)
    await store.validate(attributes)


def _goes_anyway(pod: Object) -> bool:
    """A pod that has ended, has not begun or is on its way out disrupts nothing."""
    pending = (pod.get("status") or {}).get("phase") == "Pending"
    return is_terminal(pod) or pending or bool(pod["metadata"].get("deletionTimestamp"))


async def _ask_budgets(info: RequestInfo, pod: Object, budgets: Store, deletion: DeleteOptions) -> None:
    """Raises TooManyRequestsError if the budget of the pod is used up."""
    found = [
        entry
        for entry in budgets.cache.entries(info.namespace)
        if selector_from_label_selector((entry.obj.get("spec") or {}).get("selector")).matches(labels_of(pod))
    ]
    if len(found) > 1:
        raise InternalError(
            "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support."
        )
    for entry in found:
        await budgets.transactions.guaranteed_update(entry.key, _spend(budgets, pod, deletion))


def _announce(pods: Store, deletion: DeleteOptions) -> Decide:
    """The pod says that it is being evicted: a Job's failure policy may ask."""

    async def decide(entry: Entry | None) -> Decision:
        if entry is None or entry.obj["metadata"].get("deletionTimestamp"):
            return Keep()
        pod = entry.obj
        listed = pod.setdefault("status", {}).setdefault("conditions", [])
        set_condition(listed, dict(_EVICTED), format_time(pods.shared.now()))
        return Put(pod, deletion.dry_run)

    return decide


def _spend(budgets: Store, pod: Object, deletion: DeleteOptions) -> Decide:
    async def decide(entry: Entry | None) -> Decision:
        if entry is None:
            return Keep()
        budget = entry.obj
        if not is_ready(pod) and _tolerates_unready(budget):
            return Keep()
        spent = spend(budget, pod["metadata"]["name"], format_time(budgets.shared.now()))
        return Keep() if spent is None else Put(spent, deletion.dry_run)

    return decide


def _tolerates_unready(budget: Object) -> bool:
    """Unready pods may go while the budget is healthy, or always, as its policy says."""
    if budget["spec"].get("unhealthyPodEvictionPolicy") == "AlwaysAllow":
        return True
    status = budget.get("status") or {}
    healthy, desired = status.get("currentHealthy", 0), status.get("desiredHealthy", 0)
    return bool(healthy >= desired > 0)


def spend(budget: Object, pod: str, now: str) -> Object | None:
    """The budget with one disruption less; None if it is counted already. Raises TooManyRequestsError."""
    status = budget.setdefault("status", {})
    if status.get("observedGeneration", 0) < budget["metadata"].get("generation", 0):
        raise _refusal(budget, "The disruption budget {} is still being processed by the server.", 10)
    if pod in (status.get("disruptedPods") or {}):
        return None
    allowed = status.get("disruptionsAllowed", 0)
    if allowed < 1 or len(status.get("disruptedPods") or {}) > _MAX_DISRUPTED:
        needs = f"needs {status.get('desiredHealthy', 0)} healthy pods"
        text = f"The disruption budget {{}} {needs} and has {status.get('currentHealthy', 0)} currently"
        raise _refusal(budget, text, 0)
    status["disruptionsAllowed"] = allowed - 1
    status["disruptedPods"] = (status.get("disruptedPods") or {}) | {pod: now}
    return budget


def _refusal(budget: Object, cause: str, retry_after: int) -> TooManyRequestsError:
    message = cause.format(budget["metadata"]["name"])
    causes = [{"reason": "DisruptionBudget", "message": message}]
    return TooManyRequestsError(_REFUSAL, retry_after, details={"causes": causes})
