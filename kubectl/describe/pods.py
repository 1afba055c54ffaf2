"""Pods and pod templates."""

from __future__ import annotations

from apimachinery.objects import Object, annotations_of, get_path, labels_of
from apimachinery.pods import is_terminal
from kubectl.describe import values
from kubectl.describe.containers import write_containers, write_resources, write_seccomp
from kubectl.describe.values import NONE
from kubectl.describe.volumes import write_volumes
from kubectl.describe.writer import Writer


def write_pod(writer: Writer, pod: Object) -> None:
    spec, status = pod.get("spec") or {}, pod.get("status") or {}
    values.write_head(writer, pod)
    _write_placement(writer, spec, status)
    values.write_marks(writer, pod)
    _write_phase(writer, pod)
    write_seccomp(writer, spec.get("securityContext"), 0)
    _write_addresses(writer, status)
    values.write_controller(writer, pod)
    if status.get("nominatedNodeName"):
        writer.field("NominatedNodeName", status["nominatedNodeName"])
    if spec.get("resources"):
        writer.line("Resources:")
        write_resources(writer, spec["resources"], 1)
    _write_all_containers(writer, pod)
    _write_gates(writer, spec, status)
    values.write_conditions(writer, status.get("conditions"), reasons=False)
    write_volumes(writer, spec.get("volumes"))
    writer.field("QoS Class", status.get("qosClass") or "")
    values.write_labels(writer, "Node-Selectors", spec.get("nodeSelector"))
    values.write_tolerations(writer, "Tolerations", spec.get("tolerations"))
    write_spread(writer, spec)


def _write_placement(writer: Writer, spec: Object, status: Object) -> None:
    if spec.get("priority") is not None:
        writer.field("Priority", spec["priority"])
    for title, name in (
        ("Priority Class Name", "priorityClassName"),
        ("Runtime Class Name", "runtimeClassName"),
        ("Service Account", "serviceAccountName"),
    ):
        if spec.get(name):
            writer.field(title, spec[name])
    node = spec.get("nodeName")
    writer.field("Node", f"{node}/{status.get('hostIP', '')}" if node else NONE)
    if status.get("startTime"):
        writer.field("Start Time", values.local_time(status["startTime"]))


def _write_phase(writer: Writer, pod: Object) -> None:
    metadata, status = pod["metadata"], pod.get("status") or {}
    deleted = metadata.get("deletionTimestamp")
    if deleted and not is_terminal(pod):
        writer.field("Status", f"Terminating (lasts {values.age(deleted, values.now())})")
        writer.field("Termination Grace Period", f"{metadata.get('deletionGracePeriodSeconds', 0)}s")
    else:
        writer.field("Status", status.get("phase") or "")
    for title, name in (("Reason", "reason"), ("Message", "message")):
        if status.get(name):
            writer.field(title, status[name])


def _write_addresses(writer: Writer, status: Object) -> None:
    writer.field("IP", status.get("podIP") or "")
    addresses = status.get("podIPs")
    if not addresses:
        writer.field("IPs", NONE)
        return
    writer.line("IPs:")
    for each in addresses:
        writer.field("IP", each["ip"], 1)


def _write_all_containers(writer: Writer, pod: Object) -> None:
    spec, status = pod.get("spec") or {}, pod.get("status") or {}

    def resolve(_: Object, path: str) -> str:
        return field_value(pod, path)

    for title, name, statuses in (
        ("Init Containers", "initContainers", "initContainerStatuses"),
        ("Containers", "containers", "containerStatuses"),
        ("Ephemeral Containers", "ephemeralContainers", "ephemeralContainerStatuses"),
    ):
        if spec.get(name) or name == "containers":
            write_containers(writer, title, spec.get(name) or (), status.get(statuses) or (), resolve)


def field_value(pod: Object, path: str) -> str:
    """What a fieldRef gives; empty if it can't be told."""
    head, bracket, key = path.partition("['")
    if bracket:
        return str((get_path(pod, head) or {}).get(key.removesuffix("']"), ""))
    if path in ("metadata.labels", "metadata.annotations"):
        return "\n".join(f'{name}="{value}"' for name, value in sorted((get_path(pod, path) or {}).items()))
    return str(get_path(pod, path, ""))


def _write_gates(writer: Writer, spec: Object, status: Object) -> None:
    gates = spec.get("readinessGates")
    if not gates:
        return
    found = {each["type"]: each["status"] for each in status.get("conditions") or ()}
    writer.line("Readiness Gates:\n  Type\tStatus")
    for gate in gates:
        writer.line(f"{gate['conditionType']} \t{found.get(gate['conditionType'], NONE)} ", 1)


def write_spread(writer: Writer, spec: Object, indent: str = "") -> None:
    constraints = spec.get("topologySpreadConstraints")
    if constraints:
        ordered = sorted(constraints, key=lambda each: str(each["topologyKey"]))
        values.write_lines(
            writer, f"{indent}Topology Spread Constraints", [_spread(each) for each in ordered]
        )


def _spread(constraint: Object) -> str:
    text = (
        f"{constraint['topologyKey']}:{constraint['whenUnsatisfiable']} "
        f"when max skew {constraint['maxSkew']} is exceeded"
    )
    selector = constraint.get("labelSelector")
    return f"{text} for selector {values.format_label_selector(selector)}" if selector else text


def write_template(writer: Writer, template: Object | None) -> None:
    writer.line("Pod Template:")
    if not template:
        writer.line("  <unset>")
        return
    spec = template.get("spec") or {}
    values.write_labels(writer, "  Labels", labels_of(template))
    if annotations_of(template):
        values.write_annotations(writer, "  Annotations", annotations_of(template))
    if spec.get("serviceAccountName"):
        writer.field("  Service Account", spec["serviceAccountName"])
    if spec.get("initContainers"):
        write_containers(writer, "Init Containers", spec["initContainers"], indent="  ")
    write_containers(writer, "Containers", spec.get("containers") or (), indent="  ")
    write_volumes(writer, spec.get("volumes"), "  ")
    write_spread(writer, spec, "  ")
    if spec.get("priorityClassName"):
        writer.field("  Priority Class Name", spec["priorityClassName"])
    values.write_labels(writer, "  Node-Selectors", spec.get("nodeSelector"))
    values.write_tolerations(writer, "  Tolerations", spec.get("tolerations"))
