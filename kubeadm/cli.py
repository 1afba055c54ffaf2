"""The verbs of a cluster's life, mounted into `sampan`: up, down, init, join, token, reset, status."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from component_base.addresses import primary_address
from component_base.features import FeatureGateError, parse_gates
from component_base.flag_values import parse_ipv4_cidrs, parse_map
from kubeadm.components import flag_of, node_names, resolv_conf_in
from kubeadm.config import ClusterConfig, default_node_name, state_dir_from_environment
from kubeadm.units import load

app = typer.Typer(no_args_is_help=True)
tokens = typer.Typer(no_args_is_help=True, help="Manage the tokens with which machines join.")
app.add_typer(tokens, name="token")
certificates = typer.Typer(no_args_is_help=True, help="Make and look at the cluster's certificates.")
app.add_typer(certificates, name="certs")


def _checked_gates(value: str | None) -> str | None:
    try:
        parse_gates(parse_map(value or ""))
    except FeatureGateError as error:
        raise typer.BadParameter(str(error)) from None
    return value


def _cidrs(value: str | None) -> str | None:
    try:
        return None if value is None else ",".join(parse_ipv4_cidrs(value))
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None


StateDir = Annotated[
    Path | None,
    typer.Option("--state-dir", help="Where the cluster's data, keys and logs are.", show_default=False),
]
NodeName = Annotated[str, typer.Option(help="The node's name; the former one, or the host name.")]
NodeIP = Annotated[
    str, typer.Option("--node-ip", help="The node's address; that of the default route.", show_default=False)
]
ProxyMode = Annotated[
    Literal["nftables", "iptables"] | None,
    typer.Option(help="How Services are routed; as before, or by nftables where the kernel has it."),
]
Pool = Annotated[
    str | None,
    typer.Option(
        "--load-balancer-pool",
        help="CIDRs of the addresses that LoadBalancer Services get; as before, or none.",
        callback=_cidrs,
    ),
]
Gates = Annotated[
    str | None,
    typer.Option(
        "--feature-gates",
        help="Feature gates of every daemon, name=true or name=false; as before, or upstream's defaults.",
        callback=_checked_gates,
    ),
]


def _config(state_dir: Path | None, node_name: str = "", node_ip: str = "", nodes: int = 0) -> ClusterConfig:
    """A cluster stays as it was started: `down` has to find what its nodes left."""
    from kubeadm import host, systemd

    config = ClusterConfig(
        state_dir=state_dir or state_dir_from_environment(),
        node_name=node_name or default_node_name(),
        node_ip=node_ip or primary_address(),
        etc=systemd.ETC if host.has_systemd() else None,
    )
    units = load(config.run_dir)
    former = node_names(units)
    return replace(
        config,
        resolv_conf=Path(resolv_conf_in(units) or config.resolv_conf),
        node_name=node_name or next(iter(former), config.node_name),
        node_count=nodes or len(former) or 1,
        proxy_mode=flag_of(units, "kube-proxy", "proxy-mode"),
        load_balancer_pool=flag_of(units, "kube-proxy", "load-balancer-pool"),
        feature_gates=flag_of(units, "kube-apiserver", "feature-gates"),
    )


def _with(
    config: ClusterConfig, proxy_mode: str | None, pool: str | None, gates: str | None
) -> ClusterConfig:
    """What is said about Services and features; what isn't stays."""
    return replace(
        config,
        proxy_mode=config.proxy_mode if proxy_mode is None else proxy_mode,
        load_balancer_pool=config.load_balancer_pool if pool is None else pool,
        feature_gates=config.feature_gates if gates is None else gates,
    )


def _run(work: Coroutine[Any, Any, None]) -> None:
    with _mendable():
        asyncio.run(work)


@contextmanager
def _mendable() -> Iterator[None]:
    """Errors that a person can mend are told in a line."""
    from apimachinery.errors import StatusError
    from client.errors import ConnectionFailed
    from component_base.kubeconfig import ConfigError
    from kubeadm.host import HostError

    try:
        yield
    except (HostError, TimeoutError, StatusError, ConfigError, ConnectionFailed) as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(1) from None


@app.command("up")
def up_command(
    state_dir: StateDir = None,
    node_name: NodeName = "",
    node_ip: NodeIP = "",
    nodes: Annotated[
        int, typer.Option(min=0, help="How many nodes this machine is; as many as before, or one.")
    ] = 0,
    proxy_mode: ProxyMode = None,
    load_balancer_pool: Pool = None,
    feature_gates: Gates = None,
    resolv_conf: Annotated[
        Path | None,
        typer.Option(
            help="Names the resolvers for what is outside the cluster; the former one, or the host's.",
            show_default=False,
        ),
    ] = None,
    demo: Annotated[bool, typer.Option(help="Apply the demo when the node is Ready.")] = True,
) -> None:
    """Start a cluster on this machine: etcd and every daemon. Twice is harmless."""
    from kubeadm.up import up

    config = _config(state_dir, node_name, node_ip, nodes)
    config = _with(config, proxy_mode, load_balancer_pool, feature_gates)
    config = replace(config, resolv_conf=resolv_conf or config.resolv_conf)
    _run(up(config, with_demo=demo))


@app.command("init")
def init_command(
    state_dir: StateDir = None,
    node_name: NodeName = "",
    node_ip: NodeIP = "",
    proxy_mode: ProxyMode = None,
    load_balancer_pool: Pool = None,
    feature_gates: Gates = None,
) -> None:
    """Start a cluster that other machines can join, and print how."""
    from kubeadm.invitation import init

    config = _config(state_dir, node_name, node_ip)
    _run(init(_with(config, proxy_mode, load_balancer_pool, feature_gates)))


@app.command("join")
def join_command(
    endpoint: Annotated[str, typer.Argument(help="The control plane: host:port.")],
    token: Annotated[str, typer.Option(help="A bootstrap token of the cluster.")],
    ca_hash: Annotated[
        list[str] | None,
        typer.Option("--discovery-token-ca-cert-hash", help="The digest of the cluster's CA: sha256:..."),
    ] = None,
    skip_ca: Annotated[
        bool,
        typer.Option("--discovery-token-unsafe-skip-ca-verification", help="Trust whoever knows the token."),
    ] = False,
    state_dir: StateDir = None,
    node_name: NodeName = "",
    node_ip: NodeIP = "",
    proxy_mode: ProxyMode = None,
) -> None:
    """Make this machine a node of a cluster elsewhere. Twice is harmless."""
    from apimachinery.bootstrap_tokens import parse_token
    from kubeadm.join import join

    parsed = parse_token(token)
    if parsed is None:
        raise typer.BadParameter("a token looks like abcdef.0123456789abcdef", param_hint="--token")
    if not ca_hash and not skip_ca:
        raise typer.BadParameter(
            "say which CA is the cluster's, or --discovery-token-unsafe-skip-ca-verification",
            param_hint="--discovery-token-ca-cert-hash",
        )
    config = _with(_config(state_dir, node_name, node_ip), proxy_mode, None, None)
    _run(join(config, endpoint, parsed, ca_hash or []))


@tokens.command("create")
def create_token_command(
    token: Annotated[str, typer.Argument(help="The token; a random one if not given.")] = "",
    ttl: Annotated[str, typer.Option(help="How long it is good, e.g. 24h0m0s; 0 for ever.")] = "24h0m0s",
    description: Annotated[str, typer.Option(help="What it is for.")] = "",
    print_join_command: Annotated[
        bool, typer.Option("--print-join-command", help="Print the command for the machine that joins.")
    ] = False,
    state_dir: StateDir = None,
) -> None:
    """Make a token with which machines join."""
    from apimachinery.bootstrap_tokens import parse_token
    from apimachinery.durations import parse_duration
    from kubeadm.invitation import invite, join_command

    wanted = parse_token(token)
    if token and wanted is None:
        raise typer.BadParameter("a token looks like abcdef.0123456789abcdef", param_hint="token")
    try:
        life = timedelta(seconds=0 if ttl == "0" else parse_duration(ttl))
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--ttl") from None
    config = _config(state_dir)

    async def work() -> None:
        made = await invite(config, wanted, life or None, description)
        typer.echo(join_command(config, made) if print_join_command else made)

    _run(work())


@tokens.command("list")
def list_tokens_command(state_dir: StateDir = None) -> None:
    """List the tokens."""
    from component_base import clock
    from kubeadm.invitation import administrator
    from kubeadm.tokens import listed, table

    async def work() -> None:
        async with administrator(_config(state_dir)) as client:
            rows = table(await listed(client), clock.now())
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        for row in rows:
            line = "   ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True))
            typer.echo(line.rstrip())

    _run(work())


@tokens.command("delete")
def delete_token_command(
    token: Annotated[str, typer.Argument(help="The token or its id.")], state_dir: StateDir = None
) -> None:
    """Take a token away: nobody joins with it any more."""
    from kubeadm.invitation import administrator
    from kubeadm.tokens import delete

    async def work() -> None:
        async with administrator(_config(state_dir)) as client:
            await delete(client, token)
        typer.echo(f"bootstrap token {token.partition('.')[0]!r} deleted")

    _run(work())


@certificates.command("create")
def create_certificates_command(
    endpoint: Annotated[
        str, typer.Option("--control-plane-endpoint", help="Where everybody reaches the control plane.")
    ] = "",
    names: Annotated[
        list[str] | None,
        typer.Option(
            "--apiserver-cert-extra-sans", help="Further names and addresses of servers; may be repeated."
        ),
    ] = None,
    owner: Annotated[
        str, typer.Option(help="The user who is to read the keys, by number or name; root if not given.")
    ] = "",
    state_dir: StateDir = None,
) -> None:
    """Make the certificates and kubeconfigs that are missing, for daemons that others start."""
    from kubeadm.pki import make

    extra = tuple(name for each in names or () for name in each.split(",") if name)
    # Nothing of the machine, or container, that happens to make them goes into them.
    config = _config(state_dir, "control-plane", "127.0.0.1")
    made = make(replace(config, endpoint=endpoint, extra_names=extra), owner)
    typer.echo(f"{len(made)} made" if made else "all still good")


@certificates.command("check")
def check_certificates_command(state_dir: StateDir = None) -> None:
    """Show until when the certificates are good; exit code 1 if one ends within thirty days."""
    from component_base import clock
    from kubeadm.pki import ends

    soon = clock.now() + timedelta(days=30)
    found = ends(_config(state_dir).pki)
    for path, end in found:
        typer.echo(f"{path:<32} {end:%Y-%m-%d %H:%M} UTC{'  ends soon' if end < soon else ''}")
    if any(end < soon for _, end in found):
        raise typer.Exit(1)


@app.command("down")
def down_command(
    state_dir: StateDir = None,
    keep: Annotated[bool, typer.Option("--keep", help="Keep etcd's data, keys and kubeconfigs.")] = False,
) -> None:
    """Stop what runs on this machine and take everything it made away."""
    from kubeadm.down import down

    with _mendable():
        down(_config(state_dir), keep=keep)


@app.command("reset")
def reset_command(state_dir: StateDir = None) -> None:
    """Undo init or join on this machine, as `down` does. The Node is left to the cluster's administrator."""
    config = _config(state_dir)
    joined = config.kubeconfig("bootstrap-kubelet").exists()
    down_command(state_dir)
    if joined:
        typer.echo(f"on the control plane, to forget the node: kubectl delete node {config.node_name}")


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
