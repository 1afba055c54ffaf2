"""One Node object and its Lease: registers, reports, renews. When to do so is `heartbeats`' business."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import datetime, timedelta

from apimachinery.conditions import is_condition_true
from apimachinery.errors import AlreadyExistsError, NotFoundError, StatusError
from apimachinery.objects import Object, annotations_of, labels_of, uid_of
from apimachinery.scheme import CSI_NODES, LEASES, NODES
from apimachinery.times import format_micro_time, format_time
from client.errors import ConnectionFailed
from client.rest import MERGE, STRATEGIC, Client
from kubelet.events import NoEvents, Recorder
from kubelet.node.news import News, news_of_spec, news_of_status
from kubelet.node.sources import NodeSource, NodeView
from kubelet.node.startup import NodeStartup
from kubelet.node.status import (
    NodeConfig,
    changes,
    differs,
    extended_resources,
    new_csi_node,
    new_node,
    node_conditions,
    node_status,
)
from kubelet.references import node_reference
from kubelet.settings import NodeFacts

log = logging.getLogger(__name__)

LEASE_NAMESPACE = "kube-node-lease"
FIRST_RETRY, LAST_RETRY = 0.05, 1.0


class NodeAgent:
    def __init__(
        self,
        client: Client,
        config: NodeConfig,
        source: NodeSource,
        now: Callable[[], datetime],
        recorder: Recorder | None = None,
        startup: NodeStartup | None = None,
    ) -> None:
        self.config = config
        self._client = client
        self._source = source
        self._now = now
        self._recorder = recorder or NoEvents()
        self._startup = startup
        self.node: Object | None = None
        """As the API last showed it."""
        self._view: NodeView | None = None
        self._reported_at: datetime | None = None
        self._reporting = asyncio.Lock()

    def facts(self) -> NodeFacts:
        status = (self.node or {}).get("status") or {}
        memory = self._view.machine.memory if self._view else 0
        return NodeFacts(self.config.name, self.config.addresses, status.get("allocatable") or {}, memory)

    async def register(self) -> None:
        """Makes the Node, or takes over the one that is there; tries until the API server lets it."""
        delay = FIRST_RETRY
        while True:
            try:
                self.node = await self._register_once()
            except (StatusError, ConnectionFailed) as error:
                log.info("Node not registered yet, will retry: node=%s error=%s", self.config.name, error)
                await asyncio.sleep(delay)
                delay = min(delay * 2, LAST_RETRY)
            else:
                log.info("Successfully registered node: node=%s", self.config.name)
                return

    async def _register_once(self) -> Object:
        if self._startup:
            self._startup.trying()
        view = await self._look()
        node = new_node(view.machine, self.config, self._status(view, {}))
        try:
            registered = await self._client.create(NODES, node)
            self._reported_at = self._now()
            if self._startup:
                self._startup.registered()
        except AlreadyExistsError:
            registered = await self._take_over(node)
        with suppress(AlreadyExistsError):
            await self._client.create(CSI_NODES, new_csi_node(registered))
        self._tell(news_of_status(self.config.name, {}, node["status"]))
        return registered

    def _note_ready(self) -> None:
        if self._startup and self.node and is_condition_true(self.node, "Ready"):
            self._startup.ready()

    def _tell(self, news: Iterable[News]) -> None:
        for each in news:
            self._recorder.event(node_reference(self.config.name), *each)

    async def _take_over(self, node: Object) -> Object:
        """The labels and annotations that are the kubelet's; everything else is left to those who set it."""
        old = await self._client.get(NODES, self.config.name)
        labels = {key: value for key, value in labels_of(node).items() if labels_of(old).get(key) != value}
        annotations = {
            key: value for key, value in annotations_of(node).items() if annotations_of(old).get(key) != value
        }
        if not labels and not annotations:
            return old
        patch = {"metadata": {"labels": labels, "annotations": annotations}}
        return await self._client.patch(NODES, self.config.name, patch, patch_type=MERGE)

    def observe(self, node: Object) -> None:
        """The API shows the Node so."""
        self._tell(news_of_spec(self.config.name, self.node or {}, node))
        self.node = node

    async def _look(self) -> NodeView:
        self._view = await self._source.look()
        return self._view

    def _status(self, view: NodeView, old: Object) -> Object:
        now = format_time(self._now())
        conditions = node_conditions(old.get("conditions") or (), view.pressures, view.health, now)
        extended = extended_resources(old)
        return node_status(view.machine, self.config, extended, conditions, view.images, view.version)

    async def report(self) -> None:
        """Patches the status if it has changed or has not been sent for long."""
        async with self._reporting:
            view = await self._look()
            old = (self.node or {}).get("status") or {}
            status = self._status(view, old)
            longest = timedelta(seconds=self.config.report_seconds)
            stale = self._reported_at is None or self._now() - self._reported_at >= longest
            if not stale and not differs({key: old.get(key) for key in status}, status):
                return
            patch = changes(old, status)
            try:
                self.node = await self._client.patch(
                    NODES, self.config.name, {"status": patch}, patch_type=STRATEGIC, subresource="status"
                )
                self._reported_at = self._now()
                self._note_ready()
                self._tell(news_of_status(self.config.name, old, status))
            except NotFoundError:
                log.warning("Node is gone, registering it again: node=%s", self.config.name)
                self.node = await self._register_once()

    async def renew_lease(self) -> None:
        """Says that the node is alive."""
        spec = {"renewTime": format_micro_time(self._now()), "holderIdentity": self.config.name}
        patch: Object = {"spec": {**spec, "leaseDurationSeconds": self.config.lease_seconds}}
        try:
            await self._client.patch(LEASES, self.config.name, patch, LEASE_NAMESPACE, patch_type=MERGE)
        except NotFoundError:
            await self._create_lease(patch["spec"])

    async def _create_lease(self, spec: Object) -> None:
        """It belongs to its Node, so as not to outlive it; until it is known the next round tries again."""
        if self.node is None:
            log.info("Lease not made, its Node is not known: node=%s", self.config.name)
            return
        owner = {"apiVersion": "v1", "kind": "Node", "name": self.config.name, "uid": uid_of(self.node)}
        lease = {
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "metadata": {
                "name": self.config.name,
                "namespace": LEASE_NAMESPACE,
                "ownerReferences": [owner],
            },
            "spec": spec,
        }
        await self._client.create(LEASES, lease)
