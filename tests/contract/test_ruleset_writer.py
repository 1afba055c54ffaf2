"""What every RulesetWriter promises: nftables and its recorded twin."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import Callable, Coroutine, Iterator
from typing import Any, Protocol

import pytest

from kube_proxy.nftables import Nftables, RulesetError, RulesetWriter
from kube_proxy.recorded import Recorded
from kube_proxy.ruleset import Chain, Element, Map, Ruleset, Set
from tests.fakes.network import Network, is_possible, network

MAP = Map("ipv4_addr . inet_proto . inet_service : verdict", "a map")
EMPTY = Ruleset({"a": Chain()}, {"m": MAP}, {"s": Set("ipv4_addr")})


def ruleset(port: int, *chains: str) -> Ruleset:
    made = {"a": Chain(("ip daddr @s counter",)), **{name: Chain(("accept",)) for name in chains}}
    elements = {f"10.0.0.1 . tcp . {port}": Element("accept", "a comment")}
    return Ruleset(
        made,
        {"m": Map(MAP.type, MAP.comment, elements)},
        {"s": Set("ipv4_addr", elements=frozenset({"10.0.0.9"}))},
    )


class Subject(Protocol):
    writer: RulesetWriter

    def run(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None: ...

    def chains(self) -> set[str]: ...

    def holds(self, text: str) -> bool: ...


class InMemory:
    def __init__(self) -> None:
        self.writer = Recorded()

    def run(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        asyncio.run(work())

    def chains(self) -> set[str]:
        return set(self.writer.ruleset.chains) if self.writer.ruleset else set()

    def holds(self, text: str) -> bool:
        return text in str(self.writer.ruleset)


class InKernel:
    def __init__(self, net: Network) -> None:
        self._net = net
        self.writer = Nftables(clock=iter(range(0, 10_000, 10)).__next__)

    def run(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        self._net.inside("node", lambda: asyncio.run(work()))

    def _listing(self) -> str:
        command = ["ip", "netns", "exec", self._net.name("node"), "nft", "list", "ruleset"]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout

    def chains(self) -> set[str]:
        return {line.split()[1] for line in self._listing().splitlines() if line.startswith("\tchain")}

    def holds(self, text: str) -> bool:
        return text in self._listing()


@pytest.fixture(params=["recorded", pytest.param("nftables", marks=pytest.mark.netns)])
def subject(request: pytest.FixtureRequest) -> Iterator[Subject]:
    if request.param == "recorded":
        yield InMemory()
        return
    if not is_possible():
        pytest.skip("needs root and network namespaces")
    with network() as net:
        yield InKernel(net)


def test_replacing_makes_the_rules_those_wanted(subject: Subject) -> None:
    for wanted in (ruleset(80, "b/1"), ruleset(81, "b/2"), ruleset(81, "b/2")):
        subject.run(lambda wanted=wanted: subject.writer.replace(wanted))  # type: ignore[misc]
    subject.run(subject.writer.tidy)
    assert subject.chains() == {"a", "b/2"}
    assert subject.holds("10.0.0.1 . tcp . 81")
    assert not subject.holds("10.0.0.1 . tcp . 80")


def test_changing_leads_from_one_to_the_other(subject: Subject) -> None:
    one, two = ruleset(80, "b/1"), ruleset(81, "b/2")
    subject.run(lambda: subject.writer.replace(one))
    subject.run(lambda: subject.writer.change(one, two))
    subject.run(subject.writer.tidy)
    assert subject.chains() == {"a", "b/2"}
    assert subject.holds("10.0.0.1 . tcp . 81")


def test_a_change_from_what_is_not_there_is_refused_and_changes_nothing(subject: Subject) -> None:
    subject.run(lambda: subject.writer.replace(EMPTY))
    with pytest.raises(RulesetError):
        subject.run(lambda: subject.writer.change(ruleset(80), ruleset(81, "b/1")))
    assert subject.chains() == {"a"}
    assert not subject.holds("10.0.0.1")


def test_cleaning_up_takes_all_away_and_may_be_repeated(subject: Subject) -> None:
    subject.run(lambda: subject.writer.replace(ruleset(80, "b/1")))
    subject.run(subject.writer.cleanup)
    subject.run(subject.writer.cleanup)
    assert subject.chains() == set()
