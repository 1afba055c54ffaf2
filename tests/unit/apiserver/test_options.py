"""Flags that cannot be served."""

from __future__ import annotations

from dataclasses import replace

import pytest

from apiserver.options import Options, OptionsError, validate

GIVEN = Options(
    service_account_issuer=("https://kubernetes.default.svc",),
    service_account_key_file=("sa.pub",),
    service_account_signing_key_file="sa.key",
)


@pytest.mark.parametrize("prefix", ["/registry", "registry", "/registry/"])
def test_etcds_prefix_may_be_spelt_out(prefix: str) -> None:
    validate(replace(GIVEN, etcd_prefix=prefix))


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        (replace(GIVEN, etcd_prefix="/other"), "--etcd-prefix=/other is not supported, only /registry is"),
        (
            replace(GIVEN, allow_privileged=False),
            "--allow-privileged=false is not supported: label namespaces for PodSecurity instead",
        ),
    ],
    ids=["another prefix, beside another cluster", "no privileged containers"],
)
def test_what_would_be_dangerous_to_pass_over_is_refused(wanted: Options, message: str) -> None:
    with pytest.raises(OptionsError) as caught:
        validate(wanted)
    assert str(caught.value) == message
