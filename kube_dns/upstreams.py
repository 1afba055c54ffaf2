"""The host's resolvers: which there are, and the order in which they are asked.

One that failed is asked after the others for a while, one that sends our own questions back to us never.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterable
from pathlib import Path

from component_base.resolv_conf import parse_resolv_conf
from kube_dns.addresses import canonical
from kube_dns.exchange import Server

log = logging.getLogger(__name__)

FAILED_FOR = 10.0


class Upstreams:
    """Bookkeeping only. `clock` gives seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._failed: dict[Server, float] = {}
        self._looping: set[Server] = set()
        self.servers: tuple[Server, ...] = ()

    def set(self, servers: Iterable[Server]) -> bool:
        """Whether these are others than before; then what was known of them is forgotten."""
        new = tuple(dict.fromkeys(servers))
        if new == self.servers:
            return False
        self.servers = new
        self._failed.clear()
        self._looping.clear()
        log.info("Forwarding to the host's resolvers: servers=%s", [str(each) for each in new])
        return True

    def in_order(self) -> list[Server]:
        """Those that may be asked, the ones that failed lately last."""
        now = self._clock()
        usable = [each for each in self.servers if each not in self._looping]
        return sorted(usable, key=lambda each: self._failed.get(each, now) > now)

    def failed(self, server: Server) -> None:
        self._failed[server] = self._clock() + FAILED_FOR

    def answered(self, server: Server) -> None:
        self._failed.pop(server, None)

    def loops(self, server: Server) -> None:
        """The server asks us what we ask it."""
        if server not in self._looping:
            self._looping.add(server)
            log.error("Loop detected, this resolver leads back to us and is left out: server=%s", server)


class ResolvConf:
    """The file that names the host's resolvers."""

    def __init__(self, path: Path, own: Callable[[], Collection[str]]) -> None:
        """`own` tells the addresses that lead to ourselves."""
        self._path = path
        self._own = own
        self._is_read = True

    def servers(self) -> list[Server] | None:
        """Whom it names, but for us; None if it can't be read."""
        try:
            text = self._path.read_text()
        except OSError as error:
            if self._is_read:
                log.warning("Failed to read the host's resolvers: path=%s err=%s", self._path, error)
            self._is_read = False
            return None
        self._is_read = True
        own = self._own()
        return [
            Server(host) for host in parse_resolv_conf(text).servers if canonical(host) and host not in own
        ]
