"""Nodes: what they are, what they have, and what runs on them."""

from __future__ import annotations

from collections.abc import Sequence

from apimachinery.objects import Object, get_path, labels_of, name_of, namespace_of
from apimachinery.pods import add_up, pod_limits, pod_requests
from apimachinery.quantity import Quantity
from apimachinery.well_known import ROLE, ROLE_PREFIX
from kubectl.describe import values
from kubectl.describe.related import Related
from kubectl.describe.values import UNSET
from kubectl.describe.writer import Writer

_SYSTEM_INFO = (
    ("Machine ID", "machineID"), ("System UUID", "systemUUID"), ("Boot ID", "bootID"),
    ("Kernel Version", "kernelVersion"), ("OS Image", "osImage"), ("Operating System", "operatingSystem"),
    ("Architecture", "architecture"), ("Container Runtime Version", "containerRuntimeVersion"),
    ("Kubelet Version", "kubeletVersion"), ("Kube-Proxy Version", "kubeProxyVersion"),
)  # fmt: skip
ZERO = Quantity()


def write_node(writer: Writer, obj: Object, related: Related) -> None:
    spec = obj.get("spec") or {}
    writer.field("Name", name_of(obj))
    writer.field("Roles", ",".join(roles_of(obj)) or values.NONE)
    values.write_marks(writer, obj)
    writer.field("CreationTimestamp", values.local_time(obj["metadata"].get("creationTimestamp")))
    values.write_lines(writer, "Taints", [values.taint_text(each) for each in spec.get("taints") or ()])
    writer.field("Unschedulable", values.truth(spec.get("unschedulable")))
    _write_lease(writer, related.get("leases", []))
    _write_status(writer, obj.get("status") or {})
    for title, name in (("PodCIDR", "podCIDR"), ("ProviderID", "providerID")):
        if spec.get(name):
            writer.field(title, spec[name])
        if title == "PodCIDR" and spec.get("podCIDRs"):
            writer.field("PodCIDRs", ",".join(spec["podCIDRs"]))
    _write_load(writer, obj, related.get("pods", []))


def roles_of(node: Object) -> list[str]:
    found = {key.removeprefix(ROLE_PREFIX) for key in labels_of(node) if key.startswith(ROLE_PREFIX)}
    if role := labels_of(node).get(ROLE):
        found.add(role)
    return sorted(found)


def _write_lease(writer: Writer, leases: Sequence[Object]) -> None:
    spec = leases[0].get("spec") or {} if leases else {}
    writer.line("Lease:")
    writer.field("HolderIdentity", spec.get("holderIdentity") or UNSET, 1)
    writer.field("AcquireTime", values.local_time(spec.get("acquireTime")), 1)
    writer.field("RenewTime", values.local_time(spec.get("renewTime")), 1)


def _write_status(writer: Writer, status: Object) -> None:
    if conditions := status.get("conditions"):
        writer.line("Conditions:\n  Type\tStatus\tLastHeartbeatTime\tLastTransitionTime\tReason\tMessage")
        writer.line("----\t------\t-----------------\t------------------\t------\t-------", 1)
        for each in conditions:
            times = [
                values.local_time(each.get(name)) for name in ("lastHeartbeatTime", "lastTransitionTime")
            ]
            what = (each.get("reason") or "", each.get("message") or "")
            writer.line("\t".join([f"{each['type']} ", f"{each['status']} ", *(f"{t} " for t in times),
                                   f"{what[0]} ", what[1]]), 1)  # fmt: skip
    writer.line("Addresses:")
    for each in status.get("addresses") or ():
        writer.field(each["type"], each["address"], 1)
    for title, name in (("Capacity", "capacity"), ("Allocatable", "allocatable")):
        if amounts := status.get(name):
            writer.line(f"{title}:")
            for key, amount in sorted(amounts.items()):
                writer.field(key, amount, 1)
    writer.line("System Info:")
    info = status.get("nodeInfo") or {}
    for title, name in _SYSTEM_INFO:
        if info.get(name) or name != "kubeProxyVersion":
            writer.line(f" {title}:\t{info.get(name) or ''}")


def _write_load(writer: Writer, node: Object, pods: Sequence[Object]) -> None:
    """The pods with what they ask for, and the sums."""
    status = node.get("status") or {}
    room = {
        name: Quantity.parse(amount)
        for name, amount in (status.get("allocatable") or status.get("capacity") or {}).items()
    }
    writer.field("Non-terminated Pods", f"({len(pods)} in total)")
    writer.line("Namespace\tName\t\tCPU Requests\tCPU Limits\tMemory Requests\tMemory Limits\tAge", 1)
    writer.line("---------\t----\t\t------------\t----------\t---------------\t-------------\t---", 1)
    now = values.now()
    for pod in pods:
        asked = (pod_requests(pod), pod_limits(pod))
        cells = [_share(each, name, room) for name in ("cpu", "memory") for each in asked]
        age = values.age(get_path(pod, "metadata.creationTimestamp"), now)
        writer.line("\t".join([namespace_of(pod), name_of(pod), "", *cells, age]), 1)
    _write_sums(writer, pods, room)


def _share(amounts: dict[str, Quantity], name: str, room: dict[str, Quantity]) -> str:
    """`100m (5%)`"""
    amount, whole = amounts.get(name, ZERO), room.get(name, ZERO)
    percent = int(amount.milli_value() * 100 / whole.milli_value()) if whole else 0
    return f"{amount} ({percent}%)"


def _write_sums(writer: Writer, pods: Sequence[Object], room: dict[str, Quantity]) -> None:
    requests, limits = add_up([pod_requests(pod) for pod in pods]), add_up([pod_limits(pod) for pod in pods])
    writer.line("Allocated resources:\n  (Total limits may be over 100 percent, i.e., overcommitted.)")
    writer.line("Resource\tRequests\tLimits", 1)
    writer.line("--------\t--------\t------", 1)
    for name in ("cpu", "memory", "ephemeral-storage"):
        writer.line(f"{name}\t{_share(requests, name, room)}\t{_share(limits, name, room)}", 1)
    for name in sorted(set(room) - {"cpu", "memory", "ephemeral-storage", "pods"}):
        if name.startswith("hugepages-"):
            writer.line(f"{name}\t{_share(requests, name, room)}\t{_share(limits, name, room)}", 1)
        else:
            writer.line(f"{name}\t{requests.get(name, ZERO)}\t{limits.get(name, ZERO)}", 1)
