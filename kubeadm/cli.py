"""The verbs of a cluster's life, mounted into `sampan`: up, down, status, kubeconfig."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from kubeadm.components import node_name_in
from kubeadm.config import ClusterConfig, default_node_name, primary_address, state_dir_from_environment

app = typer.Typer(no_args_is_help=True)

StateDir = Annotated[
    Path | None,
    typer.Option("--state-dir", help="Where the cluster's data, keys and logs are.", show_default=False),
]


def _config(state_dir: Path | None, node_name: str = "") -> ClusterConfig:
    """A cluster keeps the node's name it was started with, so that `down` finds what that node left."""
    config = ClusterConfig(
        state_dir=state_dir or state_dir_from_environment(),
        node_name=node_name or default_node_name(),
        node_ip=primary_address(),
    )
    return (
        config if node_name else replace(config, node_name=node_name_in(config.run_dir) or config.node_name)
    )


@app.command("up")
def up_command(
    state_dir: StateDir = None,
    node_name: Annotated[str, typer.Option(help="The node's name; the former one, or the host name.")] = "",
    demo: Annotated[bool, typer.Option(help="Apply the demo when the node is Ready.")] = True,
) -> None:
    """Start a cluster on this machine: etcd and every daemon. Twice is harmless."""
    from kubeadm.host import HostError
    from kubeadm.up import up

    try:
        asyncio.run(up(_config(state_dir, node_name), with_demo=demo))
    except (HostError, TimeoutError) as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(1) from None


@app.command("down")
def down_command(
    state_dir: StateDir = None,
    keep: Annotated[bool, typer.Option("--keep", help="Keep etcd's data, keys and kubeconfigs.")] = False,
) -> None:
    """Stop the cluster and take everything it made away."""
    from kubeadm.down import down
    from kubeadm.host import HostError

    try:
        down(_config(state_dir), keep=keep)
    except HostError as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(1) from None


@app.command("status")
def status_command(state_dir: StateDir = None) -> None:
    """Show the cluster's processes on this machine."""
    from kubeadm.status import report

    for line in report(_config(state_dir)):
        typer.echo(line)


@app.command("kubeconfig")
def kubeconfig_command(state_dir: StateDir = None) -> None:
    """Print the path of the administrator's kubeconfig."""
    path = _config(state_dir).admin_kubeconfig
    if not path.exists():
        typer.echo(f"error: {path} is not there; start the cluster with: sampan up", err=True)
        raise typer.Exit(1)
    typer.echo(path)
