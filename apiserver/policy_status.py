"""ValidatingAdmissionPolicies are told what is wrong with them, beside requests.

Every apiserver does this; whoever comes second finds nothing to do. Upstream's controller-manager does it.
"""

from __future__ import annotations

import asyncio
import logging

from apimachinery.objects import Object
from apiserver.admission.policies.type_checking import expression_warnings
from apiserver.registry.store import Store
from apiserver.registry.transaction import Decision, Keep, Put
from apiserver.storage.entry import Entry
from apiserver.storage.interface import StorageError
from apiserver.storage.topic import Reader

log = logging.getLogger(__name__)

_RETRY_SECONDS = 1.0


class PolicyStatus:
    """`policies` is the store of ValidatingAdmissionPolicies."""

    def __init__(self, policies: Store) -> None:
        self._policies = policies
        self._seen: dict[str, int] = {}

    async def run(self) -> None:
        """Never returns."""
        await self._policies.shared.cache.ready.wait()
        changes = Reader(self._policies.cache.changes, self._policies.cache.changes.end)
        while True:
            changes.position = changes.topic.end
            try:
                await self._look_at_all()
            except StorageError as error:
                log.warning("Failed to write a policy's status, trying again: err=%s", error)
                await asyncio.sleep(_RETRY_SECONDS)
                continue
            await changes.wait()

    async def _look_at_all(self) -> None:
        entries = self._policies.cache.entries()
        for entry in entries:
            if self._seen.get(entry.name) != entry.revision and with_status(entry.obj) is not None:
                await self._policies.transactions.guaranteed_update(entry.key, _decide)
        self._seen = {entry.name: entry.revision for entry in entries}


async def _decide(entry: Entry | None) -> Decision:
    wanted = with_status(entry.obj) if entry is not None else None
    return Put(wanted) if wanted is not None else Keep()


def with_status(policy: Object) -> Object | None:
    """The policy with what checking it has found; None if that has been told."""
    generation, status = policy["metadata"].get("generation") or 0, policy.get("status") or {}
    if status.get("observedGeneration") == generation:
        return None
    warnings = expression_warnings(policy)
    checked = {"expressionWarnings": warnings} if warnings else {}
    return {**policy, "status": {**status, "observedGeneration": generation, "typeChecking": checked}}
