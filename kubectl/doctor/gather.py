"""Asks for what the cluster walk judges: the API, the daemons, etcd, and DNS servers a question each."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from apimachinery import scheme
from apimachinery.objects import Object, get_path, labels_of, name_of
from apimachinery.well_known import HOLLOW_NODE
from kubeadm.config import ClusterConfig
from kubectl.doctor.dns import NAMESPACE, SERVICE, DnsFacts
from kubectl.doctor.etcd import EtcdFacts, read_etcd
from kubectl.evidence.asker import Asker
from kubectl.why.gather.services import service_facts
from kubectl.why.rules.programming import behind

ASK_SECONDS = 2.0


async def etcd_facts(config: ClusterConfig | None) -> tuple[EtcdFacts | None, str]:
    """None with the reason, if it can't be asked."""
    if config is None:
        return None, ""
    try:
        return await asyncio.to_thread(read_etcd, config), ""
    except OSError as error:
        return None, f"it gives no metrics: {error}"


async def dns_facts(asker: Asker, *, is_here: bool) -> DnsFacts:
    service, kubernetes, nodes = await asyncio.gather(
        asker.get(scheme.SERVICES, SERVICE, NAMESPACE),
        asker.get(scheme.SERVICES, "kubernetes", "default"),
        asker.listed(scheme.NODES),
    )
    if not service:
        return DnsFacts(service=service)
    real = [each for each in nodes or () if not labels_of(each).get(HOLLOW_NODE)]
    way, pods_ask = await asyncio.gather(service_facts(asker, service), _pods_ask(asker, real))
    endpoints = list(ready_endpoints(way.slices))
    facts = DnsFacts(
        service=service,
        pods_ask=pods_ask,
        endpoints=endpoints,
        programmed={
            node: rules is not None and not behind(rules, way.slices)
            for node, rules in way.programmed.items()
        },
        expected=get_path(kubernetes or {}, "spec.clusterIP") or "",
    )
    if not is_here:
        return facts
    servers = [*endpoints, (facts.address, 53)]
    answers = await asyncio.gather(*(ask(each, facts.question) for each in servers))
    return replace(facts, answers=dict(zip(servers, answers, strict=True)))


def ready_endpoints(slices: Iterable[Object]) -> Iterator[tuple[str, int]]:
    """Where UDP questions go."""
    for each in slices:
        ports = [port["port"] for port in each.get("ports") or () if port.get("protocol") == "UDP"]
        for endpoint in each.get("endpoints") or ():
            if ports and (endpoint.get("conditions") or {}).get("ready") is not False:
                yield endpoint["addresses"][0], ports[0]


async def _pods_ask(asker: Asker, nodes: Sequence[Object]) -> list[str] | None:
    """What kubelets write into resolv.conf, by their own word."""
    paths = [(name_of(each), f"/api/v1/nodes/{name_of(each)}/proxy/configz") for each in nodes]
    told = await asyncio.gather(*(asker.json(path, f"kubelet of {name}") for name, path in paths))
    known = [get_path(each, "kubeletconfig.clusterDNS") or [] for each in told if each]
    return sorted({server for servers in known for server in servers}) if known else None


async def ask(server: tuple[str, int], question: str) -> str:
    """The address that a server gives for a name, or why it gives none."""
    import dns.asyncquery
    import dns.exception
    import dns.message
    import dns.rcode

    query = dns.message.make_query(question, "A")
    try:
        answer = await dns.asyncquery.udp(query, server[0], port=server[1], timeout=ASK_SECONDS)
    except (dns.exception.DNSException, OSError) as error:
        return f"no answer: {error}" if str(error) else "no answer"
    addresses = [str(record) for records in answer.answer for record in records]
    return addresses[0] if addresses else dns.rcode.to_text(answer.rcode())
