"""What the flags of leader election come to."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from component_base.election import Election
from component_base.election_options import ElectionOptions, election_of
from component_base.flags import CommonOptions, parse


@dataclass(frozen=True)
class Options(CommonOptions, ElectionOptions):
    pass


def test_flags_become_an_election() -> None:
    given = ["--leader-elect=false", "--leader-elect-lease-duration=9s", "--leader-elect-renew-deadline=6s"]
    given += ["--leader-elect-retry-period=1s", "--leader-elect-resource-name=mine"]
    given += ["--leader-elect-resource-namespace=ns"]
    expected = Election(
        name="mine", namespace="ns", enabled=False, lease_seconds=9, renew_seconds=6, retry_seconds=1
    )
    assert election_of(parse(Options, given, prog="test")) == expected


def test_locks_are_leases(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parse(Options, ["--leader-elect-resource-lock=endpoints"], prog="test")
    assert 'resourceLock value must be "leases"' in capsys.readouterr().err
