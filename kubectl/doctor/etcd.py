"""How the store is, from etcd's own metrics. Only the machine that it runs on may ask it."""

from __future__ import annotations

import re
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.request import urlopen

from kubeadm.config import ClusterConfig
from kubeadm.findings import Finding, error, ok, unknown, warning

MIB = 1 << 20
FULL, SLOW_SYNC = 0.8, 0.010
"""A disk that syncs in more than ten milliseconds makes every write slow (etcd's own advice)."""
FRAGMENTED, WORTH_IT = 0.5, 100 * MIB
_SAMPLE = re.compile(r"^(\w+)(?:\{[^}]*\})? (\S+)$", re.M)
_ASK_SECONDS = 5


@dataclass(frozen=True, slots=True)
class EtcdFacts:
    has_leader: bool
    size: int
    in_use: int
    quota: int
    sync_seconds: float
    """The mean of all since its start."""


def read_etcd(config: ClusterConfig) -> EtcdFacts:
    """Raises OSError."""
    pki = config.pki
    context = ssl.create_default_context(cafile=str(pki / "etcd" / "ca.crt"))
    context.load_cert_chain(pki / "apiserver-etcd-client.crt", pki / "apiserver-etcd-client.key")
    url = f"https://127.0.0.1:{config.etcd_port}/metrics"
    with urlopen(url, context=context, timeout=_ASK_SECONDS) as answer:
        return parse_metrics(answer.read().decode())


def parse_metrics(text: str) -> EtcdFacts:
    values = {name: float(value) for name, value in _SAMPLE.findall(text)}
    syncs = values.get("etcd_disk_wal_fsync_duration_seconds_count", 0.0)
    return EtcdFacts(
        has_leader=values.get("etcd_server_has_leader") == 1,
        size=int(values.get("etcd_mvcc_db_total_size_in_bytes", 0)),
        in_use=int(values.get("etcd_mvcc_db_total_size_in_use_in_bytes", 0)),
        quota=int(values.get("etcd_server_quota_backend_bytes", 0)),
        sync_seconds=values.get("etcd_disk_wal_fsync_duration_seconds_sum", 0.0) / syncs if syncs else 0.0,
    )


def etcd(facts: EtcdFacts | None, problem: str = "") -> Iterator[Finding]:
    if facts is None:
        yield unknown("etcd", problem or "it can only be asked on its own machine, as root")
        return
    shown = f"{facts.size / MIB:.0f} of {facts.quota / MIB:.0f} MiB"
    if not facts.has_leader:
        yield error("etcd", "it has no leader: nothing can be written", "start enough of its members again")
    if facts.quota and facts.size > FULL * facts.quota:
        yield error(
            "etcd", f"it is nearly full, {shown}: soon it takes no writes", "make room", "etcdctl defrag"
        )
    elif facts.size > WORTH_IT and facts.in_use < FRAGMENTED * facts.size:
        share = f"{facts.in_use / MIB:.0f} of {facts.size / MIB:.0f} MiB"
        yield warning("etcd", f"only {share} are in use", "give the rest back", "etcdctl defrag")
    if facts.sync_seconds > SLOW_SYNC:
        yield warning(
            "etcd",
            f"its disk takes {facts.sync_seconds * 1000:.0f} ms to sync: every write waits for that",
            "give it a disk of its own, or a faster one",
        )
    elif facts.has_leader and facts.size <= FULL * (facts.quota or facts.size):
        yield ok("etcd", f"{shown}, a sync takes {facts.sync_seconds * 1000:.1f} ms")
