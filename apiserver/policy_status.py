"""ValidatingAdmissionPolicies are told what is wrong with them, beside requests.

Every apiserver does this; whoever comes second finds nothing to do. Upstream's controller-manager does it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from apimachinery.objects import Object
from apiserver.admission.policies.type_checking import Kinds, expression_warnings
from apiserver.registry.store import Store
from apiserver.registry.transaction import Decision, Keep, Put
from apiserver.storage.entry import Entry
from apiserver.storage.interface import StorageError
from apiserver.storage.topic import Reader

log = logging.getLogger(__name__)

_RETRY_SECONDS = 1.0


class PolicyStatus:
    """`policies` is the store of ValidatingAdmissionPolicies, `kinds` tells what is served now."""

    def __init__(self, policies: Store, kinds: Callable[[], Kinds]) -> None:
        self._policies = policies
        self._kinds = kinds
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
            if self._seen.get(entry.name) != entry.revision and not is_checked(entry.obj):
                await self._policies.transactions.guaranteed_update(entry.key, self._decide)
        self._seen = {entry.name: entry.revision for entry in entries}

    async def _decide(self, entry: Entry | None) -> Decision:
        if entry is None or is_checked(entry.obj):
            return Keep()
        return Put(with_status(entry.obj, self._kinds()))


def is_checked(policy: Object) -> bool:
    """Whether its status tells of a check of the spec that it has now."""
    status = policy.get("status") or {}
    return bool(status.get("observedGeneration") == _generation(policy))


def _generation(policy: Object) -> int:
    return policy["metadata"].get("generation") or 0


def with_status(policy: Object, kinds: Kinds) -> Object:
    """The policy with what checking it has found."""
    warnings = expression_warnings(policy, kinds)
    checked = {"expressionWarnings": warnings} if warnings else {}
    status = {**(policy.get("status") or {}), "observedGeneration": _generation(policy)}
    return {**policy, "status": {**status, "typeChecking": checked}}
