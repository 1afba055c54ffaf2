"""The Runtime seam: sandboxes and containers as the kubelet sees them (upstream: the CRI).

Twins: `DockerRuntime` and `HollowRuntime`, one contract suite for both. Labels on the containers are
the kubelet's memory: `list_pods` after a restart must tell all that `ContainerConfig` was told in labels
and annotations.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from component_base.byte_stream import DuplexStream
from kubelet.network.listening import Listener
from kubelet.runtime.usage import ContainerDisk, ContainerUsage, InterfaceUsage

HOLLOW_PREFIX = "hollow.sampan.io/"
"""Pod annotations that say how the hollow runtime is to play the pod."""


DEFAULT_STOP_SIGNAL = "SIGTERM"


class ContainerState(StrEnum):
    CREATED = "created"
    RUNNING = "running"
    EXITED = "exited"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class SandboxConfig:
    """A pod's sandbox: the pause container that owns its network namespace."""

    namespace: str
    name: str
    uid: str
    attempt: int
    hostname: str
    host_network: bool = False
    host_pid: bool = False
    host_ipc: bool = False
    share_process_namespace: bool = False
    dns_servers: Sequence[str] = ()
    dns_searches: Sequence[str] = ()
    dns_options: Sequence[str] = ()
    sysctls: Mapping[str, str] = field(default_factory=dict)
    cgroup_parent: str = ""
    runtime_handler: str = ""
    """Which of the engine's runtimes runs it and its containers; '' for the default."""
    host_ports: Sequence[HostPort] = ()
    annotations: Mapping[str, str] = field(default_factory=dict)
    """Those of the pod that begin with HOLLOW_PREFIX; only the hollow runtime reads them."""


@dataclass(frozen=True, slots=True)
class HostPort:
    container_port: int
    host_port: int
    protocol: str = "TCP"
    host_ip: str = ""


@dataclass(frozen=True, slots=True)
class Mount:
    host_path: str
    container_path: str
    read_only: bool = False
    propagation: str = "None"
    """None, HostToContainer or Bidirectional."""


@dataclass(frozen=True, slots=True)
class Device:
    host_path: str
    container_path: str
    permissions: str
    """Of m(knod), r(ead) and w(rite)."""


@dataclass(frozen=True, slots=True)
class Resources:
    """cgroup limits: shares of 1024 a CPU, quota in microseconds each 100 ms (0: none), bytes (0: none)."""

    cpu_shares: int = 2
    cpu_quota: int = 0
    memory_limit: int = 0
    pids_limit: int = 0
    oom_score_adj: int = 0
    hugepages: Mapping[int, int] = field(default_factory=dict)
    """Bytes by page size, of the sizes that it may use."""


@dataclass(frozen=True, slots=True)
class Security:
    """The securityContext, pod and container levels merged; None leaves the image's or engine's default."""

    user: str | None = None
    """uid or uid:gid."""
    supplemental_groups: Sequence[int] = ()
    privileged: bool = False
    read_only_root: bool = False
    no_new_privileges: bool = False
    add_capabilities: Sequence[str] = ()
    drop_capabilities: Sequence[str] = ()
    seccomp: str = ""
    """'' (engine's default), 'unconfined' or a profile's path."""
    apparmor: str = ""
    """'' (engine's default), 'unconfined' or a profile's name."""
    selinux: Mapping[str, str] = field(default_factory=dict)
    """user, role, type and level, as far as they are asked for."""
    unmasked_proc: bool = False


@dataclass(frozen=True, slots=True)
class ContainerConfig:
    """A container to create in a sandbox. `labels` and `annotations` come back from list_pods unchanged."""

    name: str
    attempt: int
    """The restart count it will show."""
    image: str
    """The image's id or reference, already on the node."""
    command: Sequence[str] | None
    args: Sequence[str] | None
    working_dir: str
    env: Sequence[tuple[str, str]]
    mounts: Sequence[Mount]
    resources: Resources
    security: Security
    devices: Sequence[Device] = ()
    stdin: bool = False
    stdin_once: bool = False
    tty: bool = False
    stop_signal: str = ""
    share_processes_of: str = ""
    """The id of a container whose process namespace this one joins, instead of the pod's or its own."""
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RuntimeContainer:
    """A container as the engine shows it. Times are Unix seconds, 0 if it has not come to that."""

    id: str
    """With the runtime's scheme, as containerID shows it: docker://<hex>."""
    name: str
    attempt: int
    image: str
    image_id: str
    state: ContainerState
    created_at: float
    started_at: float = 0.0
    finished_at: float = 0.0
    exit_code: int = 0
    signal: int = 0
    oom_killed: bool = False
    error: str = ""
    """The engine's words when the start failed."""
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    stop_signal: str = ""
    """What stops it, by its own word, its image's or the engine's default: SIGTERM."""
    resources: Resources | None = None
    """Its cgroup's limits now, without pids and OOM score; None if the engine keeps none."""


@dataclass(frozen=True, slots=True)
class RuntimeSandbox:
    id: str
    attempt: int
    ready: bool
    created_at: float
    ips: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RuntimePod:
    """All that the engine holds of one pod: newest first, dead ones included."""

    uid: str
    namespace: str
    name: str
    sandboxes: tuple[RuntimeSandbox, ...] = ()
    containers: tuple[RuntimeContainer, ...] = ()


@dataclass(frozen=True, slots=True)
class RuntimeEvent:
    """Something happened to a container of this pod; look again."""

    pod_uid: str
    """'' for all: the stream has just been opened, and nothing that happens from now on will be missed."""


@dataclass(frozen=True, slots=True)
class ImageRef:
    """An image on the node."""

    id: str
    digests: tuple[str, ...]
    tags: tuple[str, ...]
    size: int
    user: str = ""


@dataclass(frozen=True, slots=True)
class PullCredentials:
    username: str
    password: str
    server: str = ""


@dataclass(frozen=True, slots=True)
class ExecResult:
    exit_code: int
    output: bytes
    """stdout and stderr as they came."""


class ExecStream(Protocol):
    """A running exec or attach: bytes both ways."""

    async def read(self) -> tuple[int, bytes] | None:
        """The next piece: (1 stdout | 2 stderr, bytes), or None at the end."""

    async def write(self, data: bytes) -> None: ...
    async def close_stdin(self) -> None: ...
    async def resize(self, width: int, height: int) -> None: ...
    async def wait(self) -> int:
        """The exit code, once it has ended."""

    async def aclose(self) -> None: ...


@dataclass(frozen=True, slots=True)
class LogOptions:
    follow: bool = False
    tail: int | None = None
    since: float = 0.0
    """Unix seconds; 0: from the start."""
    timestamps: bool = False
    limit_bytes: int | None = None
    stream: str = "All"
    """All, Stdout or Stderr."""


@dataclass(frozen=True, slots=True)
class RuntimeVersion:
    name: str
    version: str
    api_version: str


class ContainerRuntimeError(Exception):
    """The engine refused. `reason` is what a container's waiting state shows (upstream's word)."""

    reason = "ContainerRuntimeError"


class ImagePullError(ContainerRuntimeError):
    reason = "ErrImagePull"


class ImageNeverPullError(ContainerRuntimeError):
    reason = "ErrImageNeverPull"


class ImageInUseError(ContainerRuntimeError):
    """It stays: a container of this node or of somebody else has it."""


class InvalidImageNameError(ContainerRuntimeError):
    reason = "InvalidImageName"


class CreateContainerError(ContainerRuntimeError):
    reason = "CreateContainerError"


class CreateContainerConfigError(ContainerRuntimeError):
    reason = "CreateContainerConfigError"


class RunContainerError(ContainerRuntimeError):
    reason = "RunContainerError"


class SandboxError(ContainerRuntimeError):
    reason = "CreatePodSandboxError"


class RuntimeUnavailable(ContainerRuntimeError):
    """The engine does not answer; nothing is known."""

    reason = "RuntimeUnavailable"


class Runtime(Protocol):
    """Called from one event loop; blocking engines use their own small thread pool behind it.

    Stopping or removing what is gone is success. Every method may raise RuntimeUnavailable.
    """

    async def version(self) -> RuntimeVersion: ...
    async def cgroup_driver(self) -> str:
        """cgroupfs or systemd: whose cgroups its containers live in."""

    async def update_pod_cidr(self, cidr: str) -> None:
        """The Node's podCIDR became known. Until then sandboxes fail, but for those on the host's network."""

    def network_ready(self) -> bool:
        """Whether pods can get an address: what the node's Ready condition waits for."""
        ...

    async def list_pods(self) -> dict[str, RuntimePod]:
        """By uid: every pod of this node's that the engine holds anything of."""

    async def get_pod(self, uid: str) -> RuntimePod | None: ...
    def events(self) -> AsyncIterator[RuntimeEvent]:
        """For ever; raises RuntimeUnavailable when the stream breaks (the caller asks again and relists)."""

    async def create_sandbox(self, config: SandboxConfig) -> RuntimeSandbox:
        """Creates and starts it, with its network. Raises SandboxError."""

    async def stop_sandbox(self, sandbox_id: str) -> None: ...
    async def remove_sandbox(self, sandbox_id: str) -> None: ...
    async def create_container(self, pod_uid: str, sandbox_id: str, config: ContainerConfig) -> str: ...
    async def start_container(self, container_id: str) -> None: ...
    async def stop_container(self, container_id: str, grace: float) -> None:
        """The stop signal, then SIGKILL after grace seconds; returns when it has ended."""

    async def update_container(self, container_id: str, resources: Resources) -> None:
        """Changes processors and memory while it runs; events tell of it. Raises ContainerRuntimeError."""

    async def remove_container(self, container_id: str) -> None: ...
    async def exec_sync(self, container_id: str, command: Sequence[str], limit: float) -> ExecResult:
        """Raises TimeoutError after limit seconds."""

    async def exec(
        self, container_id: str, command: Sequence[str], *, stdin: bool, stdout: bool, stderr: bool, tty: bool
    ) -> ExecStream: ...
    async def attach(
        self, container_id: str, *, stdin: bool, stdout: bool, stderr: bool, tty: bool
    ) -> ExecStream: ...
    async def logs(self, container_id: str, options: LogOptions) -> AsyncIterator[bytes]:
        """Ends with the log, or when it is followed with the container."""

    async def port_forward(self, sandbox_id: str, port: int) -> DuplexStream:
        """A connection to what listens on localhost in the sandbox's network namespace."""

    async def listeners(self, pod_uid: str) -> list[Listener]:
        """What listens in the pod's network namespace now; nothing while none of it runs."""

    async def pull_image(self, image: str, credentials: Sequence[PullCredentials]) -> ImageRef:
        """Tries each of the credentials, then none. Raises ImagePullError."""

    async def image(self, image: str) -> ImageRef | None: ...
    async def list_images(self) -> list[ImageRef]: ...
    async def remove_image(self, image_id: str) -> None:
        """With all its names. Raises ImageInUseError, ContainerRuntimeError."""

    async def copy_image(self, image_id: str, folder: Path) -> None:
        """Fills an empty folder with the image's files. Raises ContainerRuntimeError."""

    async def usage(self) -> dict[str, ContainerUsage]:
        """By container id, of running containers of this node's pods."""

    async def cgroups(self) -> dict[str, str]:
        """Where running containers of this node's pods live, by container id; hollow ones live nowhere."""

    async def network_usage(self, pod_uids: Sequence[str]) -> dict[str, list[InterfaceUsage]]:
        """By pod uid, of those that run in a network of their own."""

    async def disk_usage(self, container_ids: Sequence[str]) -> dict[str, ContainerDisk]:
        """By container id, of those that are known, running or not. Walks through their files."""

    async def image_folder(self) -> str:
        """Where images and writable layers are kept; '' if nowhere."""

    async def aclose(self) -> None: ...
