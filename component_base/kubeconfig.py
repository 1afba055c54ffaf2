"""Where the API is and who we are: kubeconfig files merged as kubectl does, or the pod's service account."""

from __future__ import annotations

import base64
import binascii
import os
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from apimachinery.objects import Object
from component_base.certificates import client_context, load_pair
from component_base.explained import ExplainedError

SERVICE_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")


class ConfigError(ExplainedError):
    """A kubeconfig that can't be used: it names something that is missing or malformed."""


class InvalidConfigError(ConfigError):
    """An entry lacks something."""


class ContextNotFound(ConfigError):
    """The kubeconfig has no context of this name."""

    def __init__(self, name: str) -> None:
        super().__init__(f"context was not found for specified context: {name}")


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientConfig:
    """One user on one cluster. Files are read already, except the token file, which rotates."""

    server: str
    namespace: str = "default"
    context: str = ""
    user: str = ""
    ca: bytes | None = None
    insecure: bool = False
    tls_server_name: str | None = None
    client_cert: bytes | None = None
    client_key: bytes | None = field(default=None, repr=False)
    token: str | None = field(default=None, repr=False)
    token_file: str | None = None
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    exec: Object | None = field(default=None, repr=False)
    impersonate: str | None = None
    impersonate_groups: tuple[str, ...] = ()
    impersonate_uid: str | None = None
    unix_path: str | None = None

    def ssl_context(self) -> ssl.SSLContext | None:
        """The TLS side of the configuration; None for plain http."""
        if not self.server.startswith("https:"):
            return None
        context = client_context(ca=self.ca.decode() if self.ca else "")
        if self.insecure:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        if self.client_cert and self.client_key:
            load_pair(context, self.client_key + b"\n" + self.client_cert)
        return context


def load(
    path: str | Path | None = None,
    context: str | None = None,
    *,
    cluster: str = "",
    user: str = "",
    server: str = "",
    default_server: str = "",
    environ: Mapping[str, str] = os.environ,
) -> ClientConfig:
    """The configuration of a context, the current one by default.

    `cluster`, `user` and `server` go before its own.

    Read from `path`, else from the files of $KUBECONFIG, else ~/.kube/config, else, where no `server` is
    named, from inside a pod.
    Raises ConfigError, also where no server is named and there is no default.
    """
    files = [Path(path)] if path else config_files(environ)
    present = [each for each in files if is_there(each)]
    if path and not present:
        raise ConfigError(f"stat {path}: no such file or directory")
    merged = merge([_read(each) for each in present])
    if not (merged["clusters"] or server) and "KUBERNETES_SERVICE_HOST" in environ:
        return in_cluster(environ)
    chosen = _context(merged, context or merged["current-context"])
    given = {key: value for key, value in (("cluster", cluster), ("user", user)) if value}
    config = _resolve(merged, {**chosen, **given}, server or default_server)
    return replace(config, server=server) if server else config


def config_files(environ: Mapping[str, str]) -> list[Path]:
    """The files that kubectl would read, in order."""
    listed = [Path(part) for part in environ.get("KUBECONFIG", "").split(":") if part]
    return listed or [Path(environ.get("HOME", "/")) / ".kube" / "config"]


def is_there(path: Path) -> bool:
    """What we may not look at counts as there, so that reading it says what is wrong."""
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        return True
    return True


def in_cluster(environ: Mapping[str, str], directory: Path = SERVICE_ACCOUNT) -> ClientConfig:
    """The configuration of a process in a pod."""
    host, port = environ["KUBERNETES_SERVICE_HOST"], environ.get("KUBERNETES_SERVICE_PORT", "443")
    namespace = directory / "namespace"
    return ClientConfig(
        server=f"https://{f'[{host}]' if ':' in host else host}:{port}",
        ca=(directory / "ca.crt").read_bytes(),
        token_file=str(directory / "token"),
        namespace=namespace.read_text().strip() if namespace.exists() else "default",
    )


def merge(configs: Sequence[Object]) -> Object:
    """Several files as one: of each name the first entry wins, and the first current-context."""
    merged: Object = {"clusters": {}, "users": {}, "contexts": {}, "current-context": ""}
    for config in configs:
        for section, key in (("clusters", "cluster"), ("users", "user"), ("contexts", "context")):
            for entry in config.get(section) or ():
                merged[section].setdefault(entry.get("name", ""), entry.get(key) or {})
        merged["current-context"] = merged["current-context"] or config.get("current-context") or ""
    return merged


_SCHEME = "k8s.io/client-go/tools/clientcmd/api/latest/latest.go:50"


def _read(path: Path) -> Object:
    """A kubeconfig file with its relative paths made absolute."""
    from apimachinery.serialize import DecodeError, from_yaml_all

    try:
        documents = [each for each in from_yaml_all(path.read_text()) if each]
    except OSError as error:
        raise ConfigError(f'error loading config file "{path}": open {path}: {_reason(error)}') from error
    except DecodeError as error:
        reason = str(error).removeprefix("error converting YAML to JSON: ")
        raise ConfigError(f'error loading config file "{path}": {reason}') from error
    config: Any = documents[0] if documents else {}
    if not isinstance(config, dict):
        raise ConfigError(f'error loading config file "{path}": it is no kubeconfig')
    if (version := config.get("apiVersion") or "v1") != "v1":
        what = (
            f'no kind "{config.get("kind", "")}" is registered for version "{version}" in scheme "{_SCHEME}"'
        )
        raise ConfigError(f'error loading config file "{path}": {what}')
    for section, key in (("clusters", "cluster"), ("users", "user")):
        for entry in config.get(section) or ():
            _make_absolute(entry.get(key) or {}, path.absolute().parent)
    return config


def _make_absolute(entry: Object, directory: Path) -> None:
    for key in ("certificate-authority", "client-certificate", "client-key", "tokenFile"):
        if entry.get(key):
            entry[key] = str(directory / entry[key])


def _reason(error: OSError) -> str:
    return (error.strerror or str(error)).lower()


def _context(merged: Object, name: str) -> Object:
    context: Object | None = merged["contexts"].get(name) if name else {}
    if context is None:
        raise ContextNotFound(name)
    return {**context, "name": name}


def _resolve(merged: Object, context: Object, default_server: str) -> ClientConfig:
    names = {key: context.get(key) or "" for key in ("cluster", "user")}
    if names["user"] and names["user"] not in merged["users"]:
        raise ConfigError(f'auth info "{names["user"]}" does not exist')
    if names["cluster"] and names["cluster"] not in merged["clusters"]:
        raise ConfigError(f'no server found for cluster "{names["cluster"]}"')
    cluster = merged["clusters"].get(names["cluster"], {})
    server = cluster.get("server") or default_server
    if not server:
        raise ConfigError(
            "invalid configuration: no configuration has been provided, "
            "try setting KUBERNETES_MASTER environment variable"
        )
    user = merged["users"].get(names["user"], {})
    if plugin := user.get("exec"):
        check_plugin(plugin, names["user"])
    if provider := user.get("auth-provider"):
        raise ConfigError(f'no Auth Provider found for name "{provider.get("name", "")}"')
    return ClientConfig(
        server=server.rstrip("/"),
        namespace=context.get("namespace") or "default",
        context=context["name"],
        user=context.get("user", ""),
        ca=_data_or_file(cluster, "certificate-authority"),
        insecure=bool(cluster.get("insecure-skip-tls-verify")),
        tls_server_name=cluster.get("tls-server-name"),
        client_cert=_data_or_file(user, "client-certificate"),
        client_key=_data_or_file(user, "client-key"),
        token=user.get("token"),
        token_file=user.get("tokenFile"),
        username=user.get("username"),
        password=user.get("password"),
        exec=user.get("exec"),
        impersonate=user.get("as"),
        impersonate_uid=user.get("as-uid"),
        impersonate_groups=tuple(user.get("as-groups") or ()),
    )


_PLUGIN_VERSIONS = ("client.authentication.k8s.io/v1", "client.authentication.k8s.io/v1beta1")
_INTERACTIVE_MODES = ("Never", "IfAvailable", "Always")


def check_plugin(plugin: Object, user: str) -> None:
    """Raises ConfigError, InvalidConfigError where something lacks."""
    version, mode = plugin.get("apiVersion"), plugin.get("interactiveMode")
    missing = [name for name in ("command", "apiVersion") if not plugin.get(name)]
    if not all(each.get("name") for each in plugin.get("env") or ()):
        missing.append("env variable name")
    if not mode and version == _PLUGIN_VERSIONS[0]:
        missing.append("interactiveMode")
    if missing:
        raise InvalidConfigError(
            f"{missing[0]} must be specified for {user} to use exec authentication plugin"
        )
    if mode and mode not in _INTERACTIVE_MODES:
        raise InvalidConfigError(f'invalid interactiveMode for {user}: "{mode}"')
    if version not in _PLUGIN_VERSIONS:
        raise ConfigError(f'exec plugin: invalid apiVersion "{version}"')


def _data_or_file(entry: Object, key: str) -> bytes | None:
    """Inline data goes before the file."""
    data, path = entry.get(f"{key}-data"), entry.get(key)
    try:
        if data:
            return base64.b64decode(data)
        return Path(path).read_bytes() if path else None
    except (OSError, binascii.Error) as error:
        raise ConfigError(f"unable to read {key}: {error}") from error
