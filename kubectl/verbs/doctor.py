"""`doctor`: is this machine fit for a cluster, and is the cluster well? Each finding with its fix.

Exit codes: 0 no errors (warnings may be), 1 errors, 2 it could not be found out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

from component_base.addresses import primary_address
from component_base.kubeconfig import ConfigError
from kubeadm.config import ClusterConfig, default_node_name, state_dir_from_environment
from kubeadm.findings import Finding
from kubectl import session
from kubectl.arguments import Flag, Words
from kubectl.failures import CommandError, PlainError, describe

if TYPE_CHECKING:
    from client.rest import Client

PARTS = ("host", "cluster", "dns")
UNKNOWN = 2


def doctor(
    words: Annotated[list[str] | None, Words("[host | cluster | dns]...")] = None,
    output: Annotated[str, Flag("--output", "-o", help="json, or text for people.")] = "",
) -> None:
    """Examine this machine and the cluster, and say how to mend what is wrong."""
    from kubectl.doctor.report import is_healthy, render, to_object

    chosen = words or PARTS
    if unknown := [each for each in chosen if each not in PARTS]:
        raise CommandError(f'doctor knows nothing of "{unknown[0]}"; it knows {", ".join(PARTS)}', UNKNOWN)
    if output not in ("", "text", "json"):
        raise CommandError(f'unable to match a printer suitable for the output format "{output}"', UNKNOWN)
    parts = _examine(chosen, is_asked_for=bool(words))
    if output == "json":
        import json

        print(json.dumps(to_object(parts), indent=2, ensure_ascii=False))
    else:
        print(render(parts), end="")
    if not is_healthy(parts):
        raise SystemExit(1)


def _examine(chosen: Sequence[str], *, is_asked_for: bool) -> dict[str, Sequence[Finding]]:
    """Without a cluster there is still the machine."""
    parts: dict[str, Sequence[Finding]] = {}
    if "host" in chosen:
        from kubeadm.preflight.checks import check
        from kubeadm.preflight.reader import read_host

        parts["host"] = check(read_host(_config()))
    if set(chosen) & {"cluster", "dns"}:
        try:
            parts |= session.run(lambda client, _: _cluster(client, chosen))
        except ConfigError as error:
            if is_asked_for:
                raise PlainError(describe(error), UNKNOWN) from None
    return parts


def _config() -> ClusterConfig:
    return ClusterConfig(
        state_dir=state_dir_from_environment(), node_name=default_node_name(), node_ip=primary_address()
    )


async def _cluster(client: Client, chosen: Sequence[str]) -> Mapping[str, Sequence[Finding]]:
    from kubectl.doctor import cluster, dns
    from kubectl.doctor.etcd import etcd
    from kubectl.doctor.gather import dns_facts, etcd_facts
    from kubectl.evidence.asker import Asker
    from kubectl.why.gather.cluster import cluster_facts
    from kubectl.why.gather.machine import inspect_if_here

    asker = Asker(client, datetime.now(UTC))
    local = inspect_if_here(client.config.server, asker.now)
    facts = await cluster_facts(asker, local)
    parts: dict[str, Sequence[Finding]] = {}
    if "cluster" in chosen:
        store = await etcd_facts(_config() if local else None)
        parts["cluster"] = [*cluster.walk(facts), *etcd(*store)]
    if "dns" in chosen and not (facts.unreachable or facts.failed_checks):
        parts["dns"] = dns.walk(await dns_facts(asker, is_here=local is not None))
    return parts
