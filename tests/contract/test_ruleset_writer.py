"""What every RulesetWriter promises: nftables, iptables and their recorded twin."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import Callable, Coroutine, Iterator
from typing import Any, Protocol

import pytest

from kube_proxy.iptables.writer import Iptables
from kube_proxy.nftables.writer import Nftables
from kube_proxy.recorded import Recorded
from kube_proxy.ruleset import Chain, Element, Map, Ruleset, Set
from kube_proxy.writer import RulesetError, RulesetWriter
from tests.fakes.network import Network, is_possible, network


class Subject(Protocol):
    """A writer, rulesets in its own words, and what has become of them.

    `ruleset` leads a port of 10.0.0.1 somewhere, and has a chain of its own for each service named.
    `impossible` is a change that must be refused after `ruleset(80)`.
    """

    writer: RulesetWriter

    def ruleset(self, port: int, *services: str) -> Ruleset: ...

    def impossible(self) -> tuple[Ruleset, Ruleset]: ...

    def run(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None: ...

    def services(self) -> set[str]: ...

    def leads(self, port: int) -> bool: ...


class InMemory:
    def __init__(self) -> None:
        self.writer = Recorded()

    def ruleset(self, port: int, *services: str) -> Ruleset:
        kind = Map("ipv4_addr . inet_proto . inet_service : verdict", "a map")
        elements = {f"10.0.0.1 . tcp . {port}": Element("accept", "a comment")}
        return Ruleset(
            {
                "a": Chain(("ip daddr @s counter",)),
                **{f"service/{name}": Chain(("accept",)) for name in services},
            },
            {"m": Map(kind.type, kind.comment, elements)},
            {"s": Set("ipv4_addr", elements=frozenset({"10.0.0.9"}))},
        )

    def impossible(self) -> tuple[Ruleset, Ruleset]:
        """From what isn't there."""
        return self.ruleset(8080), self.ruleset(81, "new")

    def run(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        asyncio.run(work())

    def services(self) -> set[str]:
        chains = self.writer.ruleset.chains if self.writer.ruleset else ()
        return {name.removeprefix("service/") for name in chains if "/" in name}

    def leads(self, port: int) -> bool:
        return f"10.0.0.1 . tcp . {port}'" in str(self.writer.ruleset)


class InNftables(InMemory):
    def __init__(self, net: Network) -> None:
        self._net = net
        self.writer = Nftables(clock=iter(range(0, 10_000, 10)).__next__)  # type: ignore[assignment]

    def run(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        self._net.inside("node", lambda: asyncio.run(work()))

    def _listing(self) -> str:
        return listing(self._net, "nft", "list", "ruleset")

    def services(self) -> set[str]:
        lines = [line.split() for line in self._listing().splitlines() if line.startswith("\tchain")]
        return {words[1].removeprefix("service/") for words in lines if "/" in words[1]}

    def leads(self, port: int) -> bool:
        return f"10.0.0.1 . tcp . {port} " in self._listing()


class InIptables:
    def __init__(self, net: Network) -> None:
        self._net = net
        self.writer = Iptables()

    def ruleset(self, port: int, *services: str) -> Ruleset:
        chains = {
            "nat KUBE-SERVICES": Chain((f"-d 10.0.0.1 -p tcp -m tcp --dport {port} -j ACCEPT",)),
            "filter KUBE-FORWARD": Chain(),
        }
        return Ruleset(chains | {f"nat KUBE-SVC-{name}": Chain(("-j ACCEPT",)) for name in services})

    def impossible(self) -> tuple[Ruleset, Ruleset]:
        """To a jump to nowhere."""
        chains = dict(self.ruleset(81, "new").chains)
        chains["nat KUBE-SVC-new"] = Chain(("-j KUBE-SEP-nowhere",))
        return self.ruleset(80), Ruleset(chains)

    def run(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        self._net.inside("node", lambda: asyncio.run(work()))

    def services(self) -> set[str]:
        lines = listing(self._net, "iptables-save").splitlines()
        return {line.split()[0].removeprefix(":KUBE-SVC-") for line in lines if line.startswith(":KUBE-SVC-")}

    def leads(self, port: int) -> bool:
        return f"--dport {port} -j ACCEPT" in listing(self._net, "iptables-save")


def listing(net: Network, *command: str) -> str:
    inside = ["ip", "netns", "exec", net.name("node"), *command]
    return subprocess.run(inside, check=True, capture_output=True, text=True).stdout


@pytest.fixture(
    params=[
        "recorded",
        pytest.param("nftables", marks=pytest.mark.netns),
        pytest.param("iptables", marks=pytest.mark.netns),
    ]
)
def subject(request: pytest.FixtureRequest) -> Iterator[Subject]:
    if request.param == "recorded":
        yield InMemory()
        return
    if not is_possible():
        pytest.skip("needs root and network namespaces")
    with network() as net:
        yield InNftables(net) if request.param == "nftables" else InIptables(net)


def test_replacing_makes_the_rules_those_wanted(subject: Subject) -> None:
    for wanted in (subject.ruleset(80, "b1"), subject.ruleset(81, "b2"), subject.ruleset(81, "b2")):
        subject.run(lambda wanted=wanted: subject.writer.replace(wanted))  # type: ignore[misc]
    subject.run(subject.writer.tidy)
    assert subject.services() == {"b2"}
    assert subject.leads(81)
    assert not subject.leads(80)


def test_changing_leads_from_one_to_the_other(subject: Subject) -> None:
    one, two = subject.ruleset(80, "b1"), subject.ruleset(81, "b2")
    subject.run(lambda: subject.writer.replace(one))
    subject.run(lambda: subject.writer.change(one, two))
    subject.run(subject.writer.tidy)
    assert subject.services() == {"b2"}
    assert subject.leads(81)
    assert not subject.leads(80)


def test_a_change_that_is_refused_changes_nothing(subject: Subject) -> None:
    subject.run(lambda: subject.writer.replace(subject.ruleset(80)))
    with pytest.raises(RulesetError):
        subject.run(lambda: subject.writer.change(*subject.impossible()))
    assert subject.services() == set()
    assert subject.leads(80)
    assert not subject.leads(81)


def test_cleaning_up_takes_all_away_and_may_be_repeated(subject: Subject) -> None:
    subject.run(lambda: subject.writer.replace(subject.ruleset(80, "b1")))
    subject.run(subject.writer.cleanup)
    subject.run(subject.writer.cleanup)
    assert subject.services() == set()
    assert not subject.leads(80)
