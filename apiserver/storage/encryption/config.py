"""EncryptionConfiguration (apiserver.config.k8s.io/v1): read, judged as upstream does, made transformers of.

Source: pkg/apis/apiserver/validation/validation_encryption.go of kubernetes/apiserver 0.34.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import combinations
from typing import Any
from uuid import uuid4

from apimachinery.errors import aggregate
from apimachinery.field import ErrorList, GoStruct, Path, invalid, required
from apimachinery.objects import Object
from apiserver.config_files import ConfigError, decode_config, read_file
from apiserver.storage.encryption.ciphers import AesCbc, AesGcm, Cipher, Secretbox
from apiserver.storage.encryption.kms.config import check_kms, refuse_old, timeout_of
from apiserver.storage.encryption.kms.key_service import KeyService
from apiserver.storage.encryption.kms.plugin import Plugin
from apiserver.storage.encryption.transformer import ANY, PLAIN, Provider, Transformers
from component_base import clock
from component_base.config_shape import DURATION, INT32, STRING, ListOf, Struct, of_type

API_VERSION, KIND = "apiserver.config.k8s.io/v1", "EncryptionConfiguration"
_OLD = ("v1", "EncryptionConfig")
_CIPHERS: dict[str, tuple[Callable[[bytes], Cipher], tuple[int, ...]]] = {
    "aesgcm": (AesGcm, (16, 24, 32)), "aescbc": (AesCbc, (16, 24, 32)), "secretbox": (Secretbox, (32,)),
}  # fmt: skip
_PROVIDERS = ("kms", *_CIPHERS, "identity")
_NOT_RESOURCES = ("apiserveripinfo", "serviceipallocations", "servicenodeportallocations")
_PARSING = "error while parsing file"
_LOADING = f"{_PARSING}: error while loading file"
_NONE_OF_THEM = GoStruct.fromkeys(("AESGCM", "AESCBC", "Secretbox", "Identity", "KMS"))
_NO_PROVIDER = (
    "provider does not contain any of the expected providers: KMS, AESGCM, AESCBC, Secretbox, Identity"
)
_MANY_PROVIDERS = (
    "more than one provider specified in a single element, should split into different list elements"
)
_OVERLAP = (
    "using overlapping resources such as 'secrets' and '*.' in the same resource list is not allowed as they "
    "will be masked"
)
_EVENTS = (
    "'*.events.k8s.io' objects are stored using the 'events' API group in etcd. Use 'events' instead in the "
    "config file"
)
_STAR = "use '*.' to encrypt all the resources from core API group or *.* to encrypt all resources"


@dataclass(frozen=True, slots=True)
class Seams:
    """What plugins need of the world."""

    now: Callable[[], datetime] = clock.now
    new_uid: Callable[[], str] = lambda: str(uuid4())


def load(path: str) -> bytes:
    """The file's text. Raises ConfigError."""
    what = f'encryption provider configuration file "{path}"'
    try:
        text = read_file(path)
    except ConfigError as error:
        raise ConfigError(f"{_LOADING}: error reading {what}: {error}") from None
    if not text:
        raise ConfigError(f"{_LOADING}: {what} is empty")
    return text


def parse_config(text: bytes, seams: Seams = Seams(), path: str = "") -> Transformers:
    """`path` is only told of. Raises ConfigError."""
    try:
        config = decode_config(text, API_VERSION, KIND, _SHAPE, _OLD)
    except ConfigError as error:
        where = f'error decoding encryption provider configuration file "{path}"'
        raise ConfigError(f"{_PARSING}: {where}: {error}") from None
    if errors := _check(config):
        raise ConfigError(f"{_PARSING}: {aggregate([str(each) for each in errors])}")
    try:
        return _transformers(config["resources"], seams)
    except ConfigError as error:
        raise ConfigError(f"error while building transformers: {error}") from None


def _transformers(blocks: Sequence[Object], seams: Seams) -> Transformers:
    """Raises ConfigError."""
    rules: dict[str, list[Provider]] = {}
    services: list[KeyService] = []
    for block in blocks:
        providers = []
        for provider in block["providers"]:
            if (kms := provider.get("kms")) is not None:
                refuse_old(kms)
                services.append(_key_service(kms, seams))
                providers.append(_provider_of(services[-1]))
            else:
                providers += _providers(provider)
        for name in block["resources"]:
            _refuse_masked(name, rules)
            rules.setdefault(name, []).extend(providers)
    return Transformers(rules, services)


_KEYS = ListOf(Struct("v1.Key", of_type(STRING, "name secret")))
_SHAPE = Struct("v1.EncryptionConfiguration", {
    **of_type(STRING, "apiVersion kind"),
    "resources": ListOf(Struct("v1.ResourceConfiguration", {
        "resources": ListOf(STRING),
        "providers": ListOf(Struct("v1.ProviderConfiguration", {
            "aesgcm": Struct("v1.AESConfiguration", {"keys": _KEYS}),
            "aescbc": Struct("v1.AESConfiguration", {"keys": _KEYS}),
            "secretbox": Struct("v1.SecretboxConfiguration", {"keys": _KEYS}),
            "identity": Struct("v1.IdentityConfiguration", {}),
            "kms": Struct("v1.KMSConfiguration", {
                **of_type(STRING, "apiVersion name endpoint"), "cachesize": INT32, "timeout": DURATION,
            }),
        })),
    })),
})  # fmt: skip


def _check(config: Object) -> ErrorList:
    root, blocks = Path("resources"), config.get("resources") or []
    if not blocks:
        return [_at_least_one(root, "resources")]
    errors: ErrorList = []
    kms_names: set[str] = set()
    for index, block in enumerate(blocks):
        names, path = block.get("resources") or [], root.index(index).child("resources")
        errors += [] if names else [_at_least_one(path, str(path))]
        errors += [*_check_overlap(names, path), *_check_names(names, path)]
        providers, path = block.get("providers") or [], root.index(index).child("providers")
        errors += [] if providers else [_at_least_one(path, str(path))]
        for position, provider in enumerate(providers):
            errors += _check_provider(provider, path.index(position), kms_names)
    return errors


def _at_least_one(path: Path, what: str) -> Any:
    return required(path, f"at least one {what} is required")


def _split(name: str) -> tuple[str, str]:
    """(group, resource) of `deployments.apps`."""
    resource, _, group = name.partition(".")
    return group, resource


def _check_overlap(names: Sequence[str], path: Path) -> ErrorList:
    errors: ErrorList = []
    pairs = list(combinations(map(_split, names), 2))
    if any(one == other for one, other in pairs):
        errors.append(invalid(path, names, "the same resource cannot be specified multiple times"))
    if any(_is_masked(one, other) for one, other in pairs):
        errors.append(invalid(path, names, _OVERLAP))
    return errors


def _is_masked(one: tuple[str, str], other: tuple[str, str]) -> bool:
    """Whether one of two is part of the other."""
    same_group = one[0] == other[0]
    return (ANY, ANY) in (one, other) or (same_group and ANY in (one[1], other[1]))


def _check_names(names: Sequence[str], path: Path) -> ErrorList:
    return [
        invalid(path.index(index), name, problem)
        for index, name in enumerate(names)
        if (problem := _problem_of(name))
    ]


def _problem_of(name: str) -> str:
    group, resource = _split(name)
    if name != name.lower():
        return "resource name should not contain capital letters"
    if name == ANY:
        return _STAR
    if name in _NOT_RESOURCES:
        return "resources which do not have REST API/s cannot be encrypted"
    if group == "events.k8s.io":
        return _EVENTS
    if group == "extensions":
        return "'extensions' group has been removed and cannot be used for encryption"
    if group == ANY and resource != ANY:
        return "encrypting the same resource across groups is not supported"
    return ""


def _check_provider(provider: Object, path: Path, kms_names: set[str]) -> ErrorList:
    found = [name for name in _PROVIDERS if provider.get(name) is not None]
    if not found:
        return [invalid(path, _NONE_OF_THEM, _NO_PROVIDER)]
    errors = [invalid(path, found, _MANY_PROVIDERS)] if len(found) > 1 else []
    name = found[0]
    if name == "kms":
        return errors + check_kms(provider[name], path.child(name), kms_names)
    return errors + (_check_keys(name, provider[name], path.child(name)) if name in _CIPHERS else [])


def _check_keys(name: str, provider: Object, path: Path) -> ErrorList:
    keys, path, sizes = provider.get("keys") or [], path.child("keys"), _CIPHERS[name][1]
    if not keys:
        return [_at_least_one(path, "keys")]
    return [error for index, key in enumerate(keys) for error in _check_key(key, path.index(index), sizes)]


def _check_key(key: Object, path: Path, sizes: tuple[int, ...]) -> ErrorList:
    errors: ErrorList = []
    if not key.get("name"):
        errors.append(required(path.child("name"), "name is a mandatory field for a key"))
    if not key.get("secret"):
        return [*errors, required(path.child("secret"), "secret is a mandatory field for a key")]
    try:
        size = len(_secret(key))
    except binascii.Error:
        return [*errors, invalid(path.child("secret"), "REDACTED", "secrets must be base64 encoded")]
    if size not in sizes:
        expected = f"[{' '.join(map(str, sizes))}]"
        text = f"secret is not of the expected length, got {size}, expected one of {expected}"
        errors.append(invalid(path.child("secret"), "REDACTED", text))
    return errors


def _secret(key: Object) -> bytes:
    """Line breaks count for nothing, also where a block of YAML ends with one. Raises binascii.Error."""
    return base64.b64decode(re.sub("[\r\n]", "", key["secret"]), validate=True)


def _providers(provider: Object) -> list[Provider]:
    """One for each key."""
    name = next(each for each in _PROVIDERS if provider.get(each) is not None)
    if name == "identity":
        return [*PLAIN]
    make, label = _CIPHERS[name][0], f"k8s:enc:{name}:v1:"
    return [
        Provider(f"{label}{key['name']}:".encode(), make(_secret(key)), label)
        for key in provider[name]["keys"]
    ]


def _key_service(kms: Object, seams: Seams) -> KeyService:
    plugin = Plugin(kms["name"], kms["endpoint"], timeout_of(kms), seams.new_uid)
    return KeyService(plugin, seams.now)


def _provider_of(service: KeyService) -> Provider:
    prefix = f"k8s:enc:kms:v2:{service.name}:"
    return Provider(prefix.encode(), service, prefix, service.is_outdated)


def _refuse_masked(name: str, rules: dict[str, list[Provider]]) -> None:
    group = _split(name)[0]
    for earlier in (f"{ANY}.{group}", f"{ANY}.{ANY}"):
        if earlier in rules:
            raise ConfigError(f'resource "{name}" is masked by earlier rule "{earlier}"')
