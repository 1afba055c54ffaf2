"""`sampan`: the verbs of kubectl and of a cluster's life. Loads only the verb that is asked for."""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Any

import typer

# typer brings a click of its own, which is not the package of that name.
from typer._click.core import Command, Context
from typer._click.exceptions import NoSuchOption
from typer._click.exceptions import UsageError as TyperUsageError
from typer.core import TyperGroup, TyperOption
from typer.exceptions import Abort

from kubectl import session
from kubectl.arguments import Globals, UsageError, normalise, split_globals
from kubectl.failures import PlainError, report

VERBS = {
    "annotate": "kubectl.verbs.annotate",
    "api-resources": "kubectl.verbs.api_resources",
    "api-versions": "kubectl.verbs.api_versions",
    "apply": "kubectl.verbs.apply",
    "auth": "kubectl.verbs.auth",
    "autoscale": "kubectl.verbs.autoscale",
    "config": "kubectl.verbs.config",
    "cordon": "kubectl.verbs.cordon",
    "create": "kubectl.verbs.create",
    "delete": "kubectl.verbs.delete",
    "describe": "kubectl.verbs.describe",
    "diff": "kubectl.verbs.diff",
    "doctor": "kubectl.verbs.doctor",
    "drain": "kubectl.verbs.drain",
    "edit": "kubectl.verbs.edit",
    "exec": "kubectl.verbs.exec",
    "explain": "kubectl.verbs.explain",
    "expose": "kubectl.verbs.expose",
    "get": "kubectl.verbs.get",
    "label": "kubectl.verbs.label",
    "logs": "kubectl.verbs.logs",
    "patch": "kubectl.verbs.patch",
    "replace": "kubectl.verbs.replace",
    "rollout": "kubectl.verbs.rollout",
    "run": "kubectl.verbs.run",
    "scale": "kubectl.verbs.scale",
    "set": "kubectl.verbs.set",
    "taint": "kubectl.verbs.taint",
    "top": "kubectl.verbs.top",
    "trace": "kubectl.verbs.trace",
    "uncordon": "kubectl.verbs.uncordon",
    "version": "kubectl.verbs.version",
    "wait": "kubectl.verbs.wait",
    "why": "kubectl.verbs.why",
}
CLUSTER_VERBS = ("up", "down", "init", "join", "token", "certs", "reset", "status", "kubeconfig")


class LazyGroup(TyperGroup):
    """Knows the names of all verbs and imports the module of the one that is used."""

    def list_commands(self, ctx: Context) -> list[str]:
        return [*CLUSTER_VERBS, *VERBS]

    def get_command(self, ctx: Context, name: str) -> Command | None:
        return load_verb(name)


def load_verb(name: str) -> Command | None:
    """The verb's command, or None if there is no such verb."""
    if name in CLUSTER_VERBS:
        group: Any = typer.main.get_command(import_module("kubeadm.cli").app)
        verb: Command = group.commands[name]
        return verb
    if name not in VERBS:
        return None
    command = typer.main.get_command(import_module(VERBS[name]).app)
    command.name = name
    return command


app = typer.Typer(
    cls=LazyGroup,
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="sampan controls the Kubernetes cluster manager.",
)


@app.callback()
def root() -> None:
    """sampan controls the Kubernetes cluster manager."""


def boolean_flags(command: Command, words: list[str]) -> dict[str, str]:
    """The boolean flags of a command, and of the subcommand that the words name."""
    flags: dict[str, str] = {}
    for parameter in command.params:
        if isinstance(parameter, TyperOption) and parameter.is_flag:
            off = parameter.secondary_opts[0] if parameter.secondary_opts else ""
            flags |= dict.fromkeys(parameter.opts, off) | dict.fromkeys(parameter.secondary_opts, "")
    if isinstance(command, TyperGroup):
        for word in words:
            if word in command.commands:
                return flags | boolean_flags(command.commands[word], words)
    return flags


def _unknown(words: list[str], verb: str) -> Exception:
    """kubectl takes an unknown verb for the name of a plugin, before which no flag may stand."""
    if words[0].startswith("-"):
        flag = words[0].partition("=")[0]
        return PlainError(f"Error: flags cannot be placed before plugin name: {flag}")
    return UsageError(f'unknown command "{verb}" for "sampan"')


def run(words: list[str]) -> int:
    """Runs one command line; returns the exit code."""
    # The verbs of a cluster's life talk to no server yet, and have flags of their own under these names.
    of_cluster = words[:1] and words[0] in CLUSTER_VERBS
    options, rest = (Globals(), list(words)) if of_cluster else split_globals(words)
    session.configure(options)
    command = load_verb(rest[0]) if rest else None
    if rest and command is None and not rest[0].startswith("-"):
        raise _unknown(words, rest[0])
    if command is not None:
        rest = [rest[0], *normalise(rest[1:], boolean_flags(command, rest[1:]))]
    group = typer.main.get_command(app)
    verb = rest[0] if command is not None else ""
    try:
        result = group.main(args=rest, prog_name="sampan", standalone_mode=False)
    except NoSuchOption as error:
        raise UsageError(f"unknown flag: {error.option_name}", verb) from None
    except TyperUsageError as error:
        raise UsageError(error.format_message(), verb) from None
    return result if isinstance(result, int) else 0


def main() -> None:
    """The console script."""
    try:
        code = run(sys.argv[1:])
    except (Abort, KeyboardInterrupt):
        code = 130
    except Exception as error:  # the outermost place: every failure becomes a message and a code
        code = report(error)
    sys.exit(code)


def why() -> None:
    """The console script `kubectl-why`, by which kubectl finds it as a plugin: `kubectl why pod/web`."""
    sys.argv.insert(1, "why")
    main()


if __name__ == "__main__":
    main()
