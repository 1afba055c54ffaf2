"""Whether signers give certificates for as long as they are asked to."""

from __future__ import annotations

import base64
from datetime import timedelta

import pytest

from apimachinery.objects import Object
from apiserver.registry.certificate_metrics import count_issued, is_honored
from tests.unit.counting import Counting
from tests.unit.issuing import issue

OURS, OTHERS = "kubernetes.io/kube-apiserver-client", "example.com/own"
TWO_HOURS = 7200
CERTIFICATE = base64.b64encode(issue("me").pem.encode()).decode()
"""Good for two hours."""
NO_CERTIFICATE = base64.b64encode(b"nothing").decode()


def csr(certificate: str = "", seconds: int | None = TWO_HOURS, signer: str = OURS) -> Object:
    return {
        "metadata": {"name": "me"},
        "spec": {"signerName": signer, "expirationSeconds": seconds},
        "status": {"certificate": certificate},
    }


@pytest.mark.parametrize(
    ("new", "old", "signer", "counted"),
    [
        pytest.param(csr(CERTIFICATE), csr(), OURS, (1, 1), id="as long as was asked for"),
        pytest.param(csr(CERTIFICATE), csr(seconds=600), OURS, (1, 0), id="much longer"),
        pytest.param(csr(CERTIFICATE), csr(signer=OTHERS), "other", (1, 1), id="by some signer"),
        pytest.param(csr(CERTIFICATE), csr(seconds=None), OURS, (0, 0), id="nothing was asked for"),
        pytest.param(csr(CERTIFICATE), csr(CERTIFICATE), OURS, (0, 0), id="it was there before"),
        pytest.param(csr(), csr(), OURS, (0, 0), id="it is not there yet"),
        pytest.param(csr(NO_CERTIFICATE), csr(), OURS, (1, 0), id="it is none"),
    ],
)
def test_issued_certificates_are_counted(
    new: Object, old: Object, signer: str, counted: tuple[int, int]
) -> None:
    counting = Counting()
    count_issued(new, old)
    prefix = "apiserver_certificates_registry_csr"
    found = [
        counting.more(f"{prefix}_{each}_duration_total", signerName=signer)
        for each in ("requested", "honored")
    ]
    assert tuple(found) == counted


@pytest.mark.parametrize(
    ("wanted", "given", "expected"), [(60, 67, True), (60, 68, False), (60, 53, True), (60, 52, False)]
)
def test_some_minutes_more_or_less_are_honored(wanted: int, given: int, expected: bool) -> None:
    assert is_honored(timedelta(minutes=wanted), timedelta(minutes=given)) is expected
