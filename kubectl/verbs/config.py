"""`config`: what the kubeconfig says, and its entries changed."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

from apimachinery.objects import Object
from apimachinery.serialize import to_yaml
from kubectl import session
from kubectl.arguments import Flag, UsageError, Words
from kubectl.commands import Group
from kubectl.failures import CommandError
from kubectl.flags import NoHeaders
from kubectl.kubeconfigs import entries, files, views
from kubectl.kubeconfigs.entries import named
from kubectl.printers import AS_IS, Printing
from kubectl.printers.table import align
from kubectl.verbs.config_credentials import set_credentials

Name = Annotated[str, Words("NAME")]


def view(
    minify: Annotated[bool, Flag("--minify", help="The current context only.")] = False,
    flatten: Annotated[bool, Flag("--flatten", help="Files become inline data.")] = False,
    raw: Annotated[bool, Flag("--raw", help="Show secrets.")] = False,
    merge: Annotated[bool, Flag("--merge", help="All files as one.")] = True,
    printing: Printing = AS_IS,
) -> None:
    """Display merged kubeconfig settings or a specified kubeconfig file."""
    from kubectl import printers

    config = files.merged() if merge else files.read(files.default_path())
    if minify:
        config = views.minified(config, session.options().context or config.get("current-context", ""))
    if flatten:
        config = views.flattened(config)
    shown = entries.as_written(config if raw else views.redacted(config))
    print(printers.render([shown], printing) if printing else to_yaml(shown), end="")


def current_context() -> None:
    """Display the current-context."""
    current = files.merged().get("current-context")
    if not current:
        raise CommandError("current-context is not set")
    print(current)


def get_contexts(
    wanted: Annotated[list[str], Words("[NAME...]")],
    output: Annotated[str, Flag("--output", "-o", help="name")] = "",
    no_headers: NoHeaders = False,
) -> None:
    """Describe one or many contexts."""
    config = files.merged()
    contexts = named(config, "contexts")
    if output not in ("", "name"):
        raise CommandError("output must be one of '' or 'name': " + output)
    shown = [name for name in sorted(contexts) if not wanted or name in wanted]
    if output == "name":
        print("".join(f"{name}\n" for name in shown), end="")
        return
    rows = [] if no_headers else [["CURRENT", "NAME", "CLUSTER", "AUTHINFO", "NAMESPACE"]]
    for name in shown:
        mark = "*" if name == config.get("current-context") else ""
        rows.append(
            [mark, name, *(contexts[name].get(each) or "" for each in ("cluster", "user", "namespace"))]
        )
    print(align(rows), end="")
    if missing := [name for name in wanted if name not in contexts]:
        raise CommandError("\n".join(f"context {name} not found" for name in missing))


def get_clusters() -> None:
    """Display clusters defined in the kubeconfig."""
    _print_names("clusters")


def get_users() -> None:
    """Display users defined in the kubeconfig."""
    _print_names("users")


def _print_names(section: str) -> None:
    print("".join(f"{name}\n" for name in ["NAME", *sorted(named(files.merged(), section))]), end="")


def use_context(name: Annotated[str, Words("CONTEXT_NAME")]) -> None:
    """Set the current-context in a kubeconfig file."""
    if name not in named(files.merged(), "contexts"):
        raise CommandError(f'no context exists with the name: "{name}"')
    files.change(files.default_path(), lambda config: {**config, "current-context": name})
    print(f'Switched to context "{name}".')


def set_context(
    words: Annotated[list[str], Words("[NAME | --current]")],
    current: Annotated[bool, Flag("--current", help="Change the current one.")] = False,
    cluster: Annotated[str | None, Flag("--cluster", help="The cluster of the context.")] = None,
    user: Annotated[str | None, Flag("--user", help="The user of the context.")] = None,
    namespace: Annotated[str | None, Flag("--namespace", "-n", help="The namespace of the context.")] = None,
) -> None:
    """Set a context entry in kubeconfig. What is given empty is taken away."""
    if len(words) > 1:
        raise UsageError(f"Unexpected args: {words}", "config set-context", "usage")
    if words and current:
        raise CommandError("you cannot specify both a context name and --current")
    name = files.merged().get("current-context", "") if current else "".join(words[:1])
    if not name:
        raise CommandError(
            "no current context is set"
            if current
            else "you must specify a non-empty context name or --current"
        )
    if namespace is None:
        namespace = session.options().namespace or None  # where the flag stood before the verb
    settings = {"cluster": cluster, "user": user, "namespace": namespace}
    given = {key: value or None for key, value in settings.items() if value is not None}
    existed = _put("contexts", name, given)
    print(f'Context "{name}" {"modified" if existed else "created"}.')


def set_cluster(
    name: Name,
    server: Annotated[str, Flag("--server", help="Where the cluster is.")] = "",
    authority: Annotated[str, Flag("--certificate-authority", help="File of its authority.")] = "",
    embed: Annotated[bool, Flag("--embed-certs", help="Take the files' content in.")] = False,
    insecure: Annotated[
        bool | None, Flag("--insecure-skip-tls-verify", help="Believe any certificate of it.")
    ] = None,
    tls_server_name: Annotated[str, Flag("--tls-server-name", help="The name in its certificate.")] = "",
    proxy_url: Annotated[str, Flag("--proxy-url", help="The proxy that leads to it.")] = "",
) -> None:
    """Set a cluster entry in kubeconfig."""
    if authority and insecure:
        raise CommandError("you cannot specify a certificate authority and insecure mode at the same time")
    fields: Object = {
        "server": server or None,
        "certificate-authority": str(Path(authority).absolute()) if authority else None,
        "insecure-skip-tls-verify": insecure or None,
        "tls-server-name": tls_server_name or None,
        "proxy-url": proxy_url or None,
    }
    given = {key: value for key, value in fields.items() if value is not None}
    if insecure is False:
        given["insecure-skip-tls-verify"] = None
    _put("clusters", name, views.inlined(given) if embed else given)
    print(f'Cluster "{name}" set.')


def _put(section: str, name: str, fields: Object) -> bool:
    """Whether the entry was there before."""
    path = files.path_of(section, name)
    existed = name in named(files.read(path), section)
    files.change(path, lambda config: entries.put(config, section, name, fields))
    return existed


def rename_context(
    old: Annotated[str, Words("CONTEXT_NAME")], new: Annotated[str, Words("NEW_NAME")]
) -> None:
    """Rename a context from the kubeconfig file."""
    path = files.path_of("contexts", old)
    contexts = named(files.read(path), "contexts")
    if old not in contexts:
        raise CommandError(f'cannot rename the context "{old}", it\'s not in {path}')
    if new in contexts:
        raise CommandError(f'cannot rename the context "{old}", the context "{new}" already exists in {path}')
    for each in {path, files.current_path()}:
        files.change(each, lambda config: entries.rename_context(config, old, new))
    print(f'Context "{old}" renamed to "{new}".')


def delete_context(name: Name) -> None:
    """Delete the specified context from the kubeconfig."""
    if files.merged().get("current-context") == name:
        how = 'use "sampan config use-context" to select a different one'
        print(f"warning: this removed your active context, {how}", file=sys.stderr)
    _delete("contexts", name)


def delete_cluster(name: Name) -> None:
    """Delete the specified cluster from the kubeconfig."""
    _delete("clusters", name)


def delete_user(name: Name) -> None:
    """Delete the specified user from the kubeconfig."""
    _delete("users", name)


def _delete(section: str, name: str) -> None:
    word, path = entries.SECTIONS[section], files.path_of(section, name)
    if name not in named(files.read(path), section):
        raise CommandError(f"cannot delete {word} {name}, not in {path}")
    files.change(path, lambda config: entries.remove(config, section, name))
    print(f"deleted {word} {name} from {path}")


def set_(
    words: Annotated[list[str], Words("PROPERTY_NAME PROPERTY_VALUE")],
    raw: Annotated[
        bool, Flag("--set-raw-bytes", help="The value of a field of bytes is not in base64.")
    ] = False,
) -> None:
    """Set an individual value in a kubeconfig file."""
    if len(words) != 2:
        raise UsageError(f"Unexpected args: {words}", "config set", "usage")
    if not words[1]:
        raise CommandError("you cannot use set to unset a property")
    path = files.default_path() if words[0] in entries.SINGLE else _path_of(words[0])
    files.change(path, lambda config: entries.set_property(config, *words, raw=raw))
    print(f'Property "{words[0]}" set.')


def unset(name: Annotated[str, Words("PROPERTY_NAME")]) -> None:
    """Unset an individual value in a kubeconfig file."""
    path = files.current_path() if name in entries.SINGLE else _path_of(name)
    files.change(path, lambda config: entries.unset_property(config, name))
    print(f'Property "{name}" unset.')


def _path_of(name: str) -> Path:
    """The file that has the property's entry, or would have it. Raises CommandError."""
    section, entry, _ = entries.split(name)
    return files.path_of(section, entry)


config = Group(
    "Modify kubeconfig files.",
    {
        "current-context": current_context,
        "delete-cluster": delete_cluster,
        "delete-context": delete_context,
        "delete-user": delete_user,
        "get-clusters": get_clusters,
        "get-contexts": get_contexts,
        "get-users": get_users,
        "rename-context": rename_context,
        "set": set_,
        "set-cluster": set_cluster,
        "set-context": set_context,
        "set-credentials": set_credentials,
        "unset": unset,
        "use-context": use_context,
        "view": view,
    },
    {"use": "use-context"},
)
