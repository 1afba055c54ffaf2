"""Which authority signs for which signer."""

from __future__ import annotations

from pathlib import Path

import pytest

from apimachinery.well_known import API_CLIENT, KUBELET_SERVING
from controller_manager.certificates.signing import SIGNERS
from controller_manager.certificates.signing_files import signing_files, signing_problem
from controller_manager.options import Options


def test_one_authority_signs_for_all() -> None:
    options = Options(cluster_signing_cert_file="ca.crt", cluster_signing_key_file="ca.key")
    assert signing_files(options) == dict.fromkeys(SIGNERS, (Path("ca.crt"), Path("ca.key")))


def test_signers_with_files_of_their_own_sign_and_no_others() -> None:
    options = Options(
        cluster_signing_kubelet_serving_cert_file="s.crt",
        cluster_signing_kubelet_serving_key_file="s.key",
        cluster_signing_kube_apiserver_client_cert_file="c.crt",
        cluster_signing_kube_apiserver_client_key_file="c.key",
    )
    assert signing_files(options) == {
        KUBELET_SERVING: (Path("s.crt"), Path("s.key")),
        API_CLIENT: (Path("c.crt"), Path("c.key")),
    }


def test_nobody_signs_without_files() -> None:
    assert signing_files(Options()) == {}
    assert signing_files(Options(cluster_signing_cert_file="ca.crt")) == {}


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        pytest.param(Options(), "", id="none"),
        pytest.param(
            Options(cluster_signing_cert_file="a", cluster_signing_key_file="b"), "", id="one for all"
        ),
        pytest.param(
            Options(cluster_signing_legacy_unknown_cert_file="a"),
            '"cluster-signing-legacy-unknown": cannot specify cert without key',
            id="no key",
        ),
        pytest.param(
            Options(cluster_signing_kubelet_client_key_file="a"),
            '"cluster-signing-kube-apiserver-client": cannot specify key without cert',
            id="no certificate",
        ),
        pytest.param(
            Options(
                cluster_signing_cert_file="a",
                cluster_signing_key_file="b",
                cluster_signing_kubelet_client_cert_file="c",
                cluster_signing_kubelet_client_key_file="d",
            ),
            "cannot specify --cluster-signing-{cert,key}-file and other --cluster-signing-*-file flags at "
            "the same time",
            id="both kinds",
        ),
    ],
)
def test_what_no_controller_manager_starts_with(options: Options, problem: str) -> None:
    assert signing_problem(options) == problem
