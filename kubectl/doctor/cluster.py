"""The cluster walk: what `why` says of the whole, certificates, clocks; what is well is told, too. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from apimachinery.objects import get_path
from apimachinery.times import parse_time
from kubeadm.findings import Finding, error, ok, unknown, warning
from kubeadm.inspection import CertificateFacts
from kubectl.why.rules.cluster import LEADERS, ClusterFacts, cluster

EXPIRED, SOON = timedelta(0), timedelta(days=30)
SKEW = 2.0
"""Seconds by which a clock may be ahead before tokens and leases suffer."""


def walk(facts: ClusterFacts) -> Iterator[Finding]:
    troubles = cluster(_without_certificates(facts))
    for each in troubles:
        fix, command = (each.fix.what, each.fix.command) if each.fix else ("", "")
        yield error("cluster", each.headline, fix, command)
    if not troubles:
        names = " and ".join(LEADERS)
        yield ok("cluster", f"the API server is ready, {names} lead, {len(facts.nodes)} node(s) are well")
    if facts.unreachable or facts.failed_checks:
        return
    yield from clocks(facts)
    yield from certificates(facts)


def _without_certificates(facts: ClusterFacts) -> ClusterFacts:
    """They are judged here, each by itself."""
    return replace(facts, local=replace(facts.local, certificates=())) if facts.local else facts


def clocks(facts: ClusterFacts) -> Iterator[Finding]:
    """A renewal that lies in the future was written by a clock that is ahead of ours."""
    renewals: Mapping[str, str] = {
        **{f"node {each.name}": get_path(each.lease or {}, "spec.renewTime") or "" for each in facts.nodes},
        **{name: get_path(lease or {}, "spec.renewTime") or "" for name, lease in facts.leases.items()},
    }
    ahead = {who: _ahead(renewed, facts.now) for who, renewed in renewals.items() if renewed}
    skewed = {who: seconds for who, seconds in ahead.items() if seconds > SKEW}
    for who, seconds in skewed.items():
        yield error(
            "clocks", f"the clock of {who} is {seconds:.0f} s ahead of this machine's", "synchronise both"
        )
    if ahead and not skewed:
        yield ok("clocks", "nobody's is ahead of this machine's")


def _ahead(renewed: str, now: datetime) -> float:
    return (parse_time(renewed) - now).total_seconds()


def certificates(facts: ClusterFacts) -> Iterator[Finding]:
    found = facts.local.certificates if facts.local else ()
    if not found:
        yield unknown("certificates", "they can only be read on the cluster's own machine, as root")
        return
    ending = [each for each in found if each.end - facts.now < SOON]
    for each in ending:
        yield _ending(each, facts.now)
    if not ending:
        first = min(found, key=lambda each: each.end)
        yield ok("certificates", f"{len(found)} are good for {(first.end - facts.now).days} days and more")


def _ending(certificate: CertificateFacts, now: datetime) -> Finding:
    left = certificate.end - now
    fix = "make new ones and start the daemons with them", "sampan up"
    if left < EXPIRED:
        return error("certificates", f"{certificate.path} ended {-left.days} days ago", *fix)
    return warning("certificates", f"{certificate.path} ends in {left.days} days", *fix)
