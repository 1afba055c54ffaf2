"""`drain`: cordons nodes and evicts their pods, respecting disruption budgets."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated, NamedTuple

from apimachinery import scheme
from apimachinery.durations import format_duration
from apimachinery.errors import NotFoundError, TooManyRequestsError
from apimachinery.objects import Object, get_path, key_of, name_of, uid_of
from apimachinery.times import parse_time
from client.waiting import until_gone
from kubectl import cordoning, dry_run, session
from kubectl.arguments import Flag, Words
from kubectl.describe.values import now
from kubectl.draining import Rules, plan
from kubectl.dry_run import DryRun
from kubectl.failures import CommandError, PlainError
from kubectl.flags import ChunkSize, Dry, NodeSelector

if TYPE_CHECKING:
    from client.rest import Client

_EVICTION_RETRY_SECONDS = 5.0


class Removing(NamedTuple):
    """How pods are removed."""

    grace_period: Annotated[int, Flag("--grace-period", help="Seconds; -1: the pod's own.")] = -1
    disable_eviction: Annotated[
        bool, Flag("--disable-eviction", help="Delete, whatever disruption budgets say.")
    ] = False
    skip_wait: Annotated[
        int, Flag("--skip-wait-for-delete-timeout", help="Do not wait for what ends for so many seconds.")
    ] = 0
    timeout: Annotated[float, Flag("--timeout", help="How long to try; 0s: as long as it takes.")] = 0.0
    dry: Dry = "none"

    @property
    def options(self) -> Object | None:
        return None if self.grace_period < 0 else {"gracePeriodSeconds": self.grace_period}


def drain(
    words: Annotated[list[str], Words("NODE")],
    rules: Rules,
    removing: Removing,
    selector: NodeSelector = None,
    pod_selector: Annotated[str, Flag("--pod-selector", help="Only pods with these labels.")] = "",
    chunk_size: ChunkSize = 500,
) -> None:
    """Drain node in preparation for maintenance."""
    cordoning.check_words("drain", words, selector)
    mode = dry_run.parse(removing.dry)

    async def run(client: Client, _: str) -> None:
        nodes = await cordoning.find_nodes(client, words, selector)
        for node in nodes:
            await cordoning.set_unschedulable(client, node, True, mode)
        pending = {}
        for node in nodes:
            name = name_of(node)
            try:
                await _drain(client, name, rules, removing, pod_selector, mode)
            except CommandError as error:
                print(
                    f'error: unable to drain node "{name}" due to error: {error}, continuing command...',
                    file=sys.stderr,
                )
                pending[name] = str(error)
                continue
            print(f"node/{name} drained{mode.suffix}")
        if pending:
            listed = "".join(f" {name}\n" for name in pending)
            print(f"There are pending nodes to be drained:\n{listed}", end="", file=sys.stderr)
            raise PlainError("\n".join(dict.fromkeys(pending.values())))

    session.run(run, page_size=chunk_size)


async def _drain(
    client: Client, name: str, rules: Rules, removing: Removing, pod_selector: str, mode: DryRun
) -> None:
    listed = await client.list(
        scheme.PODS, field_selector=f"spec.nodeName={name}", label_selector=pod_selector or None
    )
    planned = plan(listed["items"], rules)
    if planned.refusals:
        raise CommandError(planned.refusal)
    if planned.warnings:
        print(f"Warning: {planned.warning}", file=sys.stderr)
    try:
        async with asyncio.timeout(removing.timeout or None):
            await _remove_all(client, planned.remove, removing, mode)
    except TimeoutError:
        seconds = format_duration(removing.timeout)
        raise CommandError(
            f"error when waiting for pods to terminate: global timeout reached: {seconds}"
        ) from None


async def _remove_all(client: Client, pods: Sequence[Object], removing: Removing, mode: DryRun) -> None:
    async with asyncio.TaskGroup() as group:
        for pod in pods:
            group.create_task(_remove(client, pod, removing, mode))


async def _remove(client: Client, pod: Object, removing: Removing, mode: DryRun) -> None:
    key = key_of(pod)
    evict = not removing.disable_eviction
    print(f"{'evicting' if evict else 'deleting'} pod {key}{mode.suffix}")
    if mode is not DryRun.NONE:
        return
    try:
        if evict:
            await _evict(client, pod, removing.options)
        else:
            await client.delete(scheme.PODS, key.name, key.namespace, options=removing.options)
    except NotFoundError:
        return
    if await _is_gone(client, pod, removing.skip_wait):
        print(f"pod/{key.name} {'evicted' if evict else 'deleted'}")
    else:
        what = f'pod "{key.name}" has DeletionTimestamp older than {removing.skip_wait} seconds'
        print(f"{what}, skipping")


async def _is_gone(client: Client, pod: Object, skip_wait: int) -> bool:
    """Waits for that; with `skip_wait` no longer than until it should have ended so many seconds ago."""
    key = key_of(pod)
    try:
        limit = None
        if skip_wait:
            ending = await client.get(scheme.PODS, key.name, key.namespace)
            limit = patience(ending, skip_wait, now())
        async with asyncio.timeout(limit):
            await until_gone(client, scheme.PODS, key.name, key.namespace, uid_of(pod))
    except NotFoundError:
        return True
    except TimeoutError:
        return False
    return True


def patience(pod: Object, skip_wait: int, at: datetime) -> float | None:
    """The seconds until the pod is one whose end was due so long ago that nobody waits for it."""
    due = get_path(pod, "metadata.deletionTimestamp")
    if not due:
        return None
    return max(0.0, (parse_time(due) - at) / timedelta(seconds=1) + skip_wait + 1)


async def _evict(client: Client, pod: Object, options: Object | None) -> None:
    """Asks again as long as a disruption budget refuses."""
    key = key_of(pod)
    metadata = {"name": key.name, "namespace": key.namespace}
    body: Object = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": metadata}
    if options:
        body["deleteOptions"] = options
    while True:
        try:
            await client.create(scheme.PODS, body, key.namespace, name=key.name, subresource="eviction")
            return
        except TooManyRequestsError as error:
            seconds = _EVICTION_RETRY_SECONDS
            what = f'error when evicting pods/"{key.name}" -n "{key.namespace}"'
            print(f"{what} (will retry after {seconds:g}s): {error.message}", file=sys.stderr)
            await asyncio.sleep(seconds)
