"""Every rule of the specification, as a question and its answer in the form of a zone file."""

from __future__ import annotations

import pytest

from kube_dns.lookup import look_up
from kube_dns.records import Answer, Question, Rcode
from tests.unit.kube_dns.builders import make_alias, make_endpoint, make_service, make_slice, make_zone

DNS_PORTS = [{"name": "dns", "port": 53, "protocol": "UDP"}, {"name": "dns-tcp", "port": 53}]

ZONE = make_zone(
    [
        make_service("web", "10.96.0.1"),
        make_service("kube-dns", "10.96.0.10", namespace="kube-system", ports=DNS_PORTS),
        make_service("dual", "10.96.0.3", "fd00::3"),
        make_service("unnamed", "10.96.0.4", ports=[{"port": 8080}]),
        make_service("db", "None", ports=[{"name": "sql", "port": 5432}]),
        make_service("idle", "None"),
        make_service("portless", "None", ports=None),
        make_alias("outside", "www.Example.com"),
        make_alias("inside", "web.shop.svc.cluster.local."),
        make_alias("dangling", "nobody.shop.svc.cluster.local"),
        make_alias("ping", "pong.shop.svc.cluster.local"),
        make_alias("pong", "ping.shop.svc.cluster.local"),
        make_alias("numeric", "192.0.2.1"),
    ],
    [
        make_slice("web", make_endpoint("10.244.0.1", hostname="first"), make_endpoint("10.244.0.2")),
        make_slice(
            "db",
            make_endpoint("10.244.0.5", hostname="db-0", ready=True),
            make_endpoint("10.244.0.6", hostname="db-1"),
            make_endpoint("10.244.0.7", hostname="db-1"),
            make_endpoint("10.244.0.8", hostname="db-2", ready=False, serving=True, terminating=True),
            ports=[{"name": "sql", "port": 15432, "protocol": "TCP"}],
        ),
        make_slice(
            "db",
            make_endpoint("10.244.0.5", hostname="db-0", ready=True),
            make_endpoint("fd00::5"),
            make_endpoint("FD00:0::"),
            name="db-2",
            ports=[{"name": "sql", "port": 15432, "protocol": "TCP"}],
        ),
        make_slice("idle", make_endpoint("10.244.0.9", ready=False)),
        make_slice("portless", make_endpoint("10.244.0.20"), ports=()),
        make_slice("orphan", make_endpoint("10.244.0.30")),
    ],
)

SOA = "cluster.local. 30 IN SOA ns.dns.cluster.local. hostmaster.cluster.local. 7 7200 1800 86400 30"
NOTHING = f"NOERROR / {SOA}"
NOBODY = f"NXDOMAIN / {SOA}"


def ask(name: str, type: str) -> Answer:
    suffix = "" if name.endswith(".") else f"{'.' if name else ''}cluster.local."
    return look_up(ZONE, Question(f"{name}{suffix}", type))


def told(answer: Answer) -> str:
    """Records, + additional ones; for a denial its code / the SOA; -> whom to follow."""
    if answer.authority:
        found = "".join(f"{each}, " for each in answer.records)
        return f"{found}{answer.rcode} / {answer.authority[0]}"
    lines = [*map(str, answer.records), *(f"+ {each}" for each in answer.additional)]
    return "; ".join([*lines, *([f"-> {answer.follow}"] if answer.follow else [])])


def a(name: str, *addresses: str, type: str = "A", prefix: str = "") -> str:
    return "; ".join(f"{prefix}{name}.cluster.local. 30 IN {type} {address}" for address in addresses)


@pytest.mark.parametrize(
    ("name", "type", "expected"),
    [
        # 2.2 the schema's version
        ("dns-version", "TXT", 'dns-version.cluster.local. 28800 IN TXT "1.1.0"'),
        ("dns-version", "A", NOTHING),
        # 2.3.1 a cluster IP
        ("web.shop.svc", "A", a("web.shop.svc", "10.96.0.1")),
        ("web.shop.svc", "AAAA", NOTHING),
        ("web.shop.svc", "TXT", NOTHING),
        ("web.shop.svc", "SOA", NOTHING),
        ("web.shop.svc", "ANY", NOTHING),
        ("dual.shop.svc", "A", a("dual.shop.svc", "10.96.0.3")),
        ("dual.shop.svc", "AAAA", a("dual.shop.svc", "fd00::3", type="AAAA")),
        # its endpoints have names, too
        ("first.web.shop.svc", "A", a("first.web.shop.svc", "10.244.0.1")),
        ("10-244-0-2.web.shop.svc", "A", a("10-244-0-2.web.shop.svc", "10.244.0.2")),
        # 2.3.2 its ports
        (
            "_http._tcp.web.shop.svc", "SRV",
            "_http._tcp.web.shop.svc.cluster.local. 30 IN SRV 0 100 80 web.shop.svc.cluster.local.; "
            + a("web.shop.svc", "10.96.0.1", prefix="+ "),
        ),
        ("_http._udp.web.shop.svc", "SRV", NOBODY),
        ("_https._tcp.web.shop.svc", "SRV", NOBODY),
        ("_dns._udp.kube-dns.kube-system.svc", "A", a("_dns._udp.kube-dns.kube-system.svc", "10.96.0.10")),
        (
            "web.shop.svc", "SRV",
            "web.shop.svc.cluster.local. 30 IN SRV 0 100 80 web.shop.svc.cluster.local.; "
            + a("web.shop.svc", "10.96.0.1", prefix="+ "),
        ),
        (
            "dual.shop.svc", "SRV",
            "dual.shop.svc.cluster.local. 30 IN SRV 0 50 80 dual.shop.svc.cluster.local.; "
            + a("dual.shop.svc", "10.96.0.3", prefix="+ ") + "; "
            + a("dual.shop.svc", "fd00::3", type="AAAA", prefix="+ "),
        ),
        # 2.3.3 its name
        ("1.0.96.10.in-addr.arpa.", "PTR", "1.0.96.10.in-addr.arpa. 30 IN PTR web.shop.svc.cluster.local."),
        (
            f"3.{'0.' * 27}0.0.d.f.ip6.arpa.", "PTR",
            f"3.{'0.' * 27}0.0.d.f.ip6.arpa. 30 IN PTR dual.shop.svc.cluster.local.",
        ),
        ("9.9.96.10.in-addr.arpa.", "PTR", "-> 9.9.96.10.in-addr.arpa."),
        ("1.0.96.10.in-addr.arpa.", "A", "-> 1.0.96.10.in-addr.arpa."),
        ("96.10.in-addr.arpa.", "PTR", "-> 96.10.in-addr.arpa."),
        ("1.ip6.arpa.", "PTR", "-> 1.ip6.arpa."),
        # 2.4.1 a headless Service: every ready endpoint, once
        ("db.shop.svc", "A", a("db.shop.svc", "10.244.0.5", "10.244.0.6", "10.244.0.7")),
        ("db.shop.svc", "AAAA", a("db.shop.svc", "fd00::5", "fd00::", type="AAAA")),
        ("db-0.db.shop.svc", "A", a("db-0.db.shop.svc", "10.244.0.5")),
        ("db-1.db.shop.svc", "A", a("db-1.db.shop.svc", "10.244.0.6", "10.244.0.7")),
        ("db-0.db.shop.svc", "AAAA", NOTHING),
        ("db-2.db.shop.svc", "A", NOBODY),
        ("10-244-0-5.db.shop.svc", "A", NOBODY),
        ("fd00--5.db.shop.svc", "AAAA", a("fd00--5.db.shop.svc", "fd00::5", type="AAAA")),
        ("fd00--0.db.shop.svc", "AAAA", a("fd00--0.db.shop.svc", "fd00::", type="AAAA")),
        ("idle.shop.svc", "A", NOBODY),
        ("portless.shop.svc", "A", a("portless.shop.svc", "10.244.0.20")),
        ("portless.shop.svc", "SRV", NOTHING),
        # 2.4.2 its ports
        (
            "_sql._tcp.db.shop.svc", "SRV",
            "; ".join(
                f"_sql._tcp.db.shop.svc.cluster.local. 30 IN SRV 0 20 15432 {each}.db.shop.svc.cluster.local."
                for each in ("db-0", "db-1", "fd00--5", "fd00--0")
            ) + "; "
            + a("db-0.db.shop.svc", "10.244.0.5", prefix="+ ") + "; "
            + a("db-1.db.shop.svc", "10.244.0.6", "10.244.0.7", prefix="+ ") + "; "
            + a("fd00--5.db.shop.svc", "fd00::5", type="AAAA", prefix="+ ") + "; "
            + a("fd00--0.db.shop.svc", "fd00::", type="AAAA", prefix="+ "),
        ),
        # 2.4.3 its names
        (
            "6.0.244.10.in-addr.arpa.", "PTR",
            "6.0.244.10.in-addr.arpa. 30 IN PTR db-1.db.shop.svc.cluster.local.",
        ),
        ("8.0.244.10.in-addr.arpa.", "PTR", "-> 8.0.244.10.in-addr.arpa."),
        # 2.5 an alias
        ("outside.shop.svc", "CNAME", "outside.shop.svc.cluster.local. 30 IN CNAME www.example.com."),
        (
            "outside.shop.svc", "AAAA",
            "outside.shop.svc.cluster.local. 30 IN CNAME www.example.com.; -> www.example.com.",
        ),
        (
            "inside.shop.svc", "A",
            "inside.shop.svc.cluster.local. 30 IN CNAME web.shop.svc.cluster.local.; "
            + a("web.shop.svc", "10.96.0.1"),
        ),
        (
            "inside.shop.svc", "AAAA",
            f"inside.shop.svc.cluster.local. 30 IN CNAME web.shop.svc.cluster.local., {NOTHING}",
        ),
        (
            "dangling.shop.svc", "A",
            f"dangling.shop.svc.cluster.local. 30 IN CNAME nobody.shop.svc.cluster.local., {NOBODY}",
        ),
        (
            "ping.shop.svc", "A",
            "ping.shop.svc.cluster.local. 30 IN CNAME pong.shop.svc.cluster.local.; "
            "pong.shop.svc.cluster.local. 30 IN CNAME ping.shop.svc.cluster.local.",
        ),
        ("sub.outside.shop.svc", "CNAME", NOBODY),
        ("numeric.shop.svc", "A", NOBODY),
        # pods, whether they exist or not
        ("10-244-0-5.shop.pod", "A", a("10-244-0-5.shop.pod", "10.244.0.5")),
        ("1-2-3-4.shop.pod", "A", a("1-2-3-4.shop.pod", "1.2.3.4")),
        ("1-2-3-4.shop.pod", "AAAA", NOTHING),
        ("fd00--5.shop.pod", "AAAA", a("fd00--5.shop.pod", "fd00::5", type="AAAA")),
        ("1-2-3-456.shop.pod", "A", NOBODY),
        ("web.shop.pod", "A", NOBODY),
        ("1-2-3-4.nowhere.pod", "A", NOBODY),
        # names on the way to others
        ("", "A", NOTHING),
        ("svc", "A", NOTHING),
        ("pod", "NS", NOTHING),
        ("dns", "A", NOTHING),
        ("shop.svc", "A", NOTHING),
        ("empty.svc", "A", NOTHING),
        ("shop.pod", "A", NOTHING),
        ("nowhere.svc", "A", NOBODY),
        # names that nothing has
        ("nobody.shop.svc", "A", NOBODY),
        ("orphan.shop.svc", "A", NOBODY),
        ("web.empty.svc", "A", NOBODY),
        ("web.nowhere.svc", "A", NOBODY),
        ("*.shop.svc", "A", NOBODY),
        ("a.b.c.web.shop.svc", "A", NOBODY),
        ("nobody.web.shop.svc", "A", NOBODY),
        ("web.shop", "A", NOBODY),
        # the zone itself
        ("", "SOA", SOA),
        (
            "", "NS",
            "cluster.local. 30 IN NS kube-dns.kube-system.svc.cluster.local.; "
            + a("kube-dns.kube-system.svc", "10.96.0.10", prefix="+ "),
        ),
        ("ns.dns", "A", a("ns.dns", "10.96.0.10")),
        # everything else
        ("www.example.com.", "A", "-> www.example.com."),
        ("xcluster.local.", "A", "-> xcluster.local."),
        (".", "NS", "-> ."),
    ],
)  # fmt: skip
def test_answers(name: str, type: str, expected: str) -> None:
    assert told(ask(name, type)) == expected


def test_an_unnamed_port_has_no_srv_record_of_its_own_but_is_among_all() -> None:
    assert ask("_8080._tcp.unnamed.shop.svc", "SRV").rcode == Rcode.NXDOMAIN
    assert [each.data for each in ask("unnamed.shop.svc", "SRV").records] == [
        "0 100 8080 unnamed.shop.svc.cluster.local."
    ]


def test_a_long_chain_of_aliases_ends() -> None:
    zone = make_zone([make_alias(f"a{n}", f"a{n + 1}.shop.svc.cluster.local") for n in range(20)])
    assert len(look_up(zone, Question("a0.shop.svc.cluster.local.", "A")).records) < 20


@pytest.mark.parametrize("name", ["web.shop.svc.cluster.local.", "1.0.96.10.in-addr.arpa."])
def test_nothing_is_denied_before_everything_is_known(name: str) -> None:
    zone = make_zone()
    zone.is_synced = False
    assert look_up(zone, Question(name, "PTR")) == Answer(rcode=Rcode.SERVFAIL)
    assert look_up(zone, Question("example.com.", "A")).follow == "example.com."
