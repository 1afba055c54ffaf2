"""The facts about the cluster itself: what its API tells, and what this machine shows if it runs here."""

from __future__ import annotations

import asyncio
import re
import time

from apimachinery import scheme
from apimachinery.errors import StatusError
from apimachinery.objects import Object, key_of, labels_of, name_of
from apimachinery.well_known import HOLLOW_NODE
from client.errors import ConnectionFailed
from kubeadm.inspection import Inspection
from kubectl.evidence import daemons
from kubectl.evidence.asker import ABSENT, Asker, in_time
from kubectl.why.rules.cluster import LEADERS, ClusterFacts
from kubectl.why.rules.nodes import NodeFacts
from kubectl.why.rules.pods import is_healthy

_FAILED = re.compile(r"\[-\](\S+) failed")
MAX_PROXIES = 10


async def cluster_facts(asker: Asker, local: Inspection | None) -> ClusterFacts:
    server = asker.client.config.server
    failed, unreachable = await _readiness(asker)
    if unreachable:
        return ClusterFacts(server=server, now=asker.now, unreachable=unreachable, local=local)
    if failed:
        return ClusterFacts(server=server, now=asker.now, failed_checks=failed, local=local)
    seconds, leases, nodes, node_leases, pods = await asyncio.gather(
        _store_seconds(asker),
        asyncio.gather(*(daemons.lease(asker, name) for name in LEADERS)),
        asker.listed(scheme.NODES),
        asker.listed(scheme.LEASES, "kube-node-lease"),
        asker.listed(scheme.PODS),
    )
    nodes, pods = nodes or [], pods or []
    by_name = {name_of(each): each for each in node_leases or ()}
    unseen = None if node_leases is None else ABSENT
    return ClusterFacts(
        server=server,
        now=asker.now,
        store_seconds=seconds,
        leases=dict(zip(LEADERS, leases, strict=True)),
        nodes=[NodeFacts(each, by_name.get(name_of(each), unseen), asker.now) for each in nodes],
        silent_proxies=await _silent_proxies(asker, nodes),
        pods=len(pods),
        unwell=[str(key_of(each)) for each in pods if not is_healthy(each)],
        local=local,
    )


async def _readiness(asker: Asker) -> tuple[list[str], str]:
    """The checks that failed, or why there was no answer."""
    try:
        await in_time(asker.client.request("GET", "/readyz", params={"verbose": ""}))
    except StatusError as error:
        return _FAILED.findall(error.message) or [str(error)], ""
    except ConnectionFailed as error:
        return [], str(error)
    return [], ""


async def _store_seconds(asker: Asker) -> float:
    """The best of three, so that a busy moment is not taken for a slow disk."""
    taken = []
    for _ in range(3):
        began = time.monotonic()
        await asker.text("/readyz/etcd", "etcd")
        taken.append(time.monotonic() - began)
    return min(taken)


async def _silent_proxies(asker: Asker, nodes: list[Object]) -> list[str]:
    if not await asker.is_ours():
        return []
    asked = [each for each in nodes if not labels_of(each).get(HOLLOW_NODE)][:MAX_PROXIES]
    answers = await asyncio.gather(*(daemons.proxy_answers(asker, each) for each in asked))
    return [name_of(node) for node, answer in zip(asked, answers, strict=True) if answer is False]
