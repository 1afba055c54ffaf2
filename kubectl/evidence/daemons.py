"""What scheduler, kubelet, kube-proxy and apiserver tell beyond the objects. See docs/decisions/0007."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import orjson

from apimachinery import scheme
from apimachinery.errors import StatusError
from apimachinery.objects import Object, get_path, labels_of, name_of, namespace_of, uid_of
from apimachinery.well_known import CONTROL_PLANE_ROLE, HOLLOW_NODE, HOSTNAME
from client.errors import ConnectionFailed
from kubectl.evidence.asker import Asker, Objects, in_time

SCHEDULER_PORT, PROXY_PORT = 10259, 10261
_MAX_HOSTS = 3
_NOBODY = re.compile(r"refused|connect call failed|no route to host|timed? ?out|no answer within", re.I)
"""What the apiserver says of a daemon that is not there, or not to be reached."""


@dataclass(frozen=True, slots=True)
class NodeRecord:
    """What the pod's kubelet tells of it."""

    steps: Objects = ()
    probes: Objects = ()
    listeners: Objects = ()


async def lease(asker: Asker, name: str, namespace: str = "kube-system") -> Object | None:
    return await asker.get(scheme.LEASES, name, namespace)


async def node_record(asker: Asker, pod: Object, node: Object | None) -> NodeRecord | None:
    """What the pod's kubelet tells of this very pod."""
    if not node or labels_of(node).get(HOLLOW_NODE):
        return None
    path = f"/api/v1/nodes/{name_of(node)}/proxy/debug/pods/{namespace_of(pod)}/{quote(name_of(pod))}"
    answer = await asker.json(path, f"kubelet of {name_of(node)}")
    for each in (answer or {}).get("pods") or ():
        if each["uid"] == uid_of(pod):
            return NodeRecord(each["steps"], each["probes"], each["listeners"])
    return None


async def attempts(asker: Asker, pod: Object, leader: Object | None, nodes: Objects) -> Objects | None:
    """The scheduler's attempts for the pod, from the scheduler that leads."""
    query = {"namespace": namespace_of(pod), "name": name_of(pod)}
    for host in hosts_of(leader, nodes)[:_MAX_HOSTS]:
        path = f"/api/v1/nodes/https:{host}:{SCHEDULER_PORT}/proxy/debug/attempts"
        answer = await asker.json(path, f"scheduler on {host}", **query)
        if answer and answer["attempts"]:
            found: Objects = answer["attempts"]
            return found
    return None


def hosts_of(leader: Object | None, nodes: Objects) -> list[str]:
    """The nodes that the holder of a Lease may run on. Its identity begins with its host's name."""
    host = (get_path(leader or {}, "spec.holderIdentity") or "").rpartition("_")[0]
    real = [each for each in nodes if not labels_of(each).get(HOLLOW_NODE)]
    named = [name_of(each) for each in real if host in (name_of(each), labels_of(each).get(HOSTNAME))]
    if named:
        return named
    masters = [name_of(each) for each in real if CONTROL_PLANE_ROLE in labels_of(each)]
    return masters or [name_of(each) for each in real]


class Silent(Exception):
    """Nothing listens where a daemon should."""


async def programmed(asker: Asker, service: Object, node: Object) -> Objects | None:
    """What a node's kube-proxy programmed for a Service; None if that can't be known. Raises Silent."""
    answer = await _proxy(asker, node, namespace=namespace_of(service), name=name_of(service))
    if answer is None:
        return None
    return next((each["programmed"] for each in answer["services"]), [])


async def proxy_answers(asker: Asker, node: Object) -> bool:
    """False if nothing listens there."""
    try:
        await _proxy(asker, node, namespace="default", name="kubernetes")
    except Silent:
        return False
    return True


async def _proxy(asker: Asker, node: Object, **query: str) -> Any | None:
    path = f"/api/v1/nodes/https:{name_of(node)}:{PROXY_PORT}/proxy/debug/services"
    try:
        return await in_time(asker.client.document(path, params=query))
    except (StatusError, ConnectionFailed) as error:
        if _NOBODY.search(str(error)):
            raise Silent from None
        asker.note(f"kube-proxy of {name_of(node)}", error)
        return None


async def deletion(asker: Asker, plural: str, namespace: str, name: str) -> Object | None:
    """The journal's newest line of an object's deletion."""
    query = {"resource": plural, "namespace": namespace, "name": name}
    lines = (await asker.text("/debug/journal", "journal of writes", **query) or "").splitlines()
    records: list[Object] = [orjson.loads(line) for line in lines if line.startswith("{")]
    return next((each for each in reversed(records) if each.get("verb") == "delete"), None)
