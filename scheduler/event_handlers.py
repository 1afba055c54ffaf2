"""What the API's events mean to cache and queue. Plain functions: nothing here waits or asks.

A pod with a node belongs in the cache, one without in the queue; whatever changes may wake pods that wait.
"""

from __future__ import annotations

from collections.abc import Container

from apimachinery.objects import Object, get_path, key_of, labels_of, name_of
from apimachinery.pods import is_terminal
from scheduler.cache import Cache
from scheduler.default_selector import DefaultSelectors
from scheduler.framework.interface import EventKind, Subject
from scheduler.framework.waiting import WaitingPods
from scheduler.node_info import NodeInfo, parse_node
from scheduler.nominator import Nominator
from scheduler.pod_info import PodInfo, asks_for_less, parse_pod
from scheduler.queue import SchedulingQueue
from scheduler.volumes.news import News


class EventHandlers:
    """Handlers for informers: (old, new), None for absent."""

    def __init__(
        self,
        cache: Cache,
        queue: SchedulingQueue,
        nominator: Nominator,
        selectors: DefaultSelectors,
        profiles: Container[str],
        news: News,
        waiting: WaitingPods | None = None,
    ) -> None:
        self._cache = cache
        self._queue = queue
        self._nominator = nominator
        self._selectors = selectors
        self._profiles = profiles
        self._news = news
        self._waiting = waiting or WaitingPods()

    def pod(self, old: Object | None, new: Object | None) -> None:
        if old is not None and (new is None or old["metadata"]["uid"] != new["metadata"]["uid"]):
            self._pod_gone(old["metadata"]["uid"])
            if get_path(old, "status.nominatedNodeName") and not old["spec"].get("nodeName"):
                self._no_longer_nominated(old)
        if new is None:
            return
        if is_terminal(new):
            self._pod_gone(new["metadata"]["uid"])
        elif new["spec"].get("nodeName"):
            self._assigned(parse_pod(new))
        else:
            self._unassigned(old, parse_pod(new))

    def _pod_gone(self, uid: str) -> None:
        self._queue.delete(uid)
        self._news.tell(uid)
        self._waiting.reject(uid, "", "removed")
        self._nominator.remove(uid)
        known = self._cache.remove_pod(uid)
        if known is not None:
            self._queue.wake((EventKind.POD_DELETE,), Subject(old=known))

    def _assigned(self, pod: PodInfo) -> None:
        self._queue.delete(pod.uid)
        self._nominator.remove(pod.uid)
        was_assumed = self._cache.is_assumed(pod.uid)
        known = self._cache.set_pod(pod)
        if known is None or was_assumed:
            self._queue.wake((EventKind.POD_ADD,), Subject(new=pod))
        elif changes := _changes(known, pod):
            self._queue.wake(changes, Subject(old=known, new=pod))

    def _unassigned(self, old: Object | None, pod: PodInfo) -> None:
        if pod.is_terminating:
            self._waiting.reject(pod.uid, "", "removed")
        if pod.scheduler_name not in self._profiles or self._cache.is_assumed(pod.uid):
            return
        if pod.is_terminating:
            self._queue.delete(pod.uid)
            self._nominator.remove(pod.uid)
            return
        self._note_nomination(old, pod)
        self._queue.update(pod)

    def _note_nomination(self, old: Object | None, pod: PodInfo) -> None:
        """Where neither object names a node, what was decided here and is not written yet still holds."""
        before = get_path(old, "status.nominatedNodeName")
        if pod.nominated_node:
            self._nominator.add(pod, pod.nominated_node)
        elif before:
            self._nominator.remove(pod.uid)
        if old is not None and before and before != pod.nominated_node:
            self._no_longer_nominated(old)

    def _no_longer_nominated(self, old: Object) -> None:
        """For others the room was taken, as if the pod were there."""
        self._queue.wake((EventKind.POD_DELETE,), Subject(old=parse_pod(old)))

    def node(self, old: Object | None, new: Object | None) -> None:
        changed = new or old
        assert changed is not None
        self._news.tell(key_of(changed))
        if new is None:
            gone = self._cache.node(name_of(changed))
            last = NodeInfo(name_of(changed), gone.facts if gone else parse_node(changed))
            self._cache.remove_node(name_of(changed))
            self._queue.wake((EventKind.NODE_DELETE,), Subject(old_node=last))
            return
        known = self._cache.node(name_of(new))
        before = NodeInfo(known.name, known.facts) if known else None
        changes = self._cache.set_node(parse_node(new))
        if changes:
            self._queue.wake(changes, Subject(self._cache.node(name_of(new)), before))

    def storage(self, kind: EventKind, old: Object | None, new: Object | None) -> None:
        """A binding may wait for it, or a pod that was rejected. Of what goes only attachments help."""
        changed = new or old
        assert changed is not None
        self._news.tell(key_of(changed))
        if (new is None) == (kind == EventKind.DETACHED):
            self._queue.wake((kind,), Subject(obj=changed, old_obj=old))

    def namespace(self, old: Object | None, new: Object | None) -> None:
        if new is not None:
            self._cache.namespaces[name_of(new)] = labels_of(new)
        elif old is not None:
            self._cache.namespaces.pop(name_of(old), None)

    def owner(self, old: Object | None, new: Object | None) -> None:
        """A Service or controller: only which pods belong together matters."""
        if old is None or new is None or old["spec"].get("selector") != new["spec"].get("selector"):
            self._selectors.forget()


def _changes(old: PodInfo, new: PodInfo) -> list[EventKind]:
    changes = []
    if old.labels != new.labels:
        changes.append(EventKind.POD_LABEL)
    if asks_for_less(old, new):
        changes.append(EventKind.POD_SCALE_DOWN)
    return changes
