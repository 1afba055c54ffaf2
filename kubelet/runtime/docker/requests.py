"""What Docker is asked to create: the bodies of its requests, from the runtime's configs. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

from kubelet.runtime.docker.labels import sandbox_memory
from kubelet.runtime.docker.privileges import Privileges
from kubelet.runtime.docker.seen import without_scheme
from kubelet.runtime.interface import ContainerConfig, Device, Mount, Resources, SandboxConfig, Security

_CPU_PERIOD = 100_000
_SANDBOX_OOM_SCORE = -998
_RESOLV_CONF = "/etc/resolv.conf"
_PROPAGATION = {"None": "", "HostToContainer": "rslave", "Bidirectional": "rshared"}
"""With nothing said Docker takes rprivate, and rslave for what lies within its own root or holds it."""
_NO_HEALTHCHECK = {"Test": ["NONE"]}

Body = dict[str, Any]


@dataclass(frozen=True, slots=True)
class LogLimits:
    """When the engine begins another log file, and how many it keeps of a container."""

    bytes: int = 10 * 1024 * 1024
    files: int = 5


def sandbox_body(
    config: SandboxConfig, image: str, labels: Mapping[str, str], privileges: Privileges
) -> Body:
    """Without Docker's network: the node gives it one afterwards.

    Not merely of no network ("none") but with networking disabled: the engine then makes a bare network
    namespace and keeps out of it. Its own set-up costs a process a sandbox, and in Docker 20.10 taking many
    sandboxes down at once can lock it up for good (libnetwork: getSvcRecords against processEndpointDelete).
    """
    return {
        "NetworkDisabled": not config.host_network,
        "Image": image,
        "Hostname": config.hostname,
        "Labels": dict(labels),
        "Healthcheck": _NO_HEALTHCHECK,
        "HostConfig": {
            "NetworkMode": "host" if config.host_network else "none",
            "IpcMode": "host" if config.host_ipc else "shareable",
            "PidMode": "host" if config.host_pid else "",
            "CgroupParent": config.cgroup_parent,
            "CpuShares": 2,
            "OomScoreAdj": privileges.oom_score(_SANDBOX_OOM_SCORE),
            "LogConfig": {"Type": "none"},
            "Sysctls": dict(config.sysctls),
            "SecurityOpt": ["no-new-privileges"],
            "ReadonlyRootfs": True,
            **({"Runtime": config.runtime_handler} if config.runtime_handler else {}),
        },
    }


def container_body(
    config: ContainerConfig,
    sandbox_id: str,
    labels: Mapping[str, str],
    privileges: Privileges,
    sandbox: Mapping[str, Any],
    logs: LogLimits,
) -> Body:
    """`sandbox` is what Docker shows of the sandbox, whose namespaces and cgroup the container joins."""
    return {
        "Image": config.image,
        "Entrypoint": list(config.command) if config.command else None,
        "Cmd": list(config.args) if config.args else None,
        "Env": [f"{key}={value}" for key, value in config.env],
        "WorkingDir": config.working_dir,
        "Labels": dict(labels),
        "OpenStdin": config.stdin,
        "StdinOnce": config.stdin_once,
        "Tty": config.tty,
        "User": config.security.user or "",
        "Healthcheck": _NO_HEALTHCHECK,
        **({"StopSignal": config.stop_signal} if config.stop_signal else {}),
        "HostConfig": {
            **_namespaces(config, sandbox_id, sandbox),
            **_resources(config.resources, privileges),
            **_security(config.security, privileges),
            "Devices": [_device(each) for each in config.devices],
            "Mounts": [_mount(each) for each in _mounts(config, sandbox)],
            "LogConfig": {
                "Type": "json-file",
                "Config": {"max-size": str(logs.bytes), "max-file": str(logs.files)},
            },
        },
    }


def _namespaces(config: ContainerConfig, sandbox_id: str, sandbox: Mapping[str, Any]) -> Body:
    host, joined = sandbox["HostConfig"], f"container:{sandbox_id}"
    if config.share_processes_of:
        own_pid = f"container:{without_scheme(config.share_processes_of)}"
    else:
        own_pid = joined if sandbox_memory(sandbox["Config"]["Labels"]).share_pid else ""
    return {
        "NetworkMode": "host" if host["NetworkMode"] == "host" else joined,
        "UTSMode": "host" if host["NetworkMode"] == "host" else "",
        "IpcMode": "host" if host["IpcMode"] == "host" else joined,
        "PidMode": "host" if host["PidMode"] == "host" else own_pid,
        "CgroupParent": host.get("CgroupParent") or "",
        **({"Runtime": host["Runtime"]} if host.get("Runtime") else {}),
    }


def _resources(resources: Resources, privileges: Privileges) -> Body:
    """Swap is never given: a memory limit is one."""
    body: Body = {
        "CpuShares": resources.cpu_shares,
        "OomScoreAdj": privileges.oom_score(resources.oom_score_adj),
    }
    if resources.cpu_quota:
        body |= {"CpuPeriod": _CPU_PERIOD, "CpuQuota": resources.cpu_quota}
    if resources.memory_limit:
        body |= {"Memory": resources.memory_limit, "MemorySwap": resources.memory_limit}
    if resources.pids_limit:
        body["PidsLimit"] = resources.pids_limit
    return body


def update_body(resources: Resources) -> Body:
    """For a container that runs. Docker takes no limit of memory away; the API lets nobody ask for that."""
    memory = resources.memory_limit
    return {
        "CpuShares": resources.cpu_shares,
        "CpuPeriod": _CPU_PERIOD,
        "CpuQuota": resources.cpu_quota or -1,
        **({"Memory": memory, "MemorySwap": memory} if memory else {}),
    }


def _security(security: Security, privileges: Privileges) -> Body:
    options = _security_options(security)
    body: Body = {
        "ReadonlyRootfs": security.read_only_root,
        "CapAdd": list(security.add_capabilities),
        "CapDrop": list(security.drop_capabilities),
        "GroupAdd": [str(each) for each in security.supplemental_groups],
        "SecurityOpt": options,
    }
    if security.unmasked_proc:
        body |= {"MaskedPaths": [], "ReadonlyPaths": []}
    if security.privileged:
        body |= _privileged(options, privileges)
    return body


def _privileged(options: Sequence[str], privileges: Privileges) -> Body:
    if not privileges.missing:
        return {"Privileged": True}
    return {
        "CapAdd": ["ALL"],
        "CapDrop": privileges.missing,
        "SecurityOpt": [*options, "seccomp=unconfined", "apparmor=unconfined"],
        "MaskedPaths": [],
        "ReadonlyPaths": [],
        "DeviceCgroupRules": ["a *:* rwm"],
    }


def _security_options(security: Security) -> list[str]:
    options = ["no-new-privileges"] if security.no_new_privileges else []
    if security.seccomp and not security.privileged:
        options.append(f"seccomp={security.seccomp}")
    if security.apparmor and not security.privileged:
        options.append(f"apparmor={security.apparmor}")
    return [*options, *(f"label={key}:{value}" for key, value in security.selinux.items())]


def _mount(mount: Mount) -> Body:
    return {
        "Type": "bind",
        "Source": mount.host_path,
        "Target": mount.container_path,
        "ReadOnly": mount.read_only,
        "BindOptions": {"Propagation": _PROPAGATION[mount.propagation]},
    }


def _device(device: Device) -> Body:
    return {
        "PathOnHost": device.host_path,
        "PathInContainer": device.container_path,
        "CgroupPermissions": device.permissions,
    }


def resolv_conf_path(sandbox: Mapping[str, Any]) -> str:
    """Where the pod's resolv.conf is, in the engine's folder of the sandbox; without a network we make it."""
    if not sandbox["Config"].get("NetworkDisabled"):
        return str(sandbox["ResolvConfPath"])
    return str(PurePath(sandbox["HostnamePath"]).with_name("resolv.conf"))


def _mounts(config: ContainerConfig, sandbox: Mapping[str, Any]) -> list[Mount]:
    """With the pod's resolv.conf, unless the container has something of its own there."""
    if any(each.container_path == _RESOLV_CONF for each in config.mounts):
        return list(config.mounts)
    return [Mount(resolv_conf_path(sandbox), _RESOLV_CONF), *config.mounts]


def resolv_conf(config: SandboxConfig) -> str:
    """'' if the pod takes the node's."""
    lines = []
    if config.dns_searches:
        lines.append(f"search {' '.join(config.dns_searches)}")
    lines += [f"nameserver {server}" for server in config.dns_servers]
    if config.dns_options:
        lines.append(f"options {' '.join(config.dns_options)}")
    return "".join(f"{line}\n" for line in lines)
