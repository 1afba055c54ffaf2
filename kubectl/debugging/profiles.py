"""What a profile lets a debugging container do, and what of a copied pod it leaves out.

Source: k8s.io/kubectl/pkg/cmd/debug/profiles.go.
"""

from __future__ import annotations

from enum import Enum
from typing import Annotated, Any, NamedTuple

from apimachinery.objects import Object
from kubectl.arguments import Flag

LEGACY = "legacy"
PROFILES = (LEGACY, "general", "baseline", "netadmin", "restricted", "sysadmin")
_PROBES = ("liveness", "readiness", "startup")


class Style(Enum):
    """How one looks: from a container put into the pod, from a copy of it, or from a pod on the node."""

    EPHEMERAL = "ephemeral"
    COPY = "copy"
    NODE = "node"


class Keep(NamedTuple):
    """What a copy keeps of its pod."""

    labels: Annotated[bool, Flag("--keep-labels", help="With --copy-to: keep the pod's labels.")] = False
    annotations: Annotated[
        bool, Flag("--keep-annotations", help="With --copy-to: keep the pod's annotations.")
    ] = False
    liveness: Annotated[bool, Flag("--keep-liveness", help="With --copy-to: keep liveness probes.")] = False
    readiness: Annotated[bool, Flag("--keep-readiness", help="With --copy-to: keep readiness probes.")] = (
        False
    )
    startup: Annotated[bool, Flag("--keep-startup", help="With --copy-to: keep startup probes.")] = False
    init_containers: Annotated[
        bool, Flag("--keep-init-containers", help="With --copy-to: run the init containers, too.")
    ] = True


def apply(profile: str, pod: Object, name: str, style: Style, keep: Keep) -> None:
    """Changes the pod, and its container of this name, in place."""
    container = find(pod, name)
    if profile == LEGACY:
        if style is Style.COPY:
            pod["metadata"].pop("labels", None)
        elif style is Style.NODE:
            _mount_root(pod, container)
            _use_host(pod)
        return
    _secure(profile, container, style)
    if style is Style.COPY:
        _strip(pod, keep)
        pod["spec"].setdefault("shareProcessNamespace", True)
    elif style is Style.NODE and profile in ("general", "netadmin", "sysadmin"):
        _use_host(pod)
        if profile != "netadmin":
            _mount_root(pod, container)


def find(pod: Object, name: str) -> Object:
    groups = ("initContainers", "containers", "ephemeralContainers")
    found: Object = next(
        each for group in groups for each in pod["spec"].get(group) or () if each["name"] == name
    )
    return found


def _secure(profile: str, container: Object, style: Style) -> None:
    if profile in ("baseline", "restricted") or (profile == "general" and style is Style.NODE):
        container.pop("securityContext", None)
    context = dict(container.get("securityContext") or {})
    if profile == "general" and style is not Style.NODE:
        _add(context, "SYS_PTRACE")
    elif profile == "netadmin":
        _add(context, "NET_ADMIN", "NET_RAW")
    elif profile == "sysadmin":
        context["privileged"] = True
    elif profile == "restricted":
        context |= {
            "runAsNonRoot": True,
            "capabilities": {"drop": ["ALL"]},
            "allowPrivilegeEscalation": False,
            "seccompProfile": {"type": "RuntimeDefault"},
        }
    if context:
        container["securityContext"] = context


def _add(context: Object, *capabilities: str) -> None:
    has: Any = context.get("capabilities") or {}
    context["capabilities"] = {**has, "add": [*(has.get("add") or ()), *capabilities]}


def _strip(pod: Object, keep: Keep) -> None:
    if not keep.labels:
        pod["metadata"].pop("labels", None)
    if not keep.annotations:
        pod["metadata"].pop("annotations", None)
    if not keep.init_containers:
        pod["spec"].pop("initContainers", None)
    for container in pod["spec"]["containers"]:
        for probe in _PROBES:
            if not getattr(keep, probe):
                container.pop(f"{probe}Probe", None)


def _use_host(pod: Object) -> None:
    pod["spec"] |= {"hostNetwork": True, "hostPID": True, "hostIPC": True}


def _mount_root(pod: Object, container: Object) -> None:
    volume = {"name": "host-root", "hostPath": {"path": "/"}}
    pod["spec"]["volumes"] = [*(pod["spec"].get("volumes") or ()), volume]
    mounts = container.get("volumeMounts") or ()
    container["volumeMounts"] = [*mounts, {"mountPath": "/host", "name": "host-root"}]


def may_lack_rights(pod: Object, container: Object) -> bool:
    """Whether the pod's user gets nothing of what the profile grants the container."""
    user = (pod["spec"].get("securityContext") or {}).get("runAsUser")
    own = container.get("securityContext") or {}
    granted = own.get("privileged") or (own.get("capabilities") or {}).get("add")
    return bool(user and own.get("runAsUser") != 0 and granted)
