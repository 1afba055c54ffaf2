"""From flags and file to a configuration, or to why not."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from apimachinery.objects import Object
from scheduler.__main__ import load_configuration
from scheduler.options import Options
from tests.unit.scheduler.builders import HEAD


@pytest.mark.parametrize(
    "tls",
    [
        pytest.param({"caFile": "/nowhere/ca.crt"}, id="no such file"),
        pytest.param({"caData": "bm90IGEgY2VydGlmaWNhdGU="}, id="not a certificate"),
        pytest.param({"caData": "a"}, id="not even base64"),
    ],
)
def test_certificates_of_extenders_are_read_before_anything_is_started(tmp_path: Path, tls: Object) -> None:
    file = tmp_path / "config.json"
    extender = {"urlPrefix": "https://extender.example.com/", "enableHTTPS": True, "tlsConfig": tls}
    file.write_text(json.dumps({**HEAD, "extenders": [extender]}))
    with pytest.raises((ValueError, OSError)):
        load_configuration(Options(config=str(file)))


def test_without_a_file_flags_say_who_leads() -> None:
    found = load_configuration(Options(leader_elect=False, leader_elect_resource_name="mine"))
    assert (found.leader_election.enabled, found.leader_election.name) == (False, "mine")
