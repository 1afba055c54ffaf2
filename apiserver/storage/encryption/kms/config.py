"""The kms provider of an EncryptionConfiguration: judged as upstream does.

Source: pkg/apis/apiserver/validation/validation_encryption.go of kubernetes/apiserver 0.34.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

from apimachinery.durations import format_duration, parse_duration
from apimachinery.field import ErrorList, Path, invalid, required
from apimachinery.objects import Object
from apimachinery.urls import parse_url
from apiserver.config_files import ConfigError

_OLD, _DEFAULT_TIMEOUT = "v1", "3s"
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
    version = _version_of(kms)
    yield from _errors_of_name(kms.get("name") or "", version, path.child("name"), names)
    yield from _errors_of_timeout(kms, path.child("timeout"))
    yield from _errors_of_endpoint(kms.get("endpoint") or "", path.child("endpoint"))
    if version != _OLD and kms.get("cachesize") is not None:
        yield invalid(path.child("cachesize"), kms["cachesize"], "cachesize is not supported in v2")
    if version == _OLD and kms.get("cachesize") == 0:
        text = "cachesize should be a positive value, or negative to disable"
        yield invalid(path.child("cachesize"), 0, text)
    if version not in (_OLD, "v2"):
        text = "unsupported apiVersion apiVersion for KMS provider, only v1 and v2 are supported"
        yield invalid(path.child("apiVersion"), version, text)


def _version_of(kms: Object) -> str:
    return kms.get("apiVersion") or _OLD


def refuse_old(kms: Object) -> None:
    """Raises ConfigError."""
    if _version_of(kms) == _OLD:
        raise ConfigError(_V1)


def _errors_of_timeout(kms: Object, path: Path) -> Iterator[Any]:
    if (seconds := timeout_of(kms)) <= 0:
        yield invalid(path, format_duration(seconds), "timeout should be a positive value")


def _errors_of_name(name: str, version: str, path: Path, names: Collection[str]) -> Iterator[Any]:
    if not name:
        yield required(path, "name is a mandatory field for a provider")
    if version == _OLD:
        return
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
    """Seconds."""
    return parse_duration(kms.get("timeout") or _DEFAULT_TIMEOUT)
