"""From the zone and a question to an answer: the rules of the specification, pure.

Source: github.com/kubernetes/dns docs/specification.md 1.1.0. Where that is silent, CoreDNS's kubernetes
plugin: an SRV question without port and protocol is about all of them, a pod has a name whether it
exists or not.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from kube_dns.addresses import canonical, from_label, from_reverse_name, type_of
from kube_dns.records import Answer, Question, Rcode, Record
from kube_dns.services import Port, Service
from kube_dns.zone import Zone

SCHEMA_VERSION, VERSION_TTL = "1.1.0", 28800
ADDRESS_TYPES = ("A", "AAAA")
_LONGEST_CHAIN = 8
_REFRESH, _RETRY, _EXPIRE = 7200, 1800, 86400
_ALL_WEIGHT = 100


class _Target(NamedTuple):
    """One way to reach a Service."""

    name: str
    address: str
    port: int


def look_up(zone: Zone, question: Question, chain: Sequence[str] = ()) -> Answer:
    """Never wrong about the cluster; the rest is to be followed. `chain`: the aliases that led here."""
    labels = zone.labels_of(question.name)
    if labels is not None:
        return _in_zone(zone, question, labels, chain) if zone.is_synced else Answer(rcode=Rcode.SERVFAIL)
    address = from_reverse_name(question.name) if question.type == "PTR" else None
    if address is None:
        return Answer(follow=question.name)
    if not zone.is_synced:
        return Answer(rcode=Rcode.SERVFAIL)
    names = zone.names_at(address)
    records = tuple(Record(question.name, "PTR", zone.ttl, name) for name in names)
    return Answer(records) if records else Answer(follow=question.name)


def _in_zone(zone: Zone, question: Question, labels: list[str], chain: Sequence[str]) -> Answer:
    match labels[::-1]:
        case []:
            return _apex(zone, question)
        case ["dns" | "svc" | "pod"]:
            return _no_data(zone)
        case ["dns-version"]:
            version = Record(question.name, "TXT", VERSION_TTL, f'"{SCHEMA_VERSION}"')
            return Answer((version,)) if question.type == "TXT" else _no_data(zone)
        case ["dns", "ns"]:
            return _addresses(zone, question, zone.server_addresses())
        case ["svc" | "pod", namespace, *_] if not zone.has_namespace(namespace):
            return _no_name(zone)
        case ["svc" | "pod", _]:
            return _no_data(zone)
        case ["pod", _, pod, *_]:
            address = from_label(pod)
            return _addresses(zone, question, [address]) if address else _no_name(zone)
        case ["svc", namespace, name, *rest]:
            service = zone.service(namespace, name)
            return _service(zone, question, service, rest, chain) if service else _no_name(zone)
    return _no_name(zone)


def _apex(zone: Zone, question: Question) -> Answer:
    match question.type:
        case "SOA":
            return Answer((_soa(zone),))
        case "NS":
            servers = tuple(
                Record(zone.name_server, type_of(each), zone.ttl, each) for each in zone.server_addresses()
            )
            return Answer((Record(zone.name, "NS", zone.ttl, zone.name_server),), servers)
    return _no_data(zone)


def _service(
    zone: Zone, question: Question, service: Service, rest: Sequence[str], chain: Sequence[str]
) -> Answer:
    """`rest` are the labels left of the Service's, the nearest first."""
    if service.external_name:
        return _no_name(zone) if rest else _alias(zone, question, service.external_name, chain)
    targets = _targets(zone, service, rest)
    if not targets:
        return _no_name(zone)
    if question.type == "SRV":
        return _srv(zone, question, targets)
    return _addresses(zone, question, [each.address for each in targets])


def _targets(zone: Zone, service: Service, rest: Sequence[str]) -> list[_Target]:
    name = zone.name_of(service)
    endpoint, protocol, port = "", "", ""
    match rest:
        case [endpoint]:
            pass
        case [protocol, port]:
            protocol, port = protocol.removeprefix("_"), port.removeprefix("_")
        case [_, *_]:
            return []

    def matching(ports: Sequence[Port]) -> list[Port]:
        return [each for each in ports if port in ("", each.name) and protocol in ("", each.protocol)]

    if service.addresses and not endpoint:
        return [
            _Target(name, address, each.number)
            for each in matching(service.ports)
            for address in service.addresses
        ]
    return [
        _Target(f"{found.label}.{name}", found.address, each.number)
        for found in zone.endpoints(service)
        if endpoint in ("", found.label)
        for each in matching(found.ports)
    ]


def _alias(zone: Zone, question: Question, external_name: str, chain: Sequence[str]) -> Answer:
    target = f"{external_name.rstrip('.')}."
    if canonical(external_name):
        return _no_name(zone)  # the API lets addresses pass, but they are no names
    alias = Record(question.name, "CNAME", zone.ttl, target)
    chain = (*chain, question.name)
    if question.type == "CNAME" or target in chain or len(chain) > _LONGEST_CHAIN:
        return Answer((alias,))
    rest = look_up(zone, Question(target, question.type), chain)
    return replace(rest, records=(alias, *rest.records))


def _srv(zone: Zone, question: Question, targets: Sequence[_Target]) -> Answer:
    weight = max(1, _ALL_WEIGHT // len(targets))
    numbered = [each for each in targets if each.port]
    records = dict.fromkeys(
        Record(question.name, "SRV", zone.ttl, f"0 {weight} {each.port} {each.name}") for each in numbered
    )
    additional = dict.fromkeys(
        Record(each.name, type_of(each.address), zone.ttl, each.address) for each in numbered
    )
    return Answer(tuple(records), tuple(additional)) if records else _no_data(zone)


def _addresses(zone: Zone, question: Question, addresses: Sequence[str]) -> Answer:
    """The addresses as far as they are of the type asked for."""
    records = dict.fromkeys(
        Record(question.name, question.type, zone.ttl, address)
        for address in addresses
        if type_of(address) == question.type
    )
    return Answer(tuple(records)) if records else _no_data(zone)


def _no_data(zone: Zone) -> Answer:
    """The name is there, but nothing of that type. The SOA says how long that may be remembered."""
    return Answer(authority=(_soa(zone),))


def _no_name(zone: Zone) -> Answer:
    return Answer(authority=(_soa(zone),), rcode=Rcode.NXDOMAIN)


def _soa(zone: Zone) -> Record:
    numbers = f"{zone.serial} {_REFRESH} {_RETRY} {_EXPIRE} {zone.ttl}"
    return Record(zone.name, "SOA", zone.ttl, f"ns.dns.{zone.name} hostmaster.{zone.name} {numbers}")
