"""Changes of a kubeconfig as pure functions: entries put and removed, single properties set and unset.

Source: k8s.io/kubectl/pkg/cmd/config.
"""

from __future__ import annotations

import base64
from typing import Any

from apimachinery.objects import Object
from kubectl.failures import CommandError

SECTIONS = {"clusters": "cluster", "contexts": "context", "users": "user"}
SINGLE = ("current-context", "kind", "apiVersion")
_BYTES = ("certificate-authority-data", "client-certificate-data", "client-key-data")
_TRUE_OR_FALSE = ("insecure-skip-tls-verify", "disable-compression")
_NESTED = ("extensions", "exec", "auth-provider", "as-groups", "as-user-extra")
"""What is no single value: it can be taken away, not set."""
_FIELDS = {
    "clusters": (
        "server", "tls-server-name", "insecure-skip-tls-verify", "certificate-authority",
        "certificate-authority-data", "proxy-url", "disable-compression", "extensions",
    ),
    "contexts": ("cluster", "user", "namespace", "extensions"),
    "users": (
        "client-certificate", "client-certificate-data", "client-key", "client-key-data", "token",
        "tokenFile", "as", "as-uid", "as-groups", "as-user-extra", "username", "password",
        "auth-provider", "exec", "extensions",
    ),
}  # fmt: skip


_ALWAYS = {"contexts": {"cluster": "", "user": ""}}
"""What is written even if it is empty."""


def as_written(config: Object) -> Object:
    """Sections that hold nothing are null, as Go writes them."""
    return {**config, **{section: config.get(section) or None for section in SECTIONS}}


def named(config: Object, section: str) -> dict[str, Object]:
    """What a section holds, by name."""
    return {entry["name"]: entry.get(SECTIONS[section]) or {} for entry in config.get(section) or ()}


def put(config: Object, section: str, name: str, fields: Object) -> Object:
    """With these fields in an entry that may be there already; None removes one."""
    entries = named(config, section)
    merged = {**entries.get(name, {}), **fields}
    kept = {key: value for key, value in merged.items() if value is not None}
    entries[name] = {**_ALWAYS.get(section, {}), **kept}
    return _with(config, section, entries)


def remove(config: Object, section: str, name: str) -> Object:
    return _with(config, section, {key: each for key, each in named(config, section).items() if key != name})


def rename_context(config: Object, old: str, new: str) -> Object:
    """The current one stays so under its new name."""
    contexts = {new if key == old else key: each for key, each in named(config, "contexts").items()}
    current = config.get("current-context")
    return {**_with(config, "contexts", contexts), "current-context": new if current == old else current}


def set_property(config: Object, path: str, value: str, *, raw: bool = False) -> Object:
    """`current-context`, or `users.NAME.token`; bytes in base64 unless they are raw. Raises CommandError."""
    if path in SINGLE:
        return {**config, path: value}
    section, name, field = split(path)
    if not field or field in _NESTED:
        raise CommandError(f"unable to set {path}: it is no single property")
    return put(config, section, name, {field: _value(field, value, raw)})


def unset_property(config: Object, path: str) -> Object:
    """`current-context`, `users`, `users.NAME` or `users.NAME.token`. Raises CommandError."""
    if path in SINGLE:
        return {**config, path: ""}
    section, name, field = split(path)
    if not name:
        return {**config, section: []}
    if not field:
        return remove(config, section, name)
    if name not in named(config, section):
        raise CommandError(f"current map key `{name}` is invalid")
    return put(config, section, name, {field: None})


def split(path: str) -> tuple[str, str, str]:
    """Section, name and field; the name, which may have dots, ends where a field begins.

    Raises CommandError.
    """
    section, *parts = path.split(".")
    if section not in SECTIONS:
        raise CommandError(f"unable to parse {path} after [] at api.Config")
    fields = _FIELDS[section]
    end = next((place for place, part in enumerate(parts) if place and part in fields), len(parts))
    if len(parts) > end + 1:
        raise CommandError(f"unable to parse one or more field values of {path}")
    return section, ".".join(parts[:end]), ".".join(parts[end:])


def _value(field: str, text: str, raw: bool) -> Any:
    if field in _BYTES:
        return base64.b64encode(text.encode()).decode() if raw else _checked(text)
    if field not in _TRUE_OR_FALSE:
        return text
    if text not in ("true", "false"):
        raise CommandError(f'strconv.ParseBool: parsing "{text}": invalid syntax')
    return text == "true"


def _checked(text: str) -> str:
    from apimachinery.schema.scalars import Fault, check_bytes

    fault = check_bytes(text)
    if isinstance(fault, Fault):
        raise CommandError(f"error decoding input value: {fault.text}")
    return fault.value if fault else text


def _with(config: Object, section: str, entries: dict[str, Object]) -> Object:
    inner = SECTIONS[section]
    return {**config, section: [{inner: each, "name": name} for name, each in sorted(entries.items())]}
