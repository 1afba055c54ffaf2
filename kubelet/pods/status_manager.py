"""Reports pod statuses to the API: only what differs, one request per pod at a time, until the server has it.

It also takes the last step of a deletion: once all of a pod has stopped and that is reported, the
object goes.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, field

from apimachinery.errors import ConflictError, NotFoundError, StatusError
from apimachinery.objects import Object, is_terminating, name_of, namespace_of, uid_of
from apimachinery.scheme import PODS
from client.errors import ConnectionFailed
from client.rest import STRATEGIC, Client
from component_base import tracing
from kubelet.metrics import STATUS_SYNC
from kubelet.pods.allocation import RESIZE_CONDITIONS
from kubelet.pods.resize_metrics import count_conditions
from kubelet.pods.status_patch import status_patch
from kubelet.references import pod_full_name
from kubelet.static_pods.identity import is_mirror, is_static, node_uid
from kubelet.tasks import TaskSet

log = logging.getLogger(__name__)

FIRST_RETRY, LAST_RETRY = 0.2, 10.0


@dataclass(slots=True)
class _Entry:
    pod: Object
    """As the API last showed it, or answered. Of a static pod its mirror, once there is one."""
    wanted: Object
    trace: tracing.Trace | None
    counted: Object = field(default_factory=dict)
    """The status of which metrics tell."""
    changed_at: float | None = None
    """Loop time of the first change that the API does not have yet."""
    refused: Object | None = None
    """A patch that the API took without effect: not sent again until something changes."""
    stopped: bool = False
    """Nothing of it runs any more: the object may go."""
    unseen: bool = False
    """A static pod of which the API has no mirror now."""


class StatusManager:
    def __init__(self, client: Client) -> None:
        self._client = client
        self._entries: dict[str, _Entry] = {}
        self._mirrors: dict[str, Object] = {}
        """By the uid of their static pod."""
        self._senders: TaskSet[str] = TaskSet("pod-status")

    def current(self, pod: Object) -> Object:
        """The pod with the latest status there is; conditions of others are the API's."""
        entry = self._entries.get(uid_of(pod))
        if entry is None:
            return pod
        known = entry.pod.get("status") or {}
        own = {*RESIZE_CONDITIONS, *(each["type"] for each in entry.wanted.get("conditions") or ())}
        shown = (pod.get("status") or {}).get("conditions") or known.get("conditions") or ()
        conditions = [
            *(entry.wanted.get("conditions") or ()),
            *(each for each in shown if each["type"] not in own),
        ]
        return {**pod, "status": {**entry.wanted, "conditions": conditions}}

    def set(self, pod: Object, status: Object, *, stopped: bool = False) -> None:
        """The status that the pod should have from now on."""
        uid = uid_of(pod)
        entry = self._entries.get(uid)
        if entry is None:
            shown = self._mirrors.get(uid, pod)
            entry = self._entries[uid] = _Entry(shown, status, None, unseen=is_static(shown))
        count_conditions(entry.counted, status)
        entry.wanted, entry.counted, entry.stopped = status, status, stopped
        entry.trace = tracing.current()
        if is_terminating(pod) and not is_terminating(entry.pod):
            entry.pod = {**entry.pod, "metadata": pod["metadata"]}
        self._send_soon(uid)

    def observe(self, pod: Object) -> None:
        """The API shows the pod so: what others have changed in the status is put right."""
        if is_mirror(pod):
            self._mirrors[node_uid(pod)] = pod
        entry = self._entries.get(node_uid(pod))
        if entry is None or _revision(pod) <= _revision(entry.pod):
            return
        if pod.get("status") != entry.pod.get("status"):
            entry.refused = None
        entry.pod, entry.unseen = pod, False
        self._send_soon(node_uid(pod))

    def lost(self, mirror: Object) -> None:
        """The API has it no more; when there is another, that shall have the status."""
        self._mirrors.pop(node_uid(mirror), None)
        entry = self._entries.get(node_uid(mirror))
        if entry is not None:
            entry.unseen = True

    def forget(self, uid: str) -> None:
        self._drop(uid)
        self._mirrors.pop(uid, None)
        self._senders.cancel(uid)

    async def aclose(self) -> None:
        await self._senders.aclose()

    def _send_soon(self, uid: str) -> None:
        entry = self._entries[uid]
        if not self._has_work(entry):
            return
        entry.changed_at = entry.changed_at or asyncio.get_running_loop().time()
        if uid not in self._senders:
            self._senders.start(uid, self._send(uid))

    def _has_work(self, entry: _Entry) -> bool:
        if entry.unseen:
            return False
        patch = status_patch(entry.pod.get("status") or {}, entry.wanted)
        return bool(patch and patch != entry.refused) or _may_delete(entry)

    async def _send(self, uid: str) -> None:
        delay = FIRST_RETRY
        while (entry := self._entries.get(uid)) is not None and self._has_work(entry):
            try:
                with tracing.span(entry.trace):
                    await self._send_once(uid, entry)
                delay = FIRST_RETRY
            except NotFoundError:
                if is_mirror(entry.pod):
                    self.lost(entry.pod)
                else:
                    self._drop(uid)
            except (StatusError, ConnectionFailed) as error:
                log.warning(
                    "Status not reported, will retry: pod=%s error=%s", pod_full_name(entry.pod), error
                )
                await asyncio.sleep(delay)
                delay = min(delay * 2, LAST_RETRY)
        self._senders.finished(uid)

    async def _send_once(self, uid: str, entry: _Entry) -> None:
        patch = status_patch(entry.pod.get("status") or {}, entry.wanted)
        if patch and patch != entry.refused:
            answer = await self._client.patch(
                PODS,
                name_of(entry.pod),
                {"metadata": {"uid": uid_of(entry.pod)}, "status": patch},
                namespace_of(entry.pod),
                patch_type=STRATEGIC,
                subresource="status",
            )
            if uid_of(answer) != uid_of(entry.pod):
                raise NotFoundError(PODS, name_of(entry.pod))
            entry.pod = answer
            again = status_patch(answer.get("status") or {}, entry.wanted)
            entry.refused = patch if again == patch else None
            _count_sync(entry)
            if entry.refused:
                log.warning("Status patch had no effect: pod=%s patch=%s", pod_full_name(answer), patch)
        elif _may_delete(entry):
            await self._delete(uid, entry)

    async def _delete(self, uid: str, entry: _Entry) -> None:
        options = {
            "apiVersion": "v1",
            "kind": "DeleteOptions",
            "gracePeriodSeconds": 0,
            "preconditions": {"uid": uid},
        }
        try:
            await self._client.delete(PODS, name_of(entry.pod), namespace_of(entry.pod), options=options)
        except (NotFoundError, ConflictError):  # gone, or another pod of that name by now
            log.debug("Pod is gone already: pod=%s", pod_full_name(entry.pod))
        else:
            log.info("Pod deleted from the API: pod=%s", pod_full_name(entry.pod))
        self._drop(uid)

    def _drop(self, uid: str) -> None:
        entry = self._entries.pop(uid, None)
        if entry is not None:
            count_conditions(entry.counted, {})


def _count_sync(entry: _Entry) -> None:
    if entry.changed_at is not None:
        STATUS_SYNC.observe(asyncio.get_running_loop().time() - entry.changed_at)
        entry.changed_at = None


def _may_delete(entry: _Entry) -> bool:
    return entry.stopped and is_terminating(entry.pod) and not is_mirror(entry.pod)


def _revision(pod: Object) -> int:
    version = (pod.get("metadata") or {}).get("resourceVersion") or "0"
    return int(version) if version.isdigit() else 0
