"""What an apiserver is called."""

from __future__ import annotations

import re

from prometheus_client import REGISTRY

from apiserver.identity import hash_of, identity_of, own_hash
from apiserver.reload_metrics import ENCRYPTION


def test_an_apiserver_is_called_after_its_host() -> None:
    assert identity_of("one") == identity_of("one") != identity_of("two")
    assert re.fullmatch("apiserver-[a-z2-7]{26}", identity_of("one"))


def test_metrics_tell_a_hash_of_it() -> None:
    assert re.fullmatch("sha256:[0-9a-f]{64}", hash_of(identity_of("one")))


def test_reloads_are_counted_by_apiserver() -> None:
    labels = {"status": "failure", "apiserver_id_hash": own_hash()}
    name = "apiserver_encryption_config_controller_automatic_reloads_total"
    before = REGISTRY.get_sample_value(name, labels) or 0
    ENCRYPTION.note("failure")
    assert REGISTRY.get_sample_value(name, labels) == before + 1
