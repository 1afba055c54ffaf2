"""A pod's sandbox as the engine is asked to make it. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from apimachinery.objects import Object, get_path, name_of, namespace_of, uid_of
from component_base.resolv_conf import ResolvConf
from kubelet.containers.dns import sandbox_hostname
from kubelet.runtime.interface import HostPort, SandboxConfig


def sandbox_config(
    pod: Object,
    *,
    attempt: int,
    dns: ResolvConf,
    cluster_domain: str,
    cgroup_parent: str = "",
    runtime_handler: str = "",
    annotations: Mapping[str, str] | None = None,
) -> SandboxConfig:
    spec = pod.get("spec") or {}
    host_network = bool(spec.get("hostNetwork"))
    return SandboxConfig(
        namespace=namespace_of(pod),
        name=name_of(pod),
        uid=uid_of(pod),
        attempt=attempt,
        hostname="" if host_network else sandbox_hostname(pod, cluster_domain),
        host_network=host_network,
        host_pid=bool(spec.get("hostPID")),
        host_ipc=bool(spec.get("hostIPC")),
        share_process_namespace=bool(spec.get("shareProcessNamespace")),
        dns_servers=dns.servers,
        dns_searches=dns.searches,
        dns_options=dns.options,
        sysctls={each["name"]: each["value"] for each in get_path(spec, "securityContext.sysctls") or ()},
        cgroup_parent=cgroup_parent,
        runtime_handler=runtime_handler,
        host_ports=() if host_network else _host_ports(spec),
        annotations=annotations or {},
    )


def _host_ports(spec: Object) -> tuple[HostPort, ...]:
    """Of everything that runs at the same time: containers and sidecars."""
    sidecars = [each for each in spec.get("initContainers") or () if each.get("restartPolicy") == "Always"]
    return tuple(
        HostPort(
            port["containerPort"], port["hostPort"], port.get("protocol") or "TCP", port.get("hostIP") or ""
        )
        for container in [*sidecars, *(spec.get("containers") or ())]
        for port in container.get("ports") or ()
        if port.get("hostPort")
    )
