"""Makes, mends and deletes the pods of StatefulSets and their PersistentVolumeClaims, and says so in Events.

Source: pkg/controller/statefulset/stateful_pod_control.go.
"""

from __future__ import annotations

from apimachinery.errors import AlreadyExistsError, NotFoundError, StatusError
from apimachinery.objects import Object, is_terminating, key_of, name_of, namespace_of, uid_of
from apimachinery.scheme import PERSISTENT_VOLUME_CLAIMS, PODS
from client.controller import NotYetError
from client.errors import is_namespace_terminating
from client.events import NORMAL, WARNING, EventRecorder
from client.own_writes import OwnWrites
from client.rest import Client
from controller_manager.context import SharedInformers
from controller_manager.stateful_set import retention
from controller_manager.stateful_set.identity import mended, new_claims, ordinal_of

_CONFLICT = (
    "PersistentVolumeClaim {} has a conflicting OwnerReference that acts as a managing controller, "
    "the retention policy is ignored for this claim"
)


class ClaimUnavailable(NotYetError):
    """A pod has to wait because a claim of its name is about to go."""


class StatefulPods:
    """The effects on pods and claims."""

    def __init__(self, client: Client, informers: SharedInformers, recorder: EventRecorder) -> None:
        self._client, self._recorder = client, recorder
        self._claims = informers.informer(PERSISTENT_VOLUME_CLAIMS)
        self.writes = OwnWrites(informers.informer(PODS))

    async def create(self, stateful_set: Object, pod: Object) -> None:
        """First the claims, then the pod."""
        if self._has_stale_claim(stateful_set, pod):
            return  # it belongs to an earlier pod of the name and goes with it
        try:
            await self._create_claims(stateful_set, pod)
            created = await self._client.create(PODS, pod)
        except AlreadyExistsError:
            raise
        except (StatusError, ClaimUnavailable) as error:
            self._failed("create", stateful_set, pod, error)
            raise
        self.writes.note(key_of(stateful_set), created)
        self._succeeded("create", stateful_set, pod)
        await self.hand_over_claims(stateful_set, created)

    async def mend(self, stateful_set: Object, pod: Object) -> None:
        """Makes claims that a pending pod lacks, and puts owners, labels and volumes right."""
        if pod["status"]["phase"] == "Pending":
            await self._create_claims(stateful_set, pod)
        await self.hand_over_claims(stateful_set, pod)
        wanted = mended(stateful_set, pod)
        if wanted is None:
            return
        try:
            await self._create_claims(stateful_set, pod)
            self.writes.note(key_of(stateful_set), await self._client.update(PODS, wanted))
        except (StatusError, ClaimUnavailable) as error:
            self._failed("update", stateful_set, pod, error)
            raise
        self._succeeded("update", stateful_set, pod)

    async def delete(self, stateful_set: Object, pod: Object) -> None:
        """Only this very pod: a successor of the same name is another one."""
        options = {"preconditions": {"uid": uid_of(pod)}}
        try:
            marked = await self._client.delete(PODS, name_of(pod), namespace_of(pod), options=options)
        except NotFoundError:
            return
        except StatusError as error:
            self._failed("delete", stateful_set, pod, error)
            raise
        self.writes.note(key_of(stateful_set), marked)
        self._succeeded("delete", stateful_set, pod)

    async def hand_over_claims(self, stateful_set: Object, pod: Object) -> None:
        """Makes the claims belong to whom the retention policy says."""
        for wanted in new_claims(stateful_set, ordinal_of(pod)):
            claim = self._claims.get(key_of(wanted))
            owners = retention.owners_wanted(claim, stateful_set, pod) if claim else None
            if claim is None or owners is None:
                continue
            if retention.has_conflict(claim, stateful_set, pod):
                text = _CONFLICT.format(name_of(claim))
                self._recorder.event(stateful_set, WARNING, "ConflictingController", text)
            metadata = {**claim["metadata"], "ownerReferences": owners}
            await self._client.update(PERSISTENT_VOLUME_CLAIMS, {**claim, "metadata": metadata})

    def _has_stale_claim(self, stateful_set: Object, pod: Object) -> bool:
        if not retention.is_deleted_when_scaled(stateful_set):
            return False
        known = (self._claims.get(key_of(each)) for each in new_claims(stateful_set, ordinal_of(pod)))
        return any(claim is not None and retention.is_left_by_another(claim, pod) for claim in known)

    async def _create_claims(self, stateful_set: Object, pod: Object) -> None:
        for wanted in new_claims(stateful_set, ordinal_of(pod)):
            known = self._claims.get(key_of(wanted))
            if known is None:
                await self._create_claim(stateful_set, pod, wanted)
            elif is_terminating(known):
                raise ClaimUnavailable(f"pvc {name_of(known)} is being deleted")

    async def _create_claim(self, stateful_set: Object, pod: Object, claim: Object) -> None:
        about = f"Pod {name_of(pod)} in StatefulSet {name_of(stateful_set)}"
        try:
            await self._client.create(PERSISTENT_VOLUME_CLAIMS, claim)
        except AlreadyExistsError:
            return  # the cache is behind
        except StatusError as error:
            if not is_namespace_terminating(error):
                text = f"create Claim {name_of(claim)} for {about} failed error: {error}"
                self._recorder.event(stateful_set, WARNING, "FailedCreate", text)
            raise
        text = f"create Claim {name_of(claim)} {about} success"
        self._recorder.event(stateful_set, NORMAL, "SuccessfulCreate", text)

    def _succeeded(self, verb: str, stateful_set: Object, pod: Object) -> None:
        text = f"{verb} Pod {name_of(pod)} in StatefulSet {name_of(stateful_set)} successful"
        self._recorder.event(stateful_set, NORMAL, f"Successful{verb.title()}", text)

    def _failed(self, verb: str, stateful_set: Object, pod: Object, error: Exception) -> None:
        if is_namespace_terminating(error):
            return
        text = f"{verb} Pod {name_of(pod)} in StatefulSet {name_of(stateful_set)} failed error: {error}"
        self._recorder.event(stateful_set, WARNING, f"Failed{verb.title()}", text)
