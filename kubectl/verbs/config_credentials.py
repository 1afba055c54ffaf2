"""`config set-credentials`: who one is, by certificate, token, password or a program that knows."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from apimachinery.objects import Object
from kubectl.arguments import Flag, Words
from kubectl.failures import CommandError
from kubectl.kubeconfigs import entries, files, views
from kubectl.kubeconfigs.entries import named


def set_credentials(
    name: Annotated[str, Words("NAME")],
    certificate: Annotated[str, Flag("--client-certificate", help="File of the certificate.")] = "",
    key: Annotated[str, Flag("--client-key", help="File of its key.")] = "",
    embed: Annotated[bool, Flag("--embed-certs", help="Take the files' content in.")] = False,
    token: Annotated[str, Flag("--token", help="A bearer token.")] = "",
    username: Annotated[str, Flag("--username", help="For basic authentication.")] = "",
    password: Annotated[str, Flag("--password", help="For basic authentication.")] = "",
    command: Annotated[str, Flag("--exec-command", help="A program that gives credentials.")] = "",
    api_version: Annotated[str, Flag("--exec-api-version", help="The form in which it gives them.")] = "",
    arguments: Annotated[list[str] | None, Flag("--exec-arg", commas=True, help="Arguments of it.")] = None,
    environment: Annotated[
        list[str] | None, Flag("--exec-env", help="A variable of it: KEY=VALUE, or KEY- to remove.")
    ] = None,
    interactive: Annotated[str, Flag("--exec-interactive-mode", help="Never, IfAvailable, Always.")] = "",
) -> None:
    """Set a user entry in kubeconfig."""
    if token and (username or password):
        raise CommandError(
            "you cannot specify more than one authentication method at the same time: "
            "--token, --username/--password"
        )
    path = files.path_of("users", name)
    fields: Object = {
        "client-certificate": str(Path(certificate).absolute()) if certificate else "",
        "client-key": str(Path(key).absolute()) if key else "",
        "token": token,
        "username": username,
        "password": password,
    }
    given: Object = {field: value for field, value in fields.items() if value}
    if embed:
        given = views.inlined(given)
    replaced = ("username", "password") if token else ("token",) if username or password else ()
    given |= dict.fromkeys(replaced)
    former = named(files.read(path), "users").get(name, {}).get("exec") or {}
    plugin = exec_plugin(former, command, api_version, arguments, environment or (), interactive)
    if plugin:
        given["exec"] = plugin
    files.change(path, lambda config: entries.put(config, "users", name, given))
    print(f'User "{name}" set.')


def exec_plugin(
    former: Object,
    command: str,
    api_version: str,
    arguments: list[str] | None,
    environment: tuple[str, ...] | list[str],
    interactive: str,
) -> Object:
    """The plugin with what is given in place of what was there."""
    result = {"provideClusterInfo": False, **former}
    changed = {
        "command": command,
        "apiVersion": api_version,
        "args": arguments,
        "interactiveMode": interactive,
    }
    result |= {key: value for key, value in changed.items() if value}
    variables = {each["name"]: each["value"] for each in former.get("env") or ()}
    for text in environment:
        key, equals, value = text.partition("=")
        if equals:
            variables[key] = value
        else:
            variables.pop(key.removesuffix("-"), None)
    if variables:
        result["env"] = [{"name": key, "value": value} for key, value in variables.items()]
    return result if any(changed.values()) or environment else {}
