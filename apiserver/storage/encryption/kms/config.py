"""The kms provider of an EncryptionConfiguration: judged as upstream does.

Source: pkg/apis/apiserver/validation/validation_encryption.go of kubernetes/apiserver 0.34.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from apimachinery.durations import parse_duration
from apimachinery.field import ErrorList, Path, invalid, required
from apimachinery.objects import Object
from apimachinery.urls import parse_url

_DEFAULT_VERSION, _DEFAULT_TIMEOUT = "v1", "3s"
_V1 = (
    "KMSv1 is deprecated and will only receive security updates going forward. Use KMSv2 instead.  Set "
    "--feature-gates=KMSv1=true to use the deprecated KMSv1 feature."
)


def check_kms(kms: Object, path: Path, names: set[str]) -> ErrorList:
    """`names` are those of providers before this one; its own is added."""
    errors = list(_errors(kms, path, names))
    names.add(kms.get("name") or "")
    return errors


def _errors(kms: Object, path: Path, names: set[str]) -> Iterator[Any]:
    version = kms.get("apiVersion") or _DEFAULT_VERSION
    yield from _errors_of_name(kms.get("name") or "", path.child("name"), names)
    try:
        seconds = timeout_of(kms)
    except ValueError:
        seconds = 0
    if seconds <= 0:
        yield invalid(path.child("timeout"), kms.get("timeout"), "timeout should be a positive value")
    yield from _errors_of_endpoint(kms.get("endpoint") or "", path.child("endpoint"))
    if version == "v2" and kms.get("cachesize") is not None:
        yield invalid(path.child("cachesize"), kms["cachesize"], "cachesize is not supported in v2")
    where = path.child("apiVersion")
    if version == "v1":
        yield invalid(where, version, _V1)
    elif version != "v2":
        text = "unsupported apiVersion apiVersion for KMS provider, only v1 and v2 are supported"
        yield invalid(where, version, text)


def _errors_of_name(name: str, path: Path, names: set[str]) -> Iterator[Any]:
    if not name:
        yield required(path, "name is a mandatory field for a provider")
    if ":" in name:
        yield invalid(path, name, f"invalid KMS provider name {name}, must not contain ':'")
    if name in names:
        yield invalid(path, name, f"duplicate KMS provider name {name}, names must be unique")


def _errors_of_endpoint(endpoint: str, path: Path) -> Iterator[Any]:
    if not endpoint:
        yield invalid(path, "", "endpoint is a mandatory field for a kms")
        return
    try:
        scheme = parse_url(endpoint).scheme
    except ValueError as error:
        yield invalid(path, endpoint, f"invalid endpoint for kms provider, error: {error}")
        return
    if scheme != "unix":
        text = f'unsupported scheme "{scheme}" for KMS provider, only unix is supported'
        yield invalid(path, endpoint, text)


def timeout_of(kms: Object) -> float:
    """Seconds. Raises ValueError."""
    return parse_duration(kms.get("timeout") or _DEFAULT_TIMEOUT)
