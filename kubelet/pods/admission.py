"""Whether a node takes a pod that was bound to it: the scheduler's word is not enough. Pure.

Order, reasons and messages are upstream's. A refused pod fails for good; the pod's controller makes another.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from apimachinery.node_selector import parse_required_nodes
from apimachinery.objects import Object, get_path, labels_of, name_of
from apimachinery.pods import BEST_EFFORT, all_containers, host_ports, is_terminal, pod_requests, qos_class
from apimachinery.quantity import Quantity
from apimachinery.taints import NO_SCHEDULE, NODE_MEMORY_PRESSURE, find_untolerated, tolerates
from kubelet.pods.allocation import DEFERRED, INFEASIBLE, PendingResize
from kubelet.pods.critical import is_critical
from kubelet.pods.status import Verdict
from kubelet.pods.sysctls import forbidden_sysctl
from kubelet.static_pods.identity import is_static

OUT_OF = "OutOf"
_ORDER = ("pods", "cpu", "memory", "ephemeral-storage")
OS, OS_LABEL = "linux", "kubernetes.io/os"
_MEMORY_TAINT = {"key": NODE_MEMORY_PRESSURE, "effect": NO_SCHEDULE}


def admit(
    pod: Object,
    node: Object,
    others: Collection[Object],
    *,
    pressures: Collection[str] = (),
    unsafe_sysctls: Sequence[str] = (),
    has_apparmor: bool = True,
) -> Verdict | None:
    """None: welcome. `others` are the pods already admitted and not over.

    `pressures` are the node's conditions that eviction looks after, `unsafe_sysctls` what it allows.
    """
    return (
        _pressures(pod, pressures)
        or _sysctls(pod, unsafe_sysctls)
        or _operating_system(pod)
        or _supplemental_groups(pod)
        or shortage(pod, (node.get("status") or {}).get("allocatable") or {}, others)
        or _affinity(pod, node)
        or _name(pod, node)
        or _ports(pod, others)
        or _taints(pod, node)
        or _apparmor(pod, has_apparmor)
    )


_COUNTED = frozenset(
    {"AppArmor", "Evicted", "NodeShutdown", "PodOSNotSupported", "PodOSSelectorNodeLabelDoesNotMatch",
     "SupplementalGroupsPolicyNotSupported", "SysctlForbidden", "UnexpectedAdmissionError",
     *(OUT_OF + name for name in _ORDER)}
)  # fmt: skip


def counted_reason(reason: str) -> str:
    """As metrics call why a pod was turned away: one of few words."""
    if reason in _COUNTED:
        return reason
    return "OutOfExtendedResources" if reason.startswith(OUT_OF) else "Other"


def _pressures(pod: Object, pressures: Collection[str]) -> Verdict | None:
    """Under pressure of memory alone, pods that have asked for some are still welcome."""
    if not pressures or is_critical(pod):
        return None
    tolerations = (pod.get("spec") or {}).get("tolerations") or ()
    if set(pressures) == {"MemoryPressure"} and (
        qos_class(pod) != BEST_EFFORT or any(tolerates(each, _MEMORY_TAINT) for each in tolerations)
    ):
        return None
    return Verdict("Evicted", f"The node had condition: [{' '.join(sorted(pressures))}]. ")


def _sysctls(pod: Object, allowed: Sequence[str]) -> Verdict | None:
    complaint = forbidden_sysctl(pod, allowed)
    return Verdict("SysctlForbidden", complaint) if complaint else None


def _apparmor(pod: Object, has_apparmor: bool) -> Verdict | None:
    spec = pod.get("spec") or {}
    contexts = [spec.get("securityContext"), *(each.get("securityContext") for each in all_containers(spec))]
    kinds = {get_path(each, "appArmorProfile.type") for each in contexts}
    if has_apparmor or not kinds - {None, "Unconfined"}:
        return None
    return Verdict("AppArmor", "Cannot enforce AppArmor: AppArmor is not enabled on the host")


def _operating_system(pod: Object) -> Verdict | None:
    """By its own label, as upstream does, and by what it says it is made for."""
    if labels_of(pod).get(OS_LABEL, OS) != OS:
        words = f"Failed to admit pod as the `{OS_LABEL}` label doesn't match node label"
        return Verdict("PodOSSelectorNodeLabelDoesNotMatch", words)
    if get_path(pod, "spec.os.name", OS) != OS:
        return Verdict("PodOSNotSupported", "Failed to admit pod as the OS field doesn't match node OS")
    return None


def _supplemental_groups(pod: Object) -> Verdict | None:
    """Docker always adds the groups that the image has for its user."""
    if get_path(pod, "spec.securityContext.supplementalGroupsPolicy") != "Strict":
        return None
    words = "SupplementalGroupsPolicy=Strict is not supported in this node"
    return Verdict("SupplementalGroupsPolicyNotSupported", words)


def shortage(pod: Object, allocatable: Mapping[str, str], others: Iterable[Object]) -> Verdict | None:
    """What of the node's resources would not do for the pod beside the others."""
    running = [each for each in others if not is_terminal(each)]
    limit = int(Quantity.parse(allocatable.get("pods", "110")).value())
    if len(running) + 1 > limit:
        return _short("pods", 1, len(running), limit)
    used: dict[str, Quantity] = {}
    for each in running:
        for name, value in pod_requests(each).items():
            used[name] = used.get(name, Quantity()) + value
    requests = pod_requests(pod)
    for name in in_order(requests):
        wanted = requests[name]
        if name not in allocatable or not wanted:
            continue  # extended resources that nobody offers are the scheduler's business
        have, taken = Quantity.parse(allocatable[name]), used.get(name, Quantity())
        if wanted + taken > have:
            return _short(name, *(_number(name, each) for each in (wanted, taken, have)))
    return None


def in_order(resources: Iterable[str]) -> list[str]:
    """As they are looked at: the first that is short is told."""
    return sorted(resources, key=lambda name: (_ORDER.index(name) if name in _ORDER else len(_ORDER), name))


def judge_resize(
    wanted: Object, allocatable: Mapping[str, str], others: Iterable[Object]
) -> PendingResize | None:
    """None: what a pod asks for now is granted. Words are upstream's."""
    if is_static(wanted):
        return PendingResize(INFEASIBLE, "In-place resize of static-pods is not supported", "static_pod")
    requests = pod_requests(wanted)
    for name in ("memory", "cpu"):
        asked = requests.get(name, Quantity())
        if name in allocatable and asked > Quantity.parse(allocatable[name]):
            requested, capacity = _number(name, asked), _number(name, Quantity.parse(allocatable[name]))
            message = f"{name}, requested: {requested}, capacity: {capacity}"
            message = f"Node didn't have enough capacity: {message}"
            return PendingResize(INFEASIBLE, message, "insufficient_node_allocatable")
    verdict = shortage(wanted, allocatable, others)
    return PendingResize(DEFERRED, verdict.message) if verdict else None


def _number(name: str, value: Quantity) -> int:
    return value.milli_value() if name == "cpu" else value.value()


def _short(name: str, requested: int, used: int, capacity: int) -> Verdict:
    message = (
        f"Node didn't have enough resource: {name}, "
        f"requested: {requested}, used: {used}, capacity: {capacity}"
    )
    return Verdict(f"{OUT_OF}{name}", message)


def _name(pod: Object, node: Object) -> Verdict | None:
    wanted = (pod.get("spec") or {}).get("nodeName")
    if wanted and wanted != name_of(node):
        return _predicate("NodeName", "node(s) didn't match the requested node name")
    return None


def _ports(pod: Object, others: Iterable[Object]) -> Verdict | None:
    taken = {port for each in others if not is_terminal(each) for port in host_ports(each)}
    if any(_clashes(port, taken) for port in host_ports(pod)):
        return _predicate("NodePorts", "node(s) didn't have free ports for the requested pod ports")
    return None


def _clashes(wanted: tuple[str, str, int], taken: set[tuple[str, str, int]]) -> bool:
    ip, protocol, port = wanted
    return any(
        protocol == other_protocol and port == other_port and ("0.0.0.0" in (ip, other) or ip == other)
        for other, other_protocol, other_port in taken
    )


def _affinity(pod: Object, node: Object) -> Verdict | None:
    if parse_required_nodes(pod.get("spec") or {}).matches(name_of(node), labels_of(node)):
        return None
    return _predicate("NodeAffinity", "node(s) didn't match Pod's node affinity/selector")


def _taints(pod: Object, node: Object) -> Verdict | None:
    """Static pods are where they are."""
    if is_static(pod):
        return None
    spec = pod.get("spec") or {}
    taints = (node.get("spec") or {}).get("taints") or []
    taint = find_untolerated(taints, spec.get("tolerations") or [], ("NoExecute",))
    if taint is None:
        return None
    return _predicate("TaintToleration", "node(s) had taints that the pod didn't tolerate")


def _predicate(name: str, message: str) -> Verdict:
    return Verdict(name, f"Predicate {name} failed: {message}")
