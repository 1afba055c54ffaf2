"""The cluster's PKI, in kubeadm's layout: CAs of ten years, leaves of one, keys that only root reads.

Making it again keeps what is still good: a leaf is renewed when its CA, subject or names changed or
when less than ninety days remain, so that a machine with a new address gets a certificate that fits.
Source: https://kubernetes.io/docs/setup/best-practices/certificates/
"""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from kubeadm.config import ClusterConfig

CA_LIFE = timedelta(days=3650)
LEAF_LIFE = timedelta(days=365)
RENEW_BEFORE = timedelta(days=90)
CLOCK_SKEW = timedelta(minutes=5)

SERVER = (ExtendedKeyUsageOID.SERVER_AUTH,)
CLIENT = (ExtendedKeyUsageOID.CLIENT_AUTH,)
PEER = SERVER + CLIENT


@dataclass(frozen=True, slots=True)
class Leaf:
    """A certificate to be: `path` and `ca` are relative to the PKI folder, without suffix."""

    path: str
    ca: str
    common_name: str
    organization: str = ""
    usages: Sequence[x509.ObjectIdentifier] = CLIENT
    names: Sequence[str] = ()
    """DNS names and addresses for the subjectAltName."""


AUTHORITIES = {"ca": "kubernetes-ca", "front-proxy-ca": "front-proxy-ca", "etcd/ca": "etcd-ca"}


def leaves(config: ClusterConfig) -> list[Leaf]:
    """Every certificate a one-machine cluster needs; subjects are what RBAC's bootstrap roles name."""
    first_service_ip = str(ipaddress.ip_network(config.service_cidr)[1])
    api_names = [
        *("kubernetes", "kubernetes.default", "kubernetes.default.svc"),
        f"kubernetes.default.svc.{config.cluster_domain}",
        *("localhost", config.node_name, first_service_ip, config.node_ip, "127.0.0.1", "::1"),
        *config.extra_names,
    ]
    local = ["localhost", config.node_name, config.node_ip, "127.0.0.1", "::1", *config.extra_names]
    return [
        Leaf("apiserver", "ca", "kube-apiserver", usages=SERVER, names=api_names),
        Leaf("apiserver-kubelet-client", "ca", "kube-apiserver-kubelet-client", "kubeadm:cluster-admins"),
        Leaf("front-proxy-client", "front-proxy-ca", "front-proxy-client"),
        Leaf("etcd/server", "etcd/ca", config.node_name, usages=PEER, names=local),
        Leaf("etcd/peer", "etcd/ca", config.node_name, usages=PEER, names=local),
        Leaf("etcd/healthcheck-client", "etcd/ca", "kube-etcd-healthcheck-client"),
        Leaf("apiserver-etcd-client", "etcd/ca", "kube-apiserver-etcd-client"),
        Leaf("admin", "ca", "kubernetes-admin", "system:masters"),
        Leaf("controller-manager", "ca", "system:kube-controller-manager"),
        Leaf("scheduler", "ca", "system:kube-scheduler"),
        *(
            Leaf(f"kubelet{node.suffix}", "ca", f"system:node:{node.name}", "system:nodes")
            for node in config.nodes
        ),
        *(
            Leaf(
                *(f"kubelet{node.suffix}-serving", "ca", f"system:node:{node.name}", "system:nodes", SERVER),
                [*local, node.name],
            )
            for node in config.nodes
        ),
        Leaf("proxy", "ca", "system:kube-proxy"),
        Leaf("dns", "ca", "system:kube-dns"),
        # What these daemons tell goes through the apiserver, too, which trusts only what its CA vouches for.
        *(
            Leaf(f"{who}-serving", "ca", f"kube-{who}", usages=SERVER, names=local)
            for who in ("controller-manager", "scheduler", "proxy")
        ),
    ]


def ensure_pki(config: ClusterConfig, now: datetime | None = None) -> list[str]:
    """Makes whatever is missing or no longer good; returns the paths made, relative to the PKI folder."""
    moment = now or datetime.now(UTC)
    made = [path for path, name in AUTHORITIES.items() if _ensure_authority(config.pki, path, name, moment)]
    made += [leaf.path for leaf in leaves(config) if _ensure_leaf(config.pki, leaf, moment)]
    if not (config.pki / "sa.key").exists():
        _write_service_account_key(config.pki)
        made.append("sa")
    return made


def _ensure_authority(pki: Path, path: str, name: str, now: datetime) -> bool:
    if (pki / f"{path}.crt").exists() and (pki / f"{path}.key").exists():
        return False
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    certificate = (
        _builder(subject, subject, key.public_key(), now, CA_LIFE)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(_key_usage(authority=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    _write_pair(pki, path, key, certificate)
    return True


def _ensure_leaf(pki: Path, leaf: Leaf, now: datetime) -> bool:
    authority = x509.load_pem_x509_certificate((pki / f"{leaf.ca}.crt").read_bytes())
    if _still_good(pki, leaf, authority, now):
        return False
    authority_key = serialization.load_pem_private_key((pki / f"{leaf.ca}.key").read_bytes(), None)
    assert isinstance(authority_key, ec.EllipticCurvePrivateKey)
    key = ec.generate_private_key(ec.SECP256R1())
    builder = (
        _builder(_subject(leaf), authority.subject, key.public_key(), now, LEAF_LIFE)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_key_usage(authority=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage(leaf.usages), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key()), critical=False
        )
    )
    if leaf.names:
        builder = builder.add_extension(_alternative_names(leaf.names), critical=False)
    _write_pair(pki, leaf.path, key, builder.sign(authority_key, hashes.SHA256()))
    return True


def _still_good(pki: Path, leaf: Leaf, authority: x509.Certificate, now: datetime) -> bool:
    path = pki / f"{leaf.path}.crt"
    if not path.exists() or not path.with_suffix(".key").exists():
        return False
    certificate = x509.load_pem_x509_certificate(path.read_bytes())
    if certificate.subject != _subject(leaf) or certificate.not_valid_after_utc - now < RENEW_BEFORE:
        return False
    try:
        certificate.verify_directly_issued_by(authority)
    except (InvalidSignature, TypeError, ValueError):
        return False
    return _names_in(certificate) == set(leaf.names)


def _names_in(certificate: x509.Certificate) -> set[str]:
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return set()
    return {str(name.value) for name in names}


def _subject(leaf: Leaf) -> x509.Name:
    parts = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, leaf.organization)] if leaf.organization else []
    return x509.Name([*parts, x509.NameAttribute(NameOID.COMMON_NAME, leaf.common_name)])


def _alternative_names(names: Sequence[str]) -> x509.SubjectAlternativeName:
    return x509.SubjectAlternativeName([_general_name(name) for name in dict.fromkeys(names)])


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    public_key: ec.EllipticCurvePublicKey,
    now: datetime,
    life: timedelta,
) -> x509.CertificateBuilder:
    return x509.CertificateBuilder(
        issuer_name=issuer,
        subject_name=subject,
        public_key=public_key,
        serial_number=x509.random_serial_number(),
        not_valid_before=now - CLOCK_SKEW,
        not_valid_after=now + life,
    )


def _key_usage(*, authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        key_encipherment=not authority,
        key_cert_sign=authority,
        crl_sign=authority,
        content_commitment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _write_service_account_key(pki: Path) -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    _write_private(pki / "sa.key", _pem(key))
    (pki / "sa.pub").write_bytes(
        key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
    )


def _write_pair(pki: Path, path: str, key: ec.EllipticCurvePrivateKey, certificate: x509.Certificate) -> None:
    """The key first: a run that dies in between leaves a pair that _still_good finds wanting."""
    target = pki / f"{path}.crt"
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    target.unlink(missing_ok=True)
    _write_private(target.with_suffix(".key"), _pem(key))
    target.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))


def _write_private(path: Path, data: bytes) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    path.touch(mode=0o600)
    path.write_bytes(data)


def _pem(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
