"""Judges a machine: one function a check, each from facts to findings. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator

from kubeadm.findings import Finding, Level, error, ok, unknown, warning
from kubeadm.preflight.facts import FORBIDDEN, GIB, MIB, Disk, HostFacts
from kubeadm.preflight.network import proxies, subnets

NFTABLES_KERNEL = (5, 13)
"""What kube-proxy's nftables mode needs; iptables serves before it."""
CONTROLLERS = frozenset(("cpu", "memory", "pids"))
LOW_DISK = 0.15
"""Where upstream's kubelet begins to evict."""
MIN_INODES = 0.05
MIN_FREE, MIN_MEMORY, LOW_MEMORY = 500 * MIB, 256 * MIB, 512 * MIB
MIN_OPEN_FILES = 65_536

_LIMITS = {
    "fs.inotify.max_user_instances": (
        512,
        "who watches files fails with `too many open files`, which is a lie",
    ),
    "fs.inotify.max_user_watches": (65_536, "who watches many files fails with `no space left on device`"),
    "kernel.pid_max": (32_768, "processes cannot be started once that many run"),
}
"""What is too little, and how that shows."""

_ENGINE_FAULTS = (
    (
        (20, 10, 10),
        "its seccomp profile forbids clone3: images with glibc 2.34 or newer cannot start threads",
        "take Docker 20.10.10 or newer",
    ),
    ((19, 3, 0), "it is too old for what the kubelet asks of it", "take Docker 20.10 or newer"),
)
"""Below which version, what goes wrong, and what helps."""

Check = Callable[[HostFacts], Iterable[Finding]]


def kernel(facts: HostFacts) -> Iterator[Finding]:
    found = re.match(r"(\d+)\.(\d+)", facts.kernel)
    version = (int(found[1]), int(found[2])) if found else (0, 0)
    if version < NFTABLES_KERNEL:
        wanted = ".".join(map(str, NFTABLES_KERNEL))
        yield warning(
            "kernel",
            f"Linux {facts.kernel} is older than {wanted}, which nftables mode needs",
            "use a newer kernel, or iptables for Services",
            "sampan up --proxy-mode=iptables",
        )
    else:
        yield ok("kernel", f"Linux {facts.kernel}")


def cgroups(facts: HostFacts) -> Iterator[Finding]:
    lacking = sorted(CONTROLLERS - facts.cgroup_controllers)
    if not facts.cgroup_version:
        yield error("cgroups", "no cgroups are mounted: containers cannot be limited", "boot with cgroups")
    elif lacking:
        yield error(
            "cgroups",
            f"the controllers {', '.join(lacking)} are off: limits of pods have no effect",
            "boot with cgroup_enable=memory swapaccount=1, or delegate them to this machine",
        )
    else:
        yield ok("cgroups", f"version {facts.cgroup_version} with {', '.join(sorted(CONTROLLERS))}")


def memory(facts: HostFacts) -> Iterator[Finding]:
    free, total = facts.memory_available // MIB, facts.memory_total // MIB
    text = f"{free} of {total} MiB are available"
    if facts.memory_available < MIN_MEMORY:
        yield error("memory", f"{text}: the control plane needs {MIN_MEMORY // MIB}", "end what uses it")
    elif facts.memory_available < LOW_MEMORY:
        yield warning("memory", f"{text}: little is left for pods", "end what uses it, or add memory")
    else:
        yield ok("memory", f"{text}, {facts.cpus} CPUs")


def disk(facts: HostFacts) -> Iterator[Finding]:
    for each in facts.disks:
        yield _disk(each)


def _disk(disk: Disk) -> Finding:
    share = disk.free / disk.total if disk.total else 1.0
    inodes = disk.free_inodes / disk.total_inodes if disk.total_inodes else 1.0
    text = f"{disk.path} has {disk.free / GIB:.1f} GiB free, {share:.0%}"
    clean = "docker image prune"
    if inodes < MIN_INODES:
        return error(
            "disk", f"{disk.path} has {inodes:.0%} of its inodes left", "delete many small files", clean
        )
    if disk.free < MIN_FREE:
        return error("disk", f"{text}: etcd may not be able to write", "make room", clean)
    if share < LOW_DISK:
        return warning(
            "disk", f"{text}, less than {LOW_DISK:.0%}: images and logs may fill it", "make room", clean
        )
    return ok("disk", text)


def limits(facts: HostFacts) -> Iterator[Finding]:
    for name, (least, consequence) in _LIMITS.items():
        value = facts.sysctls.get(name, "")
        if value.isdigit() and int(value) < least:
            yield warning(
                "limits", f"{name} is {value}, less than {least}: {consequence}", "raise it",
                f"sysctl -w {name}={least}",
            )  # fmt: skip
    if facts.open_files < MIN_OPEN_FILES:
        yield warning(
            "limits",
            f"a process may open {facts.open_files} files, less than {MIN_OPEN_FILES}",
            "raise the limit of open files of whoever starts the cluster",
            f"ulimit -n {MIN_OPEN_FILES}",
        )


def conntrack(facts: HostFacts) -> Iterator[Finding]:
    count, most = (facts.sysctls.get(f"net.netfilter.nf_conntrack_{each}", "") for each in ("count", "max"))
    if not count.isdigit() or not most.isdigit():
        return
    if int(count) > 0.8 * int(most):
        yield error(
            "conntrack",
            f"{count} of {most} connections are tracked: soon new ones are dropped",
            "raise the limit",
            f"sysctl -w net.netfilter.nf_conntrack_max={int(most) * 2}",
        )
    else:
        yield ok("conntrack", f"{count} of {most} connections")


def forwarding(facts: HostFacts) -> Iterator[Finding]:
    if facts.sysctls.get("net.ipv4.ip_forward") == "0":
        yield warning(
            "forwarding",
            "net.ipv4.ip_forward is 0: pods reach nobody until the kubelet sets it",
            "set it for good",
            "sysctl -w net.ipv4.ip_forward=1",
        )


def programs(facts: HostFacts) -> Iterator[Finding]:
    if facts.missing_programs:
        yield error("programs", f"missing: {'; '.join(facts.missing_programs)}", "install them", "sampan up")
    else:
        yield ok("programs", "etcd, Docker, nft, iptables and the rest are there")
    if facts.nft_error:
        yield error(
            "programs",
            f"nft does not work: {facts.nft_error}",
            "load nf_tables, or use iptables for Services",
            "sampan up --proxy-mode=iptables",
        )


def engine(facts: HostFacts) -> Iterator[Finding]:
    docker = facts.engine
    if docker is None and facts.engine_error == FORBIDDEN:
        yield unknown("docker", FORBIDDEN, "become root", "sudo sampan doctor")
        return
    if docker is None:
        why = facts.engine_error or "it gives no answer"
        yield error("docker", f"Docker cannot be used: {why}", "start it", "sampan up")
        return
    faults = [(text, fix) for below, text, fix in _ENGINE_FAULTS if version_of(docker.version) < below]
    for text, fix in faults:
        yield warning("docker", f"Docker {docker.version}: {text}", fix)
    if docker.root.startswith("/var/snap/"):
        yield warning(
            "docker",
            f"Docker is a snap ({docker.root}): it sees few of the machine's files, so volumes are empty",
            "take Docker from the distribution or from docker.com",
            "snap remove docker && apt-get install docker.io",
        )
    if docker.is_rootless:
        yield error("docker", "Docker runs without root: pods get no network", "run Docker as root")
    if not docker.limits_memory:
        yield warning("docker", "Docker cannot limit memory here", "boot with cgroup_enable=memory")
    if not faults:
        yield ok("docker", f"Docker {docker.version}, {docker.storage_driver}, {docker.cgroup_driver}")


def version_of(text: str) -> tuple[int, int, int]:
    found = re.match(r"(\d+)\.(\d+)(?:\.(\d+))?", text)
    return (int(found[1]), int(found[2]), int(found[3] or 0)) if found else (0, 0, 0)


def ports(facts: HostFacts) -> Iterator[Finding]:
    for each in facts.taken_ports:
        yield error(
            "ports",
            f"port {each.port}, which {each.wanted_by} needs, is taken by {each.holder or 'somebody'}",
            "stop what listens there",
        )
    if not facts.taken_ports:
        yield ok("ports", "every port is free, or ours")


def clock(facts: HostFacts) -> Iterator[Finding]:
    if facts.is_clock_synchronised is None:
        yield unknown("clock", "the kernel does not say whether the clock is synchronised")
    elif not facts.is_clock_synchronised:
        yield warning(
            "clock",
            "the clock is not synchronised: certificates, leases and tokens depend on it",
            "run a time service",
            "apt-get install systemd-timesyncd",
        )
    else:
        yield ok("clock", "synchronised")


CHECKS: tuple[Check, ...] = (
    kernel, cgroups, memory, disk, limits, conntrack, forwarding, programs, engine, subnets, proxies, ports,
    clock,
)  # fmt: skip


def check(facts: HostFacts) -> list[Finding]:
    return [finding for each in CHECKS for finding in each(facts)]


def errors(findings: Iterable[Finding]) -> list[Finding]:
    return [each for each in findings if each.level is Level.ERROR]
