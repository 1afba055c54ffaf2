"""The checks of the baseline level: what is known to lead out of a container.

Each check is named as upstream's; a number tells the minor version since which it is that way.
Source: policy/check_*.go of kubernetes/pod-security-admission at 1.34.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from apimachinery.field import format_value
from apimachinery.objects import Object, annotations_of, get_path
from apimachinery.pods import all_containers
from apiserver.admission.pod_security.violation import (
    Check,
    Violation,
    containers_where,
    named,
    plural,
    quoted,
    security_of,
    setters,
)

_APP_ARMOR_ANNOTATION = "container.apparmor.security.beta.kubernetes.io/"
_SECCOMP_OF_POD = "seccomp.security.alpha.kubernetes.io/pod"
_SECCOMP_OF_CONTAINER = "container.seccomp.security.alpha.kubernetes.io/"
_PROFILES = ("RuntimeDefault", "Localhost")
_CAPABILITIES = frozenset(
    ("AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "MKNOD", "NET_BIND_SERVICE",
     "SETFCAP", "SETGID", "SETPCAP", "SETUID", "SYS_CHROOT")
)  # fmt: skip
_HOST_NAMESPACES = ("hostNetwork", "hostPID", "hostIPC")
_SELINUX_TYPES = ("", "container_t", "container_init_t", "container_kvm_t")
_SYSCTLS = frozenset(
    ("kernel.shm_rmid_forced", "net.ipv4.ip_local_port_range", "net.ipv4.tcp_syncookies",
     "net.ipv4.ping_group_range", "net.ipv4.ip_unprivileged_port_start")
)  # fmt: skip
_SYSCTLS_27 = _SYSCTLS | {"net.ipv4.ip_local_reserved_ports"}
_SYSCTLS_29 = _SYSCTLS_27 | {
    "net.ipv4.tcp_keepalive_time", "net.ipv4.tcp_fin_timeout", "net.ipv4.tcp_keepalive_intvl",
    "net.ipv4.tcp_keepalive_probes",
}  # fmt: skip
_SYSCTLS_32 = _SYSCTLS_29 | {"net.ipv4.tcp_rmem", "net.ipv4.tcp_wmem"}


def app_armor_profile(metadata: Object, spec: Object) -> Violation | None:
    def bad_type(security: Object) -> str:
        profile = security.get("appArmorProfile")
        kind = str(profile.get("type", "")) if profile is not None else ""
        return "" if kind in _PROFILES else kind

    pod, containers = bad_type(security_of(spec)), containers_where(spec, bad_type)
    values = sorted({pod, *(bad_type(security_of(each)) for each in all_containers(spec))} - {""})
    annotations = sorted(
        f"{key}={format_value(value)}"
        for key, value in annotations_of({"metadata": metadata}).items()
        if key.startswith(_APP_ARMOR_ANNOTATION) and not _is_allowed_app_armor(value)
    )
    who = [setters(bool(pod), containers)] if values else []
    if annotations:
        who.append(plural(len(annotations), "annotation"))
        values += annotations
    if not who:
        return None
    return Violation(
        plural(len(values), "forbidden AppArmor profile"),
        f"{' and '.join(who)} must not set AppArmor profile type to {quoted(values)}",
    )


def _is_allowed_app_armor(profile: str) -> bool:
    return profile in ("", "runtime/default") or profile.startswith("localhost/")


def capabilities(metadata: Object, spec: Object) -> Violation | None:
    def bad(security: Object) -> set[str]:
        return set(get_path(security, "capabilities.add") or ()) - _CAPABILITIES

    containers = containers_where(spec, bad)
    if not containers:
        return None
    values = set[str]().union(*(bad(security_of(each)) for each in all_containers(spec)))
    where = "securityContext.capabilities.add"
    return Violation(
        "non-default capabilities",
        f"{named(containers)} must not include {quoted(sorted(values))} in {where}",
    )


def host_namespaces(metadata: Object, spec: Object) -> Violation | None:
    shared = [f"{field}=true" for field in _HOST_NAMESPACES if spec.get(field)]
    return Violation("host namespaces", ", ".join(shared)) if shared else None


def host_path_volumes(metadata: Object, spec: Object) -> Violation | None:
    volumes = [each["name"] for each in spec.get("volumes") or () if each.get("hostPath") is not None]
    if not volumes:
        return None
    return Violation("hostPath volumes", f"{plural(len(volumes), 'volume')} {quoted(volumes)}")


def host_ports(metadata: Object, spec: Object) -> Violation | None:
    ports = {
        each.get("name", ""): {
            str(port["hostPort"]) for port in each.get("ports") or () if port.get("hostPort")
        }
        for each in all_containers(spec)
    }
    containers = [name for name, taken in ports.items() if taken]
    if not containers:
        return None
    taken = sorted(set[str]().union(*ports.values()))
    use, what = plural(len(containers), "uses", "use"), plural(len(taken), "hostPort")
    return Violation("hostPort", f"{named(containers)} {use} {what} {', '.join(taken)}")


def host_probes(metadata: Object, spec: Object) -> Violation | None:
    hosts = {each.get("name", ""): set(_probed_hosts(each)) for each in all_containers(spec)}
    containers = sorted(name for name, probed in hosts.items() if probed)
    if not containers:
        return None
    probed = sorted(set[str]().union(*hosts.values()))
    use, what = plural(len(containers), "uses", "use"), plural(len(probed), "probe or lifecycle host")
    return Violation("probe or lifecycle host", f"{named(containers)} {use} {what} {quoted(probed)}")


def _probed_hosts(container: Object) -> Iterator[str]:
    handlers = [container.get(f"{name}Probe") for name in ("liveness", "readiness", "startup")]
    handlers += [get_path(container, f"lifecycle.{name}") for name in ("postStart", "preStop")]
    for handler in handlers:
        for action in ("httpGet", "tcpSocket"):
            host = get_path(handler or {}, f"{action}.host")
            if host:
                yield host


def privileged(metadata: Object, spec: Object) -> Violation | None:
    containers = containers_where(spec, lambda security: security.get("privileged"))
    if not containers:
        return None
    return Violation("privileged", f"{named(containers)} must not set securityContext.privileged=true")


def proc_mount(metadata: Object, spec: Object) -> Violation | None:
    def bad(security: Object) -> str:
        mount = str(security.get("procMount") or "Default")
        return "" if mount == "Default" else mount

    containers = containers_where(spec, bad)
    if not containers:
        return None
    mounts = sorted({bad(security_of(each)) for each in all_containers(spec)} - {""})
    return Violation(
        "procMount", f"{named(containers)} must not set securityContext.procMount to {quoted(mounts)}"
    )


def _selinux_options(types: tuple[str, ...], metadata: Object, spec: Object) -> Violation | None:
    def bad(security: Object) -> bool:
        options = security.get("seLinuxOptions") or {}
        return options.get("type", "") not in types or bool(options.get("user") or options.get("role"))

    pod, containers = bad(security_of(spec)), containers_where(spec, bad)
    if not pod and not containers:
        return None
    said = [security_of(each).get("seLinuxOptions") or {} for each in (spec, *all_containers(spec))]
    bad_types = sorted({each.get("type", "") for each in said} - set(types))
    details = [f"{plural(len(bad_types), 'type')} {quoted(bad_types)}"] if bad_types else []
    details += [
        f"{field} may not be set" for field in ("user", "role") if any(each.get(field) for each in said)
    ]
    who = setters(pod, containers)
    return Violation(
        "seLinuxOptions", f"{who} set forbidden securityContext.seLinuxOptions: {'; '.join(details)}"
    )


def seccomp_annotations(metadata: Object, spec: Object) -> Violation | None:
    """Before 1.19 profiles were annotations."""
    annotations = annotations_of({"metadata": metadata})
    keys = [_SECCOMP_OF_POD, *(_SECCOMP_OF_CONTAINER + each.get("name", "") for each in all_containers(spec))]
    bad = sorted(
        f"{key}={format_value(annotations[key])}"
        for key in keys
        if key in annotations and not _is_allowed_seccomp(annotations[key])
    )
    if not bad:
        return None
    return Violation("seccompProfile", f"forbidden {plural(len(bad), 'annotation')} {', '.join(bad)}")


def _is_allowed_seccomp(profile: str) -> bool:
    return profile in ("runtime/default", "docker/default") or profile.startswith("localhost/")


def seccomp_type(security: Object) -> str | None:
    """What a security context says of its seccomp profile, if anything."""
    profile = security.get("seccompProfile")
    return None if profile is None else str(profile.get("type", ""))


def seccomp_profile(metadata: Object, spec: Object) -> Violation | None:
    def bad(security: Object) -> bool:
        return seccomp_type(security) not in (None, *_PROFILES)

    pod, containers = bad(security_of(spec)), containers_where(spec, bad)
    if not pod and not containers:
        return None
    holders = map(security_of, (spec, *all_containers(spec)))
    values = sorted({seccomp_type(each) or "" for each in holders if bad(each)})
    where = "securityContext.seccompProfile.type"
    return Violation("seccompProfile", f"{setters(pod, containers)} must not set {where} to {quoted(values)}")


def _sysctls(allowed: frozenset[str], metadata: Object, spec: Object) -> Violation | None:
    listed = security_of(spec).get("sysctls") or ()
    bad = [each["name"] for each in listed if each["name"] not in allowed]
    return Violation("forbidden sysctls", ", ".join(bad)) if bad else None


def windows_host_process(metadata: Object, spec: Object) -> Violation | None:
    def bad(security: Object) -> bool:
        return bool(get_path(security, "windowsOptions.hostProcess"))

    pod, containers = bad(security_of(spec)), containers_where(spec, bad)
    if not pod and not containers:
        return None
    what = "must not set securityContext.windowsOptions.hostProcess=true"
    return Violation("hostProcess", f"{setters(pod, containers)} {what}")


CHECKS: dict[str, dict[int, Check]] = {
    "appArmorProfile": {0: app_armor_profile},
    "capabilities_baseline": {0: capabilities},
    "hostNamespaces": {0: host_namespaces},
    "hostPathVolumes": {0: host_path_volumes},
    "hostPorts": {0: host_ports},
    "hostProbesAndHostLifecycle": {34: host_probes},
    "privileged": {0: privileged},
    "procMount": {0: proc_mount},
    "seLinuxOptions": {
        0: partial(_selinux_options, _SELINUX_TYPES),
        31: partial(_selinux_options, (*_SELINUX_TYPES, "container_engine_t")),
    },
    "seccompProfile_baseline": {0: seccomp_annotations, 19: seccomp_profile},
    "sysctls": {
        0: partial(_sysctls, _SYSCTLS),
        27: partial(_sysctls, _SYSCTLS_27),
        29: partial(_sysctls, _SYSCTLS_29),
        32: partial(_sysctls, _SYSCTLS_32),
    },
    "windowsHostProcess": {0: windows_host_process},
}
"""By name, in the order in which they are told: since which minor version a check is what."""
