"""The PKI: what is made, what is kept, what is renewed."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509

from kubeadm.certs import ensure_pki
from kubeadm.config import ClusterConfig

NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def config(tmp_path: Path) -> ClusterConfig:
    return ClusterConfig(state_dir=tmp_path, node_name="n1", node_ip="192.0.2.7")


def certificate(config: ClusterConfig, path: str) -> x509.Certificate:
    return x509.load_pem_x509_certificate((config.pki / f"{path}.crt").read_bytes())


def test_making_it_twice_changes_nothing(config: ClusterConfig) -> None:
    assert "apiserver" in ensure_pki(config, NOW)
    assert ensure_pki(config, NOW) == []


def test_a_leaf_with_less_than_ninety_days_left_is_renewed_and_its_authority_kept(
    config: ClusterConfig,
) -> None:
    ensure_pki(config, NOW)
    authority = certificate(config, "ca")
    made = ensure_pki(config, NOW + timedelta(days=300))
    assert "apiserver" in made
    assert "ca" not in made
    assert certificate(config, "ca") == authority


def test_a_new_address_renews_only_the_certificates_that_carry_it(config: ClusterConfig) -> None:
    ensure_pki(config, NOW)
    moved = replace(config, node_ip="192.0.2.8")
    servers = {f"{who}-serving" for who in ("kubelet", "scheduler", "controller-manager", "proxy")}
    assert set(ensure_pki(moved, NOW)) == {"apiserver", "etcd/server", "etcd/peer", *servers}


def test_a_key_that_was_lost_is_made_again(config: ClusterConfig) -> None:
    ensure_pki(config, NOW)
    (config.pki / "admin.key").unlink()
    assert ensure_pki(config, NOW) == ["admin"]


@pytest.mark.parametrize(
    ("path", "subject"),
    [
        ("admin", "CN=kubernetes-admin,O=system:masters"),
        ("kubelet", "CN=system:node:n1,O=system:nodes"),
        ("scheduler", "CN=system:kube-scheduler"),
        ("controller-manager", "CN=system:kube-controller-manager"),
    ],
)
def test_subjects_are_those_that_rbac_binds(config: ClusterConfig, path: str, subject: str) -> None:
    ensure_pki(config, NOW)
    assert certificate(config, path).subject.rfc4514_string() == subject


def test_only_the_owner_reads_a_key(config: ClusterConfig) -> None:
    ensure_pki(config, NOW)
    assert {oct(path.stat().st_mode & 0o777) for path in config.pki.rglob("*.key")} == {"0o600"}
