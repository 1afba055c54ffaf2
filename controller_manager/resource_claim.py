"""Claims of devices: makes those that pods want from templates, and gives back what nobody uses any more.

A key names a pod, a claim, or by chance one of each: both are looked at. Devices are handed out by the
scheduler; only for a pod that somebody else put on a node an allocated claim is reserved here.
Source: pkg/controller/resourceclaim/controller.go of Kubernetes 1.34.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from apimachinery import scheme
from apimachinery.errors import NotFoundError, StatusError
from apimachinery.objects import (
    NamespacedName,
    Object,
    annotations_of,
    controller_of,
    get_path,
    is_terminating,
    key_of,
    name_of,
    namespace_of,
    owner_reference,
    uid_of,
)
from apimachinery.pods import is_terminal
from apimachinery.resource_claims import (
    FINALIZER,
    NOT_NEEDED,
    POD_CLAIM_NAME,
    claim_name,
    claims_of_pod,
    is_allocated,
    is_from_template,
    is_reserved_for,
    references_of,
    reserved,
    why_not_for_pod,
)
from client.controller import NotYetError, Watch, by_owner
from client.errors import is_namespace_terminating
from client.events import WARNING
from client.own_writes import OwnWrites
from client.rest import STRATEGIC
from controller_manager.context import ControllerContext
from controller_manager.volume_protection import remove_finalizer

PODS_BY_DEVICE_CLAIM = "pods by device claim"
CLAIMS_BY_POD = "device claims by pod"
LONGEST_PREFIX = 57
"""Of a generated name: a hyphen and five characters follow."""


class ResourceClaimError(NotYetError):
    """A pod's claim can't be had."""


class ResourceClaimController:
    name = "resourceclaim-controller"

    def __init__(self, context: ControllerContext) -> None:
        self._client = context.client
        self._events = context.recorder("resource_claim")
        self._pods = context.informers.informer(scheme.PODS)
        self._claims = context.informers.informer(scheme.RESOURCE_CLAIMS)
        self._templates = context.informers.informer(scheme.RESOURCE_CLAIM_TEMPLATES)
        self._pods.add_indexer(PODS_BY_DEVICE_CLAIM, lambda pod: map(str, claims_of_pod(pod)))
        self._claims.add_indexer(CLAIMS_BY_POD, _owning_pod)
        self._writes = OwnWrites(self._claims)

    def watches(self) -> list[Watch]:
        return [
            Watch(self._pods, _pod_and_its_claims),
            Watch(self._claims, self._claim_and_its_pods),
            Watch(self._templates, self._pods_from, lambda old, new: old is None),
        ]

    def _pods_from(self, template: Object) -> Iterable[NamespacedName]:
        """Upstream lets them wait for their next try."""
        return [
            key_of(pod)
            for pod in self._pods.list(namespace_of(template))
            if any(it.get("resourceClaimTemplateName") == name_of(template) for it in references_of(pod))
        ]

    def _claim_and_its_pods(self, claim: Object) -> Iterable[NamespacedName]:
        """Its owner as well, which may not have been told of it."""
        pods = self._pods.by_index(PODS_BY_DEVICE_CLAIM, str(key_of(claim)))
        return {key_of(claim), *map(key_of, pods), *by_owner("Pod")(claim)}

    async def reconcile(self, key: NamespacedName) -> float | None:
        pod, claim = self._pods.get(key), self._claims.get(key)
        if pod is None:
            self._writes.forget(key)
        elif _needs_claims(pod) and self._writes.are_seen(key):
            await self._serve(pod)
        if claim is not None:
            await self._give_back(claim)
        return None

    # What a pod needs.

    async def _serve(self, pod: Object) -> None:
        made: dict[str, str] = {}
        for reference in references_of(pod):
            try:
                name = await self._provide(pod, reference)
            except ResourceClaimError as error:
                self._complain(pod, reference, str(error))
                raise
            except StatusError as error:
                if not is_namespace_terminating(error):
                    self._complain(pod, reference, f"create ResourceClaim : {error}")
                raise
            if name:
                made[reference["name"]] = name
        if made:
            await self._tell(pod, made)
        if pod["spec"].get("nodeName"):
            await self._reserve_all(pod)

    def _complain(self, pod: Object, reference: Object, why: str) -> None:
        text = f"PodResourceClaim {reference['name']}: {why}"
        self._events.event(pod, WARNING, "FailedResourceClaimCreation", text)

    async def _provide(self, pod: Object, reference: Object) -> str:
        """The name of a claim that the pod doesn't know yet, or ""."""
        name = claim_name(pod, reference)
        if name == NOT_NEEDED or not is_from_template(reference):
            return ""
        claim = self._claims.get(NamespacedName(namespace_of(pod), name)) if name else None
        if claim is not None and not why_not_for_pod(pod, claim):
            return ""
        claim = self._made_before(pod, reference) or await self._make(pod, reference)
        return name_of(claim)

    def _made_before(self, pod: Object, reference: Object) -> Object | None:
        """One that was made when telling the pod of it failed."""
        owned = self._claims.by_index(CLAIMS_BY_POD, uid_of(pod))
        return next((it for it in owned if annotations_of(it).get(POD_CLAIM_NAME) == reference["name"]), None)

    async def _make(self, pod: Object, reference: Object) -> Object:
        key = NamespacedName(namespace_of(pod), reference["resourceClaimTemplateName"])
        template = self._templates.get(key)
        if template is None:
            absent = f'resourceclaimtemplate.resource.k8s.io "{key.name}" not found'
            raise ResourceClaimError(f'resource claim template "{key.name}": {absent}')
        made = await self._client.create(scheme.RESOURCE_CLAIMS, claim_for(pod, reference, template))
        self._writes.note(key_of(pod), made)
        return made

    async def _tell(self, pod: Object, made: dict[str, str]) -> None:
        known = {each["name"]: each for each in get_path(pod, "status.resourceClaimStatuses", [])}
        known |= {name: {"name": name, "resourceClaimName": claim} for name, claim in made.items()}
        statuses = [known[name] for name in sorted(known)]
        patch = {"metadata": {"uid": uid_of(pod)}, "status": {"resourceClaimStatuses": statuses}}
        await self._client.patch(
            scheme.PODS, name_of(pod), patch, namespace_of(pod), patch_type=STRATEGIC, subresource="status"
        )

    async def _reserve_all(self, pod: Object) -> None:
        """The scheduler has done so for its pods."""
        for key in claims_of_pod(pod):
            claim = self._claims.get(key)
            if claim is None:
                return
            if is_allocated(claim) and not is_reserved_for(claim, uid_of(pod)):
                await self._client.update_status(scheme.RESOURCE_CLAIMS, reserved(claim, pod))

    # What nobody needs.

    async def _give_back(self, claim: Object) -> None:
        gone = frozenset([uid for uid, name in _users_of(claim) if await self._is_done(claim, uid, name)])
        plan = plan_claim(claim, gone, self._is_owner_done(claim))
        if plan.status is not None:
            claim = await self._client.update_status(scheme.RESOURCE_CLAIMS, {**claim, "status": plan.status})
        if plan.frees:
            await remove_finalizer(self._client, scheme.RESOURCE_CLAIMS, claim, FINALIZER)
        if plan.deletes:
            options = {"preconditions": {"uid": uid_of(claim)}}
            await self._client.delete(
                scheme.RESOURCE_CLAIMS, name_of(claim), namespace_of(claim), options=options
            )

    async def _is_done(self, claim: Object, uid: str, name: str) -> bool:
        """The scheduler may know a pod, of a new name or an old one, before our cache: the API is asked."""
        pod = self._pods.get(NamespacedName(namespace_of(claim), name))
        if pod is None or uid_of(pod) != uid:
            try:
                pod = await self._client.get(scheme.PODS, name, namespace_of(claim))
            except NotFoundError:
                return True
        return uid_of(pod) != uid or will_not_run(pod)

    def _is_owner_done(self, claim: Object) -> bool:
        """Once it is gone altogether, the garbage collector does the rest."""
        owner = controller_of(claim)
        if owner is None or owner["kind"] != "Pod":
            return False
        pod = self._pods.get(NamespacedName(namespace_of(claim), owner["name"]))
        return pod is not None and (uid_of(pod) != owner["uid"] or will_not_run(pod))


@dataclass(frozen=True, slots=True)
class ClaimPlan:
    """What becomes of a claim: its new status, if that changes; whether its finalizer goes, and it itself."""

    status: Object | None = None
    frees: bool = False
    deletes: bool = False


def plan_claim(claim: Object, gone: frozenset[str], is_owner_done: bool) -> ClaimPlan:
    """`gone`: the uids of users that will not need it any more.

    Devices are given back with the last user, so that the next may get them on another node; a claim that
    was allocated and never used keeps them.
    """
    status: Object = claim.get("status") or {}
    users = status.get("reservedFor") or []
    left = [each for each in users if each["uid"] not in gone]
    is_over = not left and (len(left) < len(users) or is_terminating(claim))
    is_held = FINALIZER in (claim["metadata"].get("finalizers") or ())
    wanted = {**status, "reservedFor": left} if left else _without(status, "reservedFor")
    if is_over and is_held:
        wanted = _without(wanted, "allocation")
    return ClaimPlan(
        status=wanted if wanted != status else None,
        frees=is_over and is_held,
        deletes=not left and is_owner_done and not is_terminating(claim),
    )


def _without(status: Object, field: str) -> Object:
    return {name: value for name, value in status.items() if name != field}


def _users_of(claim: Object) -> list[tuple[str, str]]:
    """(uid, name) of the pods that the claim is reserved for. Raises ResourceClaimError if others are."""
    users = get_path(claim, "status.reservedFor", [])
    for each in users:
        if each.get("apiGroup") or each["resource"] != "pods":
            raise ResourceClaimError(f"unsupported ReservedFor entry: {each}")
    return [(each["uid"], each["name"]) for each in users]


def will_not_run(pod: Object) -> bool:
    return is_terminal(pod) or (is_terminating(pod) and not pod["spec"].get("nodeName"))


def _needs_claims(pod: Object) -> bool:
    return bool(references_of(pod)) and not is_terminal(pod) and not is_terminating(pod)


def claim_for(pod: Object, reference: Object, template: Object) -> Object:
    """Owned by the pod, and gone with it."""
    spec = template["spec"]
    metadata: Object = spec.get("metadata") or {}
    return {
        "apiVersion": "resource.k8s.io/v1",
        "kind": "ResourceClaim",
        "metadata": {
            "generateName": name_prefix(name_of(pod), reference["name"]),
            "namespace": namespace_of(pod),
            "ownerReferences": [owner_reference({"apiVersion": "v1", "kind": "Pod", **pod})],
            "labels": metadata.get("labels") or {},
            "annotations": {**(metadata.get("annotations") or {}), POD_CLAIM_NAME: reference["name"]},
        },
        "spec": spec["spec"],
    }


def name_prefix(pod: str, claim: str) -> str:
    """`pod-claim-`; of names that are too long something of both is kept."""
    prefix = f"{pod}-{claim}-"
    if len(prefix) <= LONGEST_PREFIX:
        return prefix
    share = LONGEST_PREFIX / len(prefix)
    return f"{pod[: int(len(pod) * share)]}-{claim[: int(len(claim) * share)]}"


def _pod_and_its_claims(pod: Object) -> Iterable[NamespacedName]:
    return [key_of(pod), *claims_of_pod(pod)] if references_of(pod) else ()


def _owning_pod(claim: Object) -> Iterable[str]:
    owner = controller_of(claim)
    return (owner["uid"],) if owner is not None and owner["kind"] == "Pod" else ()
