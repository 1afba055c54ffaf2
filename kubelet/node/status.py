"""The Node object and its status as pure functions of what the machine and the runtime are."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from apimachinery.conditions import find_condition
from apimachinery.objects import Object, name_of, uid_of
from apimachinery.quantity import Quantity
from apimachinery.well_known import HOSTNAME, MANAGED_ATTACH_DETACH
from component_base.version import GIT_VERSION
from kubelet.node.machine import Machine
from kubelet.runtime.interface import ImageRef, RuntimeVersion

MAX_IMAGES, MAX_IMAGE_NAMES = 50, 5
MAX_PODS = 110


@dataclass(frozen=True, slots=True)
class NodeConfig:
    name: str
    addresses: tuple[str, ...]
    hostname: str
    port: int = 10250
    max_pods: int = MAX_PODS
    pods_per_core: int = 0
    """Where there is one: no more pods than that for each processor."""
    max_images: int = MAX_IMAGES
    """So many images the status names; -1 for all."""
    report_seconds: float = 300.0
    """An unchanged status is sent this often, to move its heartbeats."""
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    taints: Sequence[Object] = ()
    provider_id: str = ""
    lease_seconds: int = 40
    reserved: Mapping[str, Quantity] = field(default_factory=dict)
    """systemReserved and kubeReserved together."""
    isolates_storage: bool = True
    """Whether disk is told of as a resource, and limits of it are enforced."""
    eviction_hard: Mapping[str, str] = field(
        default_factory=lambda: {
            "memory.available": "100Mi",
            "nodefs.available": "10%",
            "nodefs.inodesFree": "5%",
            "imagefs.available": "15%",
            "imagefs.inodesFree": "5%",
        }
    )


@dataclass(frozen=True, slots=True)
class Health:
    """What the Ready condition depends on; empty reasons are good."""

    runtime: str = ""
    network: str = ""
    shutdown: str = ""


def new_csi_node(node: Object) -> Object:
    """Which CSI drivers run on a node: none. It goes with the Node."""
    owner = {"apiVersion": "v1", "kind": "Node", "name": name_of(node), "uid": uid_of(node)}
    return {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "CSINode",
        "metadata": {"name": name_of(node), "ownerReferences": [owner]},
        "spec": {"drivers": []},
    }


def capacity_of(machine: Machine, config: NodeConfig) -> dict[str, str]:
    disk = str(Quantity.of(machine.disk, binary=True))
    return {
        "cpu": str(machine.cpus),
        "memory": str(Quantity.of(machine.memory, binary=True)),
        "pods": str(_max_pods(machine, config)),
        **({"ephemeral-storage": disk} if config.isolates_storage else {}),
        **{f"hugepages-{suffix}": str(Quantity.of(size, binary=True)) for suffix, size in machine.hugepages},
    }


def _max_pods(machine: Machine, config: NodeConfig) -> int:
    if not config.pods_per_core:
        return config.max_pods
    return min(machine.cpus * config.pods_per_core, config.max_pods)


def allocatable_of(machine: Machine, config: NodeConfig) -> dict[str, str]:
    """Capacity without what is reserved and without the margin at which eviction would begin.

    Pages set aside as huge are no other memory.
    """
    capacity = capacity_of(machine, config)
    kept = {
        "memory": _threshold(config.eviction_hard.get("memory.available", "0"), machine.memory)
        + sum(size for _, size in machine.hugepages),
        "ephemeral-storage": _threshold(config.eviction_hard.get("nodefs.available", "0"), machine.disk),
    }
    result = dict(capacity)
    for name, text in capacity.items():
        less = config.reserved.get(name, Quantity()) + Quantity.of(kept.get(name, 0))
        if less:
            left = Quantity.parse(text) - less
            result[name] = str(left) if left > Quantity() else "0"
    if "ephemeral-storage" in result:  # upstream shows plain bytes there
        result["ephemeral-storage"] = str(Quantity.parse(result["ephemeral-storage"]).value())
    return result


def extended_resources(status: Object) -> dict[str, str]:
    """What others advertise on the node by patching its capacity: the names that carry a domain.

    All of it is allocatable, as upstream's kubelet reports it with its next status.
    """
    return {name: amount for name, amount in (status.get("capacity") or {}).items() if "/" in name}


def _threshold(value: str, total: int) -> int:
    if value.endswith("%"):
        return int(total * float(value[:-1]) / 100)
    return Quantity.parse(value).value()


def node_labels(machine: Machine, config: NodeConfig) -> dict[str, str]:
    return {
        "beta.kubernetes.io/arch": machine.architecture,
        "beta.kubernetes.io/os": "linux",
        "kubernetes.io/arch": machine.architecture,
        HOSTNAME: config.hostname,
        "kubernetes.io/os": "linux",
        **config.labels,
    }


def new_node(machine: Machine, config: NodeConfig, status: Object) -> Object:
    """The Node to register."""
    spec: Object = {}
    if config.taints:
        spec["taints"] = list(config.taints)
    if config.provider_id:
        spec["providerID"] = config.provider_id
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {
            "name": config.name,
            "labels": node_labels(machine, config),
            "annotations": {
                MANAGED_ATTACH_DETACH: "true",
                **config.annotations,
            },
        },
        "spec": spec,
        "status": status,
    }


def node_status(
    machine: Machine,
    config: NodeConfig,
    extended: Mapping[str, str],
    conditions: list[Object],
    images: Sequence[ImageRef],
    version: RuntimeVersion,
) -> Object:
    return {
        "capacity": {**extended, **capacity_of(machine, config)},
        "allocatable": {**extended, **allocatable_of(machine, config)},
        "addresses": [
            *({"type": "InternalIP", "address": address} for address in config.addresses),
            {"type": "Hostname", "address": config.hostname},
        ],
        "conditions": conditions,
        "daemonEndpoints": {"kubeletEndpoint": {"Port": config.port}},
        "nodeInfo": node_info(machine, version),
        "images": node_images(images, config.max_images),
        "features": {"supplementalGroupsPolicy": False},
        "runtimeHandlers": [
            {"name": "", "features": {"recursiveReadOnlyMounts": False, "userNamespaces": False}}
        ],
    }


def node_info(machine: Machine, version: RuntimeVersion) -> Object:
    return {
        "architecture": machine.architecture,
        "bootID": machine.boot_id,
        "containerRuntimeVersion": f"{version.name}://{version.version}",
        "kernelVersion": machine.kernel,
        "kubeProxyVersion": "",
        "kubeletVersion": GIT_VERSION,
        "machineID": machine.machine_id,
        "operatingSystem": "linux",
        "osImage": machine.os_image,
        "systemUUID": machine.system_uuid,
        **({"swap": {"capacity": machine.swap}} if machine.swap else {}),
    }


def node_images(images: Sequence[ImageRef], most: int = MAX_IMAGES) -> list[Object]:
    """The largest ones: what ImageLocality scores with."""
    largest = sorted(images, key=lambda each: (-each.size, each.id))[: None if most < 0 else most]
    return [
        {"names": [*each.digests, *each.tags][:MAX_IMAGE_NAMES], "sizeBytes": each.size}
        for each in largest
        if each.digests or each.tags
    ]


def node_conditions(
    old: Sequence[Object], pressures: Collection[str], health: Health, now: str
) -> list[Object]:
    """Every condition of the kubelet, each with its heartbeat; those of others follow unchanged."""
    wanted = [
        _pressure("MemoryPressure", "KubeletHasSufficientMemory", "kubelet has sufficient memory available",
                  "KubeletHasInsufficientMemory", "kubelet has insufficient memory available", pressures),
        _pressure("DiskPressure", "KubeletHasNoDiskPressure", "kubelet has no disk pressure",
                  "KubeletHasDiskPressure", "kubelet has disk pressure", pressures),
        _pressure("PIDPressure", "KubeletHasSufficientPID", "kubelet has sufficient PID available",
                  "KubeletHasInsufficientPID", "kubelet has insufficient PID available", pressures),
        _ready(health),
    ]  # fmt: skip
    own = {each["type"] for each in wanted}
    others = [each for each in old if each["type"] not in own]
    return [*(_timed(each, old, now) for each in wanted), *others]


def _timed(condition: Object, old: Sequence[Object], now: str) -> Object:
    before = find_condition(old, condition["type"])
    same = before is not None and before.get("status") == condition["status"]
    since = before.get("lastTransitionTime", now) if before is not None and same else now
    return {**condition, "lastHeartbeatTime": now, "lastTransitionTime": since}


def _pressure(
    type: str, good: str, good_text: str, bad: str, bad_text: str, pressures: Collection[str]
) -> Object:
    is_bad = type in pressures
    reason, message = (bad, bad_text) if is_bad else (good, good_text)
    return {"type": type, "status": "True" if is_bad else "False", "reason": reason, "message": message}


def _ready(health: Health) -> Object:
    problems = [each for each in (health.runtime, health.network, health.shutdown) if each]
    if not problems:
        return {
            "type": "Ready",
            "status": "True",
            "reason": "KubeletReady",
            "message": "kubelet is posting ready status",
        }
    message = problems[0] if len(problems) == 1 else f"[{', '.join(problems)}]"
    return {"type": "Ready", "status": "False", "reason": "KubeletNotReady", "message": message}


def changes(old: Object, new: Object) -> Object:
    """What to merge into the old status to get the new one; conditions always, for their heartbeats."""
    patch: Object = {key: value for key, value in new.items() if key == "conditions" or old.get(key) != value}
    if "addresses" in patch:
        patch["addresses"] = [{"$patch": "replace"}, *patch["addresses"]]
    for each in patch.keys() & {"capacity", "allocatable"}:
        gone = (old.get(each) or {}).keys() - patch[each].keys()
        patch[each] = {**patch[each], **dict.fromkeys(gone)}
    return patch


def differs(old: Object, new: Object) -> bool:
    """Whether there is more news than heartbeats."""
    return _without_heartbeats(old) != _without_heartbeats(new)


def _without_heartbeats(status: Object) -> Object:
    conditions = [
        {key: value for key, value in each.items() if key != "lastHeartbeatTime"}
        for each in status.get("conditions") or ()
    ]
    return {**status, "conditions": conditions}
