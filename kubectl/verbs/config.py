"""`config`: what the kubeconfig says, and which context is current."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

from apimachinery.objects import Object
from apimachinery.serialize import from_yaml_all, to_yaml
from kubectl import session
from kubectl.arguments import Flag, Words
from kubectl.commands import Group
from kubectl.failures import CommandError
from kubectl.flags import NoHeaders
from kubectl.printers import AS_IS, Printing
from kubectl.printers.table import align

_SECTIONS = {"clusters": "cluster", "contexts": "context", "users": "user"}
_SECRETS = ("client-certificate-data", "client-key-data", "token", "password")


def _files() -> list[Path]:
    chosen = session.kubeconfig_path()
    if chosen:
        return [Path(chosen)]
    listed = [Path(part) for part in os.environ.get("KUBECONFIG", "").split(":") if part]
    return listed or [Path.home() / ".kube/config"]


def _merged() -> Object:
    """All files as one, as the client reads them."""
    from client.kubeconfig import merge

    merged = merge([_read(path) for path in _files() if path.is_file()])
    lists = {
        what: [{inner: entry, "name": name} for name, entry in merged[what].items()]
        for what, inner in _SECTIONS.items()
    }
    return {"apiVersion": "v1", "kind": "Config", "preferences": {}, **merged, **lists}


def _read(path: Path) -> Object:
    documents = from_yaml_all(path.read_text())
    return documents[0] if documents and isinstance(documents[0], dict) else {}


def _named(config: Object, what: str) -> dict[str, Object]:
    return {entry["name"]: entry for entry in config.get(what) or ()}


def view(
    minify: Annotated[bool, Flag("--minify", help="The current context only.")] = False,
    flatten: Annotated[bool, Flag("--flatten", help="Files become inline data.")] = False,
    raw: Annotated[bool, Flag("--raw", help="Show secrets.")] = False,
    printing: Printing = AS_IS,
) -> None:
    """Display merged kubeconfig settings or a specified kubeconfig file."""
    from kubectl import printers

    config = _merged()
    if minify:
        config = minified(config, session.options().context or config.get("current-context", ""))
    if flatten:
        config = flattened(config)
    shown = config if raw else redacted(config)
    print(printers.render([shown], printing) if printing else to_yaml(shown), end="")


def minified(config: Object, context: str) -> Object:
    """Only what the context names. Raises CommandError."""
    found = _named(config, "contexts").get(context)
    if found is None:
        raise CommandError("cannot locate context " + context if context else "no context set")
    names = {
        "clusters": found["context"].get("cluster"),
        "users": found["context"].get("user"),
        "contexts": context,
    }
    kept = {what: [each for each in config[what] if each["name"] == name] for what, name in names.items()}
    return {**config, **kept, "current-context": context}


def flattened(config: Object) -> Object:
    """Every file's content in place of its name."""
    import base64

    def inline(entry: Object) -> Object:
        result = dict(entry)
        for name in ("certificate-authority", "client-certificate", "client-key"):
            if name in result:
                content = Path(result.pop(name)).read_bytes()
                result.setdefault(f"{name}-data", base64.b64encode(content).decode())
        return result

    return _mapped(config, inline)


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
    for what, inner in _SECTIONS.items():
        result[what] = [{**each, inner: change(each.get(inner) or {})} for each in config.get(what) or ()]
    return result


def current_context() -> None:
    """Display the current-context."""
    current = _merged().get("current-context")
    if not current:
        raise CommandError("current-context is not set")
    print(current)


def get_contexts(
    output: Annotated[str, Flag("--output", "-o", help="name")] = "",
    no_headers: NoHeaders = False,
) -> None:
    """Describe one or many contexts."""
    config = _merged()
    contexts = _named(config, "contexts")
    if output == "name":
        print("".join(f"{name}\n" for name in sorted(contexts)), end="")
        return
    rows = [] if no_headers else [["CURRENT", "NAME", "CLUSTER", "AUTHINFO", "NAMESPACE"]]
    for name, entry in sorted(contexts.items()):
        context = entry["context"]
        mark = "*" if name == config.get("current-context") else ""
        rows.append([mark, name, *(context.get(each) or "" for each in ("cluster", "user", "namespace"))])
    print(align(rows), end="")


def get_clusters() -> None:
    """Display clusters defined in the kubeconfig."""
    names = sorted(_named(_merged(), "clusters"))
    print("".join(f"{name}\n" for name in ["NAME", *names]), end="")


def use_context(name: str) -> None:
    """Set the current-context in a kubeconfig file."""
    if name not in _named(_merged(), "contexts"):
        raise CommandError(f'no context exists with the name: "{name}"')
    _update(lambda config: {**config, "current-context": name})
    print(f'Switched to context "{name}".')


def set_context(
    name: Annotated[str, Words()] = "",
    current: Annotated[bool, Flag("--current")] = False,
    cluster: Annotated[str, Flag("--cluster")] = "",
    user: Annotated[str, Flag("--user")] = "",
) -> None:
    """Set a context entry in kubeconfig."""
    chosen = _merged().get("current-context", "") if current else name
    if not chosen:
        raise CommandError(
            "no current context is set"
            if current
            else "you must specify a non-empty context name or --current"
        )
    settings = {
        "cluster": cluster,
        "user": user or session.options().user,
        "namespace": session.options().namespace,
    }
    given = {key: value for key, value in settings.items() if value}

    def change(config: Object) -> Object:
        contexts = _named(config, "contexts")
        old = (contexts.get(chosen) or {}).get("context") or {}
        contexts[chosen] = {"name": chosen, "context": {**old, **given}}
        return {**config, "contexts": list(contexts.values())}

    existed = chosen in _named(_merged(), "contexts")
    _update(change)
    print(f'Context "{chosen}" {"modified" if existed else "created"}.')


def _update(change: Callable[[Object], Object]) -> None:
    """Rewrites the first kubeconfig file."""
    path = _files()[0]
    config = _read(path) if path.is_file() else {"apiVersion": "v1", "kind": "Config"}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o600)
    path.write_text(to_yaml(change(config)))


config = Group(
    "Modify kubeconfig files.",
    {
        "current-context": current_context,
        "get-clusters": get_clusters,
        "get-contexts": get_contexts,
        "set-context": set_context,
        "use-context": use_context,
        "view": view,
    },
    {"use": "use-context"},
)
