"""spec.conversion of a CustomResourceDefinition."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence

from cryptography import x509

from apimachinery import names
from apimachinery.field import Errors, Path, forbidden, invalid, required
from apimachinery.objects import Object, get_path
from apiserver.registry.strategies.checks import one_of
from apiserver.registry.strategies.webhooks import validate_service, validate_url

_ACCEPTED_REVIEWS = ("v1", "v1beta1")
_UNUSED = "should not be set when strategy is not set to Webhook"


def validate_conversion(spec: Object, path: Path, *, established: bool) -> Errors:
    """The CA of a webhook may be nonsense until the definition is established."""
    conversion = spec.get("conversion") or {}
    yield from one_of(conversion.get("strategy"), path.child("strategy"), ("None", "Webhook"))
    config = get_path(conversion, "webhook.clientConfig")
    reviews = get_path(conversion, "webhook.conversionReviewVersions", [])
    at = path.child("webhookClientConfig")
    if conversion.get("strategy") != "Webhook":
        if config is not None:
            yield forbidden(at, _UNUSED)
        if reviews:
            yield forbidden(path.child("conversionReviewVersions"), _UNUSED)
        return
    if config is None:
        yield required(at, "required when strategy is set to Webhook")
    else:
        yield from _client_config(config, at, established)
    yield from _reviews(reviews, path.child("conversionReviewVersions"))


def _client_config(config: Object, path: Path, established: bool) -> Errors:
    url, service = config.get("url"), config.get("service")
    if (url is None) == (service is None):
        yield required(path, "exactly one of url or service is required")
    elif url is not None:
        yield from validate_url(url, path.child("url"))
    else:
        yield from validate_service(service or {}, path.child("service"))
    if established and config.get("caBundle") and not _is_bundle(config["caBundle"]):
        detail = "unable to load root certificates: unable to parse bytes as PEM block"
        yield invalid(path.child("caBundle"), config["caBundle"], detail)


def _is_bundle(encoded: str) -> bool:
    try:
        return bool(x509.load_pem_x509_certificates(base64.b64decode(encoded)))
    except (binascii.Error, ValueError):
        return False


def _reviews(versions: Sequence[str], path: Path) -> Errors:
    if not versions:
        yield required(path)
        return
    for index, version in enumerate(versions):
        if version in versions[:index]:
            yield invalid(path.index(index), version, "duplicate version")
            continue
        for text in names.is_dns1035_label(version):
            yield invalid(path.index(index), version, text)
    if not set(versions) & set(_ACCEPTED_REVIEWS):
        yield invalid(path, list(versions), f"must include at least one of {', '.join(_ACCEPTED_REVIEWS)}")
