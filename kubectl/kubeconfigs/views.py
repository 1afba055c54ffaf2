"""What `config view` shows of a kubeconfig: pure functions, but for the files that --flatten takes in."""

from __future__ import annotations

import base64
from collections.abc import Callable
from pathlib import Path

from apimachinery.objects import Object
from kubectl.failures import CommandError
from kubectl.kubeconfigs.entries import SECTIONS, named

_SECRETS = ("client-certificate-data", "client-key-data", "token", "password")
_FILES = ("certificate-authority", "client-certificate", "client-key")


def minified(config: Object, context: str) -> Object:
    """Only what the context names. Raises CommandError."""
    if not context:
        raise CommandError("current-context must exist in order to minify")
    found = named(config, "contexts").get(context)
    if found is None:
        raise CommandError(f"cannot locate context {context}")
    names = {"clusters": found.get("cluster"), "users": found.get("user"), "contexts": context}
    kept = {what: [each for each in config[what] if each["name"] == name] for what, name in names.items()}
    return {**config, **kept, "current-context": context}


def flattened(config: Object) -> Object:
    """Every file's content in place of its name."""
    return _mapped(config, inlined)


def inlined(entry: Object) -> Object:
    result = dict(entry)
    for name in _FILES:
        if name in result:
            content = Path(result.pop(name)).read_bytes()
            result.setdefault(f"{name}-data", base64.b64encode(content).decode())
    return result


def redacted(config: Object) -> Object:
    def hide(entry: Object) -> Object:
        shown = {
            key: "DATA+OMITTED" if key.endswith("-data") else "REDACTED" for key in _SECRETS if key in entry
        }
        if "certificate-authority-data" in entry:
            shown["certificate-authority-data"] = "DATA+OMITTED"
        return {**entry, **shown}

    return _mapped(config, hide)


def _mapped(config: Object, change: Callable[[Object], Object]) -> Object:
    result = dict(config)
    for what, inner in SECTIONS.items():
        result[what] = [{**each, inner: change(each.get(inner) or {})} for each in config.get(what) or ()]
    return result
