"""`drain`: cordons a node and evicts its pods, respecting disruption budgets."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

from apimachinery import scheme
from apimachinery.durations import parse_duration
from apimachinery.errors import NotFoundError, TooManyRequestsError
from apimachinery.objects import Object, annotations_of, controller_of, get_path, key_of, uid_of
from apimachinery.pods import is_terminal
from kubectl import cordoning, dry_run, session
from kubectl.arguments import Flag, Words
from kubectl.dry_run import DryRun
from kubectl.failures import CommandError
from kubectl.flags import Dry, Selector
from kubectl.waiting import until_gone

if TYPE_CHECKING:
    from client.rest import Client

_MIRROR = "kubernetes.io/config.mirror"
_EVICTION_RETRY_SECONDS = 5.0


def drain(
    words: Annotated[list[str] | None, Words("NODE...")] = None,
    selector: Selector = "",
    pod_selector: Annotated[str, Flag("--pod-selector")] = "",
    ignore_daemonsets: Annotated[bool, Flag("--ignore-daemonsets")] = False,
    delete_empty_dir: Annotated[bool, Flag("--delete-emptydir-data")] = False,
    force: Annotated[bool, Flag("--force", help="Also pods that nothing would bring back.")] = False,
    grace_period: Annotated[int, Flag("--grace-period")] = -1,
    disable_eviction: Annotated[bool, Flag("--disable-eviction")] = False,
    timeout: Annotated[str, Flag("--timeout", help="0s: as long as it takes.")] = "0s",
    dry: Dry = "none",
) -> None:
    """Drain node in preparation for maintenance."""
    mode, seconds = dry_run.parse(dry), parse_duration(timeout) or None
    options = None if grace_period < 0 else {"gracePeriodSeconds": grace_period}

    async def run(client: Client, _: str) -> None:
        for node in await cordoning.find_nodes(client, words or (), selector):
            await cordoning.set_unschedulable(client, node, True, mode)
            name = node["metadata"]["name"]
            listed = await client.list(
                scheme.PODS, field_selector=f"spec.nodeName={name}", label_selector=pod_selector or None
            )
            pods = choose(listed["items"], ignore_daemonsets, delete_empty_dir, force)
            async with asyncio.timeout(seconds), asyncio.TaskGroup() as group:
                for pod in pods:
                    group.create_task(_remove(client, pod, options, mode, evict=not disable_eviction))
            print(f"node/{name} drained{mode.suffix}")

    session.run(run)


def choose(
    pods: Sequence[Object], ignore_daemonsets: bool, delete_empty_dir: bool, force: bool
) -> list[Object]:
    """The pods to remove; says what it leaves. Raises CommandError if some may not be removed."""
    refusals: dict[str, list[str]] = {}
    ignored: list[str] = []
    chosen: list[Object] = []
    for pod in pods:
        problem = _problem(pod, ignore_daemonsets, delete_empty_dir, force)
        if _MIRROR in annotations_of(pod):
            continue
        if _is_of_daemon_set(pod) and ignore_daemonsets:
            ignored.append(str(key_of(pod)))
        elif problem:
            refusals.setdefault(problem, []).append(str(key_of(pod)))
        else:
            chosen.append(pod)
    if refusals:
        text = ", ".join(f"cannot delete {why}: {', '.join(names)}" for why, names in refusals.items())
        raise CommandError(f"unable to drain node due to error: {text}, continuing command...")
    if ignored:
        print(f"Warning: ignoring DaemonSet-managed Pods: {', '.join(ignored)}", file=sys.stderr)
    return chosen


def _is_of_daemon_set(pod: Object) -> bool:
    return (controller_of(pod) or {}).get("kind") == "DaemonSet"


def _problem(pod: Object, ignore_daemonsets: bool, delete_empty_dir: bool, force: bool) -> str:
    if is_terminal(pod):
        return ""
    if _is_of_daemon_set(pod) and not ignore_daemonsets:
        return "DaemonSet-managed Pods (use --ignore-daemonsets to ignore)"
    if not delete_empty_dir and any("emptyDir" in each for each in get_path(pod, "spec.volumes") or ()):
        return "Pods with local storage (use --delete-emptydir-data to override)"
    if controller_of(pod) is None and not force:
        return "Pods that declare no controller (use --force to override)"
    return ""


async def _remove(client: Client, pod: Object, options: Object | None, mode: DryRun, *, evict: bool) -> None:
    key = key_of(pod)
    verb = "evicting" if evict else "deleting"
    print(f"{verb} pod {key}{mode.suffix}")
    if mode is not DryRun.NONE:
        return
    try:
        if evict:
            await _evict(client, pod, options)
        else:
            await client.delete(scheme.PODS, key.name, key.namespace, options=options)
    except NotFoundError:
        return
    await until_gone(client, scheme.PODS, key.name, key.namespace, uid_of(pod))
    print(f"pod/{key.name} {'evicted' if evict else 'deleted'}")


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
