"""What a machine shows of its part of a cluster: processes that are down, stopped or crash again and again,
their last words, and certificates near their end. Read from files; no daemon is asked.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from kubeadm.config import ClusterConfig
from kubeadm.launcher import Process, launcher_of

CRASH_WINDOW = timedelta(minutes=2)
TAIL_BYTES = 16 * 1024
_ENDED = re.compile(r"^(\S+) (\S+) ended with (-?\d+)$", re.M)
_TROUBLE = re.compile(r"^[EF]\d{4} |error|exception|fatal|panic", re.I)


@dataclass(frozen=True, slots=True)
class ProcessFacts:
    name: str
    pid: int
    """0 when it is down."""
    log: str
    crashes: int = 0
    """How often it ended within the last minutes."""
    is_stopped: bool = False
    """By a signal: it lives and does nothing."""
    last_words: str = ""


@dataclass(frozen=True, slots=True)
class CertificateFacts:
    path: str
    end: datetime


@dataclass(frozen=True, slots=True)
class Inspection:
    launcher: str
    is_running: bool
    processes: Sequence[ProcessFacts] = ()
    certificates: Sequence[CertificateFacts] = ()


def inspect(config: ClusterConfig, now: datetime) -> Inspection:
    launcher = launcher_of(config)
    crashes = recent_crashes(_tail(config.log_dir / "supervisor.log"), now)
    processes = [_process(each, crashes.get(each.name, 0)) for each in launcher.processes()]
    return Inspection(launcher.name, launcher.is_running(), processes, list(_certificates(config)))


def recent_crashes(log: str, now: datetime) -> dict[str, int]:
    """By name, from the supervisor's log, which has the machine's local time."""
    counted: dict[str, int] = {}
    for moment, name, _ in _ENDED.findall(log):
        if now - datetime.fromisoformat(moment).astimezone() < CRASH_WINDOW:
            counted[name] = counted.get(name, 0) + 1
    return counted


def _process(process: Process, crashes: int) -> ProcessFacts:
    state = _state_of(process.pid)
    pid = process.pid if state else 0
    words = last_words(_tail(Path(process.log))) if not pid or crashes else ""
    return ProcessFacts(process.name, pid, process.log, crashes, state == "T", words)


def _state_of(pid: int) -> str:
    """R, S, T ...; empty if there is no such process."""
    with suppress(OSError):
        # The name before it is in parentheses and may hold anything.
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    return ""


def last_words(log: str) -> str:
    """The last line that tells of trouble, or else the last line."""
    lines = [line for line in log.splitlines() if line.strip()]
    trouble = [line for line in lines if _TROUBLE.search(line)]
    return (trouble or lines or [""])[-1].strip()


def _tail(path: Path) -> str:
    with suppress(OSError), path.open("rb") as file:
        file.seek(0, 2)
        file.seek(max(file.tell() - TAIL_BYTES, 0))
        return file.read().decode(errors="replace")
    return ""


def _certificates(config: ClusterConfig) -> Iterator[CertificateFacts]:
    """Every certificate of the PKI folder that may be read."""
    from cryptography import x509

    for path in sorted(config.pki.rglob("*.crt")) if config.pki.is_dir() else ():
        with suppress(OSError, ValueError):
            certificate = x509.load_pem_x509_certificate(path.read_bytes())
            yield CertificateFacts(str(path), certificate.not_valid_after_utc)
