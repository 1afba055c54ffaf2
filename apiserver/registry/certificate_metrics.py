"""Whether signers give certificates for as long as they are asked to, with upstream's names.

Source: pkg/registry/certificates/certificates/storage/metrics.go of Kubernetes 1.34.
"""

from __future__ import annotations

import base64
import logging
from datetime import timedelta

from apimachinery.objects import Object, get_path, name_of
from component_base.metrics import Counter

log = logging.getLogger(__name__)

_PREFIX = "apiserver_certificates_registry_csr"
_LABELS = ["signerName"]
_REQUESTED = Counter(
    f"{_PREFIX}_requested_duration_total",
    "Total number of issued CSRs with a requested duration, sliced by signer (only kubernetes.io signer "
    "names are specifically identified)",
    _LABELS,
)
_HONORED = Counter(
    f"{_PREFIX}_honored_duration_total",
    "Total number of issued CSRs with a requested duration that was honored, sliced by signer (only "
    "kubernetes.io signer names are specifically identified)",
    _LABELS,
)


def count_issued(new: Object, old: Object) -> None:
    """Of a CertificateSigningRequest that was stored, if it has its certificate now."""
    seconds, encoded = old["spec"].get("expirationSeconds"), get_path(new, "status.certificate")
    if seconds is None or not encoded or get_path(old, "status.certificate"):
        return
    name = old["spec"]["signerName"]
    signer = name if name.startswith("kubernetes.io/") else "other"
    _REQUESTED.labels(signer).inc()
    try:
        lifetime = _lifetime(base64.b64decode(encoded))
    except ValueError as error:
        log.error("Failed to parse the certificate of a request: request=%s err=%s", name_of(old), error)
        return
    if is_honored(timedelta(seconds=seconds), lifetime):
        _HONORED.labels(signer).inc()


def is_honored(wanted: timedelta, given: timedelta) -> bool:
    """Signers date certificates back by some minutes."""
    return abs(wanted - given) < timedelta(minutes=5) + wanted / 20


def _lifetime(pem: bytes) -> timedelta:
    """Of the first certificate. Raises ValueError."""
    from cryptography import x509

    certificate = x509.load_pem_x509_certificates(pem)[0]
    return certificate.not_valid_after_utc - certificate.not_valid_before_utc
