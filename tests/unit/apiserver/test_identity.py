"""What an apiserver is called."""

from __future__ import annotations

from hashlib import sha256

from prometheus_client import REGISTRY

from apiserver.identity import hash_of, identity_of, own_hash
from apiserver.reload_metrics import AUTHORIZATION, ENCRYPTION

ONE = "apiserver-lonn3mgjh4otei2c3b7rmvvvfq"
"""printf '\\0\\003one\\0\\016kube-apiserver' | sha256sum, of which the first 16 bytes go through base32."""


def test_an_apiserver_is_called_after_its_host() -> None:
    assert identity_of("one") == ONE != identity_of("two")


def test_metrics_tell_a_hash_of_it() -> None:
    assert hash_of(ONE) == "sha256:3452d15413efa6aa13c3e6fa5ec78c4880dc16b44450626ce5a4f7fe2b2507ce"


def test_the_last_configuration_is_told_by_its_hash() -> None:
    name = "apiserver_authorization_config_controller_last_config_info"
    for text in (b"one", b"two"):
        AUTHORIZATION.applied(text)
    (family,) = [each for each in REGISTRY.collect() if each.name == name]
    (sample,) = family.samples
    assert (sample.labels, sample.value) == (
        {"apiserver_id_hash": own_hash(), "hash": f"sha256:{sha256(b'two').hexdigest()}"}, 1,
    )  # fmt: skip


def test_reloads_are_counted_by_apiserver() -> None:
    labels = {"status": "failure", "apiserver_id_hash": own_hash()}
    name = "apiserver_encryption_config_controller_automatic_reloads_total"
    before = REGISTRY.get_sample_value(name, labels) or 0
    ENCRYPTION.note("failure")
    assert REGISTRY.get_sample_value(name, labels) == before + 1
