"""What the kubelet asks of the runtime for a pod."""

from __future__ import annotations

from kubelet.runtime.docker import labels
from kubelet.runtime.docker.labels import SandboxMemory
from kubelet.runtime.interface import (
    ContainerConfig,
    HostPort,
    Resources,
    SandboxConfig,
    Security,
)

POD = SandboxConfig("ns", "pod", "uid-1", 2, "host-a", host_ports=(HostPort(80, 8080),))
MEMORY = SandboxMemory("10.244.0.5", tuple(POD.host_ports), share_pid=False)
LABELS = labels.sandbox_labels("node-a", POD, MEMORY)
WEB = ContainerConfig(
    name="web", attempt=3, image="busybox", command=("a",), args=("b",), working_dir="/w",
    env=(("K", "v=w"),), mounts=(), resources=Resources(), security=Security(),
    labels={"l": "1"}, annotations={"a/b": "2"},
)  # fmt: skip
