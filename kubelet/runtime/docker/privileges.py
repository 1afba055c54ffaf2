"""What this machine does not allow us to give: some hosts lack CAP_SYS_RESOURCE. Pure but for one look at
/proc.

Without it a negative OOM score and `--privileged` make every start fail. Rather than that, scores are
raised to zero and a privileged container gets every capability that there is; the kubelet says so once.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path

log = logging.getLogger(__name__)

_NAMES = (
    "CHOWN", "DAC_OVERRIDE", "DAC_READ_SEARCH", "FOWNER", "FSETID", "KILL", "SETGID", "SETUID", "SETPCAP",
    "LINUX_IMMUTABLE", "NET_BIND_SERVICE", "NET_BROADCAST", "NET_ADMIN", "NET_RAW", "IPC_LOCK", "IPC_OWNER",
    "SYS_MODULE", "SYS_RAWIO", "SYS_CHROOT", "SYS_PTRACE", "SYS_PACCT", "SYS_ADMIN", "SYS_BOOT", "SYS_NICE",
    "SYS_RESOURCE", "SYS_TIME", "SYS_TTY_CONFIG", "MKNOD", "LEASE", "AUDIT_WRITE", "AUDIT_CONTROL", "SETFCAP",
    "MAC_OVERRIDE", "MAC_ADMIN", "SYSLOG", "WAKE_ALARM", "BLOCK_SUSPEND", "AUDIT_READ",
)  # fmt: skip
"""By their number in the kernel, as far as every kernel and engine in use knows them."""


@dataclass(frozen=True, slots=True)
class Privileges:
    """The capabilities of this machine's root."""

    capabilities: frozenset[str] = frozenset(_NAMES)

    @property
    def can_lower_oom_score(self) -> bool:
        return "SYS_RESOURCE" in self.capabilities

    @property
    def missing(self) -> list[str]:
        return sorted(set(_NAMES) - self.capabilities)

    def oom_score(self, wanted: int) -> int:
        return wanted if self.can_lower_oom_score else max(wanted, 0)


def parse_capabilities(status: str) -> frozenset[str]:
    """Of the text of /proc/<pid>/status: the bounding set, by the kernel's names without CAP_."""
    line = next((each for each in status.splitlines() if each.startswith("CapBnd:")), "CapBnd: 0")
    bits = int(line.split()[1], 16)
    return frozenset(name for number, name in enumerate(_NAMES) if bits >> number & 1)


def detect() -> Privileges:
    """The engine is taken to have what the kubelet has: both are root on one machine."""
    privileges = Privileges(parse_capabilities(Path("/proc/self/status").read_text()))
    if not privileges.can_lower_oom_score:
        log.warning("This machine lacks CAP_SYS_RESOURCE: OOM scores stay at zero or above")
    if privileges.missing:
        log.warning("Privileged containers go without capabilities: missing=%s", ",".join(privileges.missing))
    return privileges
