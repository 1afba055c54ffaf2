"""The node's certificates: where they are kept, what is asked for, when they are renewed."""

from __future__ import annotations

import base64
import random
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from apimachinery.objects import Object
from apimachinery.well_known import KUBELET_CLIENT, KUBELET_SERVING
from component_base.certificates import Certificate
from component_base.kubeconfig import ClientConfig
from kubelet.certificates.bootstrap import own_kubeconfig
from kubelet.certificates.manager import names, renewal_at
from kubelet.certificates.requests import RequestRefused, Wanted, outcome, request_object
from kubelet.certificates.store import CertificateStore

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
SERVER = Wanted("n1", KUBELET_SERVING, ("n1",), ("192.0.2.7",))


def test_the_current_certificate_changes_in_one_step_and_old_ones_go(tmp_path: Path) -> None:
    store = CertificateStore(tmp_path / "pki", "kubelet-client")
    assert store.read() == ""
    for hour in range(5):
        store.save(f"key {hour}\n", f"certificate {hour}\n", NOW + timedelta(hours=hour))
        assert store.read() == f"certificate {hour}\nkey {hour}\n"
    assert store.current.name == "kubelet-client-current.pem"
    assert store.current.readlink() == Path("kubelet-client-2026-01-02-07-04-05.pem")
    assert store.current.stat().st_mode & 0o077 == 0
    assert len(list((tmp_path / "pki").glob("kubelet-client-2*"))) == 3


def test_a_key_under_way_survives_until_its_certificate_is_there(tmp_path: Path) -> None:
    store = CertificateStore(tmp_path, "kubelet-client")
    store.keep_pending_key("key\n")
    assert CertificateStore(tmp_path, "kubelet-client").pending_key() == "key\n"
    store.save("key\n", "certificate\n", NOW)
    assert store.pending_key() == ""


def test_what_a_node_was_given_is_where_it_begins(tmp_path: Path) -> None:
    store = CertificateStore(tmp_path, "kubelet-client")
    store.adopt("key\n", "given", NOW)
    store.adopt("key\n", "given again", NOW + timedelta(hours=1))
    assert store.read() == "given\nkey\n"


def test_asking_twice_for_the_same_is_asking_once() -> None:
    first, again = (request_object(SERVER, pem, "digest") for pem in ("one", "two"))
    assert first["metadata"] == again["metadata"]
    assert request_object(SERVER, "one", "another key")["metadata"] != first["metadata"]
    moved = Wanted("n1", KUBELET_SERVING, ("n1",), ("192.0.2.8",))
    assert request_object(moved, "one", "digest")["metadata"] != first["metadata"]
    assert first["spec"]["usages"] == ["digital signature", "server auth"]
    client = request_object(Wanted("n1", KUBELET_CLIENT), "one", "digest")
    assert client["spec"]["usages"] == ["digital signature", "client auth"]


def csr(*conditions: str, certificate: str = "") -> Object:
    status: Object = {"conditions": [{"type": each, "reason": "R", "message": "m"} for each in conditions]}
    if certificate:
        status["certificate"] = base64.b64encode(certificate.encode()).decode()
    return {"status": status}


@pytest.mark.parametrize(
    ("seen", "expected"),
    [
        pytest.param({}, "", id="nobody has looked at it"),
        pytest.param(csr("Approved"), "", id="approved, not signed yet"),
        pytest.param(csr("Approved", certificate="pem"), "pem", id="issued"),
    ],
)
def test_a_request_is_waited_for_until_it_is_issued(seen: Object, expected: str) -> None:
    assert outcome(seen) == expected


@pytest.mark.parametrize("refusal", ["Denied", "Failed"])
def test_a_refusal_says_why(refusal: str) -> None:
    with pytest.raises(RequestRefused, match=f"{refusal}: R: m"):
        outcome(csr("Approved", refusal))


def certificate(dns: set[str], addresses: set[str]) -> Certificate:
    return Certificate(NOW, NOW + timedelta(days=100), frozenset(dns), frozenset(addresses))


def test_renewal_comes_in_the_last_third_spread_out() -> None:
    moments = [renewal_at(certificate(set(), set()), random.Random(seed)) for seed in range(200)]
    assert NOW + timedelta(days=70) <= min(moments) < NOW + timedelta(days=71)
    assert NOW + timedelta(days=89) < max(moments) <= NOW + timedelta(days=90)


@pytest.mark.parametrize(
    ("dns", "addresses", "expected"),
    [
        pytest.param({"n1"}, {"192.0.2.7", "192.0.2.8"}, True, id="more than wanted"),
        pytest.param({"n1"}, {"192.0.2.8"}, False, id="the address of before"),
        pytest.param(set(), {"192.0.2.7"}, False, id="without the name"),
    ],
)
def test_a_certificate_must_name_all_that_the_node_is(
    dns: set[str], addresses: set[str], expected: bool
) -> None:
    assert names(certificate(dns, addresses), SERVER) is expected


def test_the_node_s_kubeconfig_has_the_cluster_and_its_own_certificate() -> None:
    config = ClientConfig(server="https://192.0.2.1:6443", ca=b"CA", token="abcdef.0123456789abcdef")
    made = own_kubeconfig(config, Path("/pki/current.pem"))
    assert made["clusters"][0]["cluster"] == {
        "server": "https://192.0.2.1:6443",
        "certificate-authority-data": base64.b64encode(b"CA").decode(),
    }
    path = "/pki/current.pem"
    assert made["users"][0]["user"] == {"client-certificate": path, "client-key": path}
    assert "0123456789abcdef" not in str(made)
