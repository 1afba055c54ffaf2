"""The /etc/hosts that a pod's containers see. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from apimachinery.objects import Object

_HEADER = "# Kubernetes-managed hosts file.\n"
_HOST_NETWORK_HEADER = "# Kubernetes-managed hosts file (host network).\n"
_LOCAL = (
    "127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\nfe00::0\tip6-localnet\n"
    "fe00::0\tip6-mcastprefix\nfe00::1\tip6-allnodes\nfe00::2\tip6-allrouters\n"
)


def hosts_file(addresses: Sequence[str], hostname: str, domain: str, aliases: Iterable[Object]) -> str:
    names = f"{hostname}.{domain}\t{hostname}" if domain else hostname
    own = "".join(f"{address}\t{names}\n" for address in addresses)
    return f"{_HEADER}{_LOCAL}{own}{_aliases(aliases)}"


def host_network_hosts_file(host: str, aliases: Iterable[Object]) -> str:
    """The node's own file, with the pod's aliases."""
    return f"{_HOST_NETWORK_HEADER}{host}{_aliases(aliases)}"


def _aliases(aliases: Iterable[Object]) -> str:
    lines = [f"{alias['ip']}\t{chr(9).join(alias.get('hostnames') or ())}\n" for alias in aliases]
    return "\n# Entries added by HostAliases.\n" + "".join(lines) if lines else ""
