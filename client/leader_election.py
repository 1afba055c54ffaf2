"""Leader election by a Lease: of several processes one runs, another takes over when the lease isn't renewed.

Another's lease counts as expired only after it was seen unchanged for its whole duration by our own clock, so
that clocks of machines need not agree.
"""

from __future__ import annotations

import asyncio
import logging
import random
import socket
import uuid
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from datetime import datetime

from apimachinery.errors import AlreadyExistsError, ConflictError, NotFoundError, StatusError
from apimachinery.objects import Object, deep_copy
from apimachinery.scheme import LEASES
from apimachinery.times import format_micro_time
from client import metrics
from client.errors import ConnectionFailed
from client.events import NORMAL, EventRecorder
from client.rest import Client
from component_base.clock import now as real_now
from component_base.election import Election
from component_base.explained import ExplainedError
from component_base.kubeconfig import ClientConfig

log = logging.getLogger(__name__)

_JITTER = 1.2
_FIRST_DELAY, _LAST_DELAY = 0.05, 1.0


async def lead(
    main: Callable[[], Awaitable[None]],
    election: Election,
    config: ClientConfig,
    *,
    component: str,
    events_of: str = "",
) -> None:
    """Runs `main`; with leader election only while this process holds the lease.

    The lease is renewed over connections of its own, and within half of the time that there is for it: it
    must not wait behind all that `main` asks for. `events_of` is whom Events name, if not the component.
    """
    if not election.enabled:
        await main()
        return
    agent, seconds = f"{component}/leader-election", election.renew_seconds / 2
    client = Client(config, user_agent=agent, seconds=seconds, on_answer=metrics.count_request)
    async with aclosing(client):
        identity = f"{socket.gethostname()}_{uuid.uuid4()}"
        events = EventRecorder(client, events_of or component)
        await LeaderElector(client, election, identity=identity, events=events).run(main)


class LeadershipLost(ExplainedError):
    """The lease could not be renewed in time, or somebody else has it."""


class LeaderElector:
    """Runs something only while holding the Lease `namespace/name` as `identity`."""

    def __init__(
        self,
        client: Client,
        election: Election,
        *,
        identity: str,
        events: EventRecorder | None = None,
        now: Callable[[], datetime] = real_now,
        rng: random.Random | None = None,
    ) -> None:
        self._client = client
        self._election, self._identity = election, identity
        self._name, self._namespace = election.name, election.namespace
        self._events, self._now = events, now
        self._random = rng or random.Random()
        self._seen: Object | None = None
        self._seen_at = 0.0
        self._status = metrics.LEADER.labels(election.name)
        self._status.set(0)
        self.is_leader = False

    async def run(self, main: Callable[[], Awaitable[None]]) -> None:
        """Waits for the lease, then runs `main` while renewing; raises LeadershipLost when that fails.

        The process should end then, as upstream's do: one that starts afresh knows nothing out of date.
        """
        await self._acquire()
        self.is_leader = True
        self._status.set(1)
        log.info("Became leader: lease=%s/%s identity=%s", self._namespace, self._name, self._identity)
        work = asyncio.ensure_future(main())
        renewal = asyncio.ensure_future(self._renew())
        telling = asyncio.ensure_future(self._tell())
        try:
            done, _ = await asyncio.wait((work, renewal), return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            self.is_leader = False
            self._status.set(0)
            await _cancel(work, renewal, telling)
            if renewal.cancelled():  # not lost: still ours to give back
                await self._release()

    async def _tell(self) -> None:
        """An Event about the lease says who leads."""
        if self._events is not None and self._seen is not None:
            lease = {**self._seen, "apiVersion": LEASES.api_version, "kind": LEASES.kind}
            self._events.event(lease, NORMAL, "LeaderElection", f"{self._identity} became leader")
            await self._events.run()

    async def _acquire(self) -> None:
        """Tries soon and often while the server is not there yet, at leisure while another leads."""
        delay = _FIRST_DELAY
        while not await self._try():
            if self._seen is None:
                await asyncio.sleep(delay)
                delay = min(delay * 2, _LAST_DELAY)
            else:
                await asyncio.sleep(self._election.retry_seconds * (1 + _JITTER * self._random.random()))

    async def _renew(self) -> None:
        """Ends by LeadershipLost."""
        loop = asyncio.get_running_loop()
        renewed = loop.time()
        while loop.time() - renewed < self._election.renew_seconds:
            await asyncio.sleep(self._election.retry_seconds)
            left = renewed + self._election.renew_seconds - loop.time()
            if left > 0 and await self._try_within(left):
                renewed = loop.time()
            elif self._holder() not in ("", self._identity):
                break
        log.error("Leader election lost: lease=%s/%s", self._namespace, self._name)
        raise LeadershipLost(f"lost the lease {self._namespace}/{self._name}")

    async def _try_within(self, seconds: float) -> bool:
        try:
            async with asyncio.timeout(seconds):
                return await self._try()
        except TimeoutError:
            return False

    async def _try(self) -> bool:
        """One attempt to take or renew the lease."""
        try:
            return await self._take()
        except (ConflictError, AlreadyExistsError):
            log.debug("Somebody else was faster: lease=%s/%s", self._namespace, self._name)
        except (StatusError, ConnectionFailed) as error:
            log.info("Lease not taken: lease=%s/%s error=%s", self._namespace, self._name, error)
        return False

    async def _take(self) -> bool:
        try:
            lease = await self._client.get(LEASES, self._name, self._namespace)
        except NotFoundError:
            self._note(await self._client.create(LEASES, self._lease(None)))
            return True
        self._note(lease)
        if self._holder() not in ("", self._identity) and not self._has_expired():
            return False
        self._note(await self._client.update(LEASES, self._lease(lease)))
        return True

    async def _release(self) -> None:
        """Gives the lease up, so that a successor need not wait for it to expire.

        Asks anew what is to be given up: a renewal that was broken off may have been written all the same.
        """
        try:
            async with asyncio.timeout(self._election.renew_seconds):
                while not await self._give_up():
                    log.debug(
                        "The last renewal was still under way: lease=%s/%s", self._namespace, self._name
                    )
        except (StatusError, ConnectionFailed, TimeoutError) as error:
            log.info("Lease not released: lease=%s/%s error=%s", self._namespace, self._name, error)

    async def _give_up(self) -> bool:
        """One attempt; whether the lease is nobody's, or another's."""
        current = await self._client.get(LEASES, self._name, self._namespace)
        self._note(current)
        if self._holder() != self._identity:
            return True
        lease = self._lease(current)
        lease["spec"] |= {"holderIdentity": "", "leaseDurationSeconds": 1}
        try:
            await self._client.update(LEASES, lease)
        except ConflictError:
            return False
        return True

    def _note(self, lease: Object) -> None:
        if self._seen is None or self._seen["spec"] != lease["spec"]:
            self._seen_at = asyncio.get_running_loop().time()
        self._seen = lease

    def _holder(self) -> str:
        return ((self._seen or {}).get("spec") or {}).get("holderIdentity") or ""

    def _has_expired(self) -> bool:
        spec = (self._seen or {}).get("spec") or {}
        duration = spec.get("leaseDurationSeconds") or 0
        return asyncio.get_running_loop().time() > self._seen_at + duration

    def _lease(self, old: Object | None) -> Object:
        """The lease as we want it: ours, renewed now."""
        now = format_micro_time(self._now())
        metadata = {"name": self._name, "namespace": self._namespace}
        new: Object = {"apiVersion": LEASES.api_version, "kind": LEASES.kind, "metadata": metadata}
        lease: Object = deep_copy(old or new)
        spec: Object = lease.setdefault("spec", {})
        if spec.get("holderIdentity") != self._identity:
            transitions = spec.get("leaseTransitions") or 0
            spec["leaseTransitions"] = transitions + 1 if old else 0
            spec["acquireTime"] = now
        spec |= {
            "holderIdentity": self._identity,
            "leaseDurationSeconds": int(self._election.lease_seconds),
            "renewTime": now,
        }
        return lease


async def _cancel(*tasks: asyncio.Future[None]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
