"""Three real members of etcd, each a process that can be killed and comes back with its data."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from apiserver.storage import etcd_messages
from component_base.grpc.channel import Channel, Endpoint
from component_base.grpc.status import GrpcError
from pytest_sampan.ports import free_port

_SIZE = 3


class EtcdCluster:
    """Members are called by their number. Elections are quick: a second or so without a leader."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._clients = [free_port() for _ in range(_SIZE)]
        self._peers = [free_port() for _ in range(_SIZE)]
        self._processes: dict[int, subprocess.Popen[bytes]] = {}

    @property
    def endpoints(self) -> list[str]:
        return [f"http://127.0.0.1:{port}" for port in self._clients]

    def start(self, member: int) -> None:
        client, peer = self.endpoints[member], f"http://127.0.0.1:{self._peers[member]}"
        everyone = ",".join(f"m{number}=http://127.0.0.1:{port}" for number, port in enumerate(self._peers))
        command = [
            "etcd", f"--name=m{member}", f"--data-dir={self._folder / f'm{member}'}", "--unsafe-no-fsync",
            "--log-level=error", "--heartbeat-interval=50", "--election-timeout=500",
            f"--listen-client-urls={client}", f"--advertise-client-urls={client}",
            f"--listen-peer-urls={peer}", f"--initial-advertise-peer-urls={peer}",
            f"--initial-cluster={everyone}",
        ]  # fmt: skip
        with (self._folder / f"m{member}.log").open("ab") as log:
            self._processes[member] = subprocess.Popen(command, stdout=log, stderr=log)

    def kill(self, member: int) -> None:
        """kill -9."""
        process = self._processes.pop(member)
        process.kill()
        process.wait()

    async def leader(self) -> int:
        """As those who run say; they agree on one, or the next is asked."""
        rpc = etcd_messages.load()
        while True:
            for member in self._processes:
                channel = Channel([Endpoint.parse(self.endpoints[member], 2379)])
                try:
                    answer = await channel.unary("/etcdserverpb.Maintenance/Status", b"", 1)
                except GrpcError:
                    continue
                finally:
                    await channel.aclose()
                status = rpc.StatusResponse.FromString(answer)
                if status.leader == status.header.member_id:
                    return member

    def stop(self) -> None:
        for member in list(self._processes):
            self.kill(member)


@contextmanager
def etcd_cluster(folder: Path) -> Iterator[EtcdCluster]:
    cluster = EtcdCluster(folder)
    try:
        for member in range(_SIZE):
            cluster.start(member)
        yield cluster
    finally:
        cluster.stop()
