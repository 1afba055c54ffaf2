"""Flags of a daemon that asks the API server who may see its metrics, and what they mean.

Source: staging/src/k8s.io/apiserver/pkg/server/options and pkg/authorization/path of Kubernetes 1.34.
"""

from __future__ import annotations

from dataclasses import dataclass

from component_base.certificates import bare_serving_context
from component_base.flag_values import parse_list
from component_base.flags import duration, flag
from component_base.serving_certificates import ServingCertificates
from component_base.serving_options import SecureServingOptions, files_of, load_certificates

HEALTH_PATHS = ("/healthz", "/readyz", "/livez")


def _paths(text: str) -> tuple[str, ...]:
    paths = parse_list(text)
    for each in paths:
        if "*" in each[:-1]:
            raise ValueError(f'only trailing * allowed in "{each.removeprefix("/")}"')
    return paths


@dataclass(frozen=True)
class DelegatingOptions(SecureServingOptions):
    """Of the controller manager and the scheduler, which differ in nothing but the port."""

    client_ca_file: str = flag(
        "", "If set, client certificates signed by one of these authorities are known."
    )
    authentication_kubeconfig: str = flag(
        "", "kubeconfig file of who asks about tokens (tokenreviews); that of --kubeconfig if empty."
    )
    authentication_token_webhook_cache_ttl: float = duration(
        10, "The duration to cache responses from the webhook token authenticator."
    )
    authorization_kubeconfig: str = flag(
        "", "kubeconfig file of who asks about rights (subjectaccessreviews); that of --kubeconfig if empty."
    )
    authorization_always_allow_paths: tuple[str, ...] = flag(
        HEALTH_PATHS,
        "A list of HTTP paths, which may end in *, that anybody may have without the API server being asked.",
        parse=_paths,
    )
    authorization_webhook_cache_authorized_ttl: float = duration(
        10, "The duration to cache 'authorized' responses from the webhook authorizer."
    )
    authorization_webhook_cache_unauthorized_ttl: float = duration(
        10, "The duration to cache 'unauthorized' responses from the webhook authorizer."
    )


async def certificates_of(options: DelegatingOptions, name: str) -> ServingCertificates:
    """`name`: of the files in --cert-dir, which are made where they are missing. Raises CertificateError."""
    return await load_certificates(
        options, await files_of(options, name), lambda: bare_serving_context(options.client_ca_file)
    )


def is_open(path: str, allowed: tuple[str, ...]) -> bool:
    """Whether a path is one of these, or below one that ends in *; without a slash before, too."""
    bare = path.removeprefix("/")
    return any(
        bare.startswith(each[:-1]) if each.endswith("*") else bare == each
        for each in (every.removeprefix("/") for every in allowed)
    )
