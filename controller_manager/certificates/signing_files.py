"""Which authority signs for which signer: one for all, or one for each that is to sign. Pure."""

from __future__ import annotations

from pathlib import Path

from apimachinery.well_known import API_CLIENT, KUBELET_CLIENT, KUBELET_SERVING, LEGACY_UNKNOWN
from controller_manager.options import Options

Pair = tuple[Path, Path]
"""A certificate and its key."""


def signing_files(options: Options) -> dict[str, Pair]:
    """Of each signer that has some."""
    general = options.cluster_signing_cert_file, options.cluster_signing_key_file
    chosen = dict.fromkeys(_own_files(options), general) if all(general) else _own_files(options)
    return {
        signer: (Path(first), Path(second)) for signer, (first, second) in chosen.items() if first and second
    }


def signing_problem(options: Options) -> str:
    """Why no controller manager starts with these; "" if it does."""
    own = _own_files(options)
    for signer, (certificate, key) in own.items():
        if bool(certificate) != bool(key):
            given, missing = ("cert", "key") if certificate else ("key", "cert")
            return f'"{_FLAGS[signer]}": cannot specify {given} without {missing}'
    if (options.cluster_signing_cert_file or options.cluster_signing_key_file) and any(
        map(any, own.values())
    ):
        general, others = "--cluster-signing-{cert,key}-file", "--cluster-signing-*-file"
        return f"cannot specify {general} and other {others} flags at the same time"
    return ""


_FLAGS = {
    API_CLIENT: "cluster-signing-kube-apiserver",
    KUBELET_CLIENT: "cluster-signing-kube-apiserver-client",
    KUBELET_SERVING: "cluster-signing-kubelet-serving",
    LEGACY_UNKNOWN: "cluster-signing-legacy-unknown",
}
"""As upstream's messages call them."""


def _own_files(options: Options) -> dict[str, tuple[str, str]]:
    return {
        API_CLIENT: (
            options.cluster_signing_kube_apiserver_client_cert_file,
            options.cluster_signing_kube_apiserver_client_key_file,
        ),
        KUBELET_CLIENT: (
            options.cluster_signing_kubelet_client_cert_file,
            options.cluster_signing_kubelet_client_key_file,
        ),
        KUBELET_SERVING: (
            options.cluster_signing_kubelet_serving_cert_file,
            options.cluster_signing_kubelet_serving_key_file,
        ),
        LEGACY_UNKNOWN: (
            options.cluster_signing_legacy_unknown_cert_file,
            options.cluster_signing_legacy_unknown_key_file,
        ),
    }
