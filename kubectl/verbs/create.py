"""`create`: from files, or one of the kinds below from flags."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from apimachinery.errors import StatusError
from apimachinery.objects import Object, name_of
from kubectl import dry_run, last_applied, manifests, printers, session
from kubectl.creating import Creation, create
from kubectl.dry_run import DryRun
from kubectl.failures import CommandError
from kubectl.generators import network, objects, workloads
from kubectl.resources import Mapper, Target
from kubectl.verbs.create_access import add_access_commands

if TYPE_CHECKING:
    from client.rest import Client

app = typer.Typer(invoke_without_command=True, no_args_is_help=False)

Name = Annotated[str, typer.Argument(metavar="NAME")]
Dry = Annotated[str, typer.Option("--dry-run", help="none, client or server.")]
Output = Annotated[str, typer.Option("--output", "-o")]
Save = Annotated[bool, typer.Option("--save-config", help="Remember the configuration for apply.")]
Literals = Annotated[list[str] | None, typer.Option("--from-literal")]
Files = Annotated[list[str] | None, typer.Option("--from-file")]
EnvFiles = Annotated[list[str] | None, typer.Option("--from-env-file")]
Tcp = Annotated[list[str] | None, typer.Option("--tcp", help="PORT[:TARGET_PORT]")]
Command = Annotated[list[str] | None, typer.Argument(metavar="[-- COMMAND...]")]


@app.callback()
def from_files(
    ctx: typer.Context,
    filename: Annotated[list[str] | None, typer.Option("--filename", "-f")] = None,
    recursive: Annotated[bool, typer.Option("--recursive", "-R")] = False,
    dry: Dry = "none",
    output: Output = "",
    save: Save = False,
    validate: Annotated[str, typer.Option("--validate")] = "strict",
) -> None:
    """Create a resource from a file or from stdin, or one of the kinds below."""
    if ctx.invoked_subcommand:
        return
    if not filename:
        raise CommandError("must specify one of -f and -k")
    found = manifests.read(filename, recursive=recursive, verb="create")
    creation = Creation(dry, output, save, validate=validate)
    session.run(lambda client, namespace: _create_all(client, namespace, found, creation))


async def _create_all(
    client: Client, namespace: str, found: list[manifests.Manifest], creation: Creation
) -> None:
    mapper = Mapper(client)
    failures: list[Exception] = []
    for manifest in found:
        try:
            await _create_one(client, mapper, namespace, manifest, creation)
        except (StatusError, CommandError) as error:
            failures.append(error)
    if failures:
        raise failures[0] if len(failures) == 1 else ExceptionGroup("create", failures)


async def _create_one(
    client: Client, mapper: Mapper, namespace: str, manifest: manifests.Manifest, creation: Creation
) -> None:
    from kubectl.verbs.apply import validation

    mode = dry_run.parse(creation.dry)
    resource = await manifests.resource_of(mapper, manifest)
    obj = manifests.place(manifest.obj, resource, namespace, enforced=bool(session.options().namespace))
    sent = last_applied.annotated(obj) if creation.save_config else obj
    params = {
        "fieldManager": creation.field_manager,
        "fieldValidation": validation(creation.validate),
        **mode.parameters,
    }
    try:
        result = sent if mode is DryRun.CLIENT else await client.create(resource, sent, params=params)
    except StatusError as error:
        raise manifests.with_source(error, "creating", manifest.source) from None
    if creation.output:
        typer.echo(printers.render([result], creation.output, as_list=False), nl=False)
    else:
        typer.echo(f"{Target(resource, name_of(result)).label} created{mode.suffix}")


def _make(obj: Object, dry: str, output: str, save: bool, failure: str = "") -> None:
    create(obj, Creation(dry, output, save, failure=failure))


@app.command("namespace")
def namespace_(name: Name, dry: Dry = "none", output: Output = "", save: Save = False) -> None:
    """Create a namespace with the specified name."""
    _make(objects.namespace(name), dry, output, save)


app.command("ns", hidden=True)(namespace_)


@app.command("serviceaccount")
def service_account(name: Name, dry: Dry = "none", output: Output = "", save: Save = False) -> None:
    """Create a service account with the specified name."""
    _make(objects.service_account(name), dry, output, save, "failed to create serviceaccount")


app.command("sa", hidden=True)(service_account)


@app.command("configmap")
def config_map(
    name: Name,
    from_literal: Literals = None,
    from_file: Files = None,
    from_env_file: EnvFiles = None,
    dry: Dry = "none",
    output: Output = "",
    save: Save = False,
) -> None:
    """Create a config map from a local file, directory or literal value."""
    pairs = objects.read_pairs(from_literal or (), from_file or (), from_env_file or ())
    _make(objects.config_map(name, pairs), dry, output, save, "failed to create configmap")


app.command("cm", hidden=True)(config_map)

secret_app = typer.Typer()
app.add_typer(secret_app, name="secret", help="Create a secret of one of these types.")


@secret_app.command("generic")
def generic_secret(
    name: Name,
    from_literal: Literals = None,
    from_file: Files = None,
    from_env_file: EnvFiles = None,
    kind: Annotated[str, typer.Option("--type")] = "",
    dry: Dry = "none",
    output: Output = "",
    save: Save = False,
) -> None:
    """Create a secret from a local file, directory or literal value."""
    pairs = objects.read_pairs(from_literal or (), from_file or (), from_env_file or ())
    _make(objects.secret(name, pairs, kind), dry, output, save, "failed to create secret")


@secret_app.command("tls")
def tls_secret(
    name: Name,
    cert: Annotated[str, typer.Option("--cert")] = "",
    key: Annotated[str, typer.Option("--key")] = "",
    dry: Dry = "none",
    output: Output = "",
    save: Save = False,
) -> None:
    """Create a TLS secret from a certificate and its key."""
    _make(objects.tls_secret(name, cert, key), dry, output, save, "failed to create secret")


@secret_app.command("docker-registry")
def registry_secret(
    name: Name,
    server: Annotated[str, typer.Option("--docker-server")] = "https://index.docker.io/v1/",
    user: Annotated[str, typer.Option("--docker-username")] = "",
    password: Annotated[str, typer.Option("--docker-password")] = "",
    email: Annotated[str, typer.Option("--docker-email")] = "",
    dry: Dry = "none",
    output: Output = "",
    save: Save = False,
) -> None:
    """Create a secret for use with a registry of images."""
    obj = objects.registry_secret(name, server, user, password, email)
    _make(obj, dry, output, save, "failed to create secret")


@app.command("deployment")
def deployment(
    name: Name,
    command: Command = None,
    image: Annotated[list[str] | None, typer.Option("--image")] = None,
    replicas: Annotated[int, typer.Option("--replicas", "-r")] = 1,
    port: Annotated[int, typer.Option("--port")] = 0,
    dry: Dry = "none",
    output: Output = "",
    save: Save = False,
) -> None:
    """Create a deployment with the specified name."""
    if not image:
        raise CommandError('required flag(s) "image" not set')
    obj = workloads.deployment(name, image, replicas=replicas, port=port, command=command or ())
    _make(obj, dry, output, save, "failed to create deployment")


app.command("deploy", hidden=True)(deployment)


@app.command("job")
def job(
    name: Name,
    command: Command = None,
    image: Annotated[str, typer.Option("--image")] = "",
    source: Annotated[str, typer.Option("--from", help="cronjob/NAME")] = "",
    dry: Dry = "none",
    output: Output = "",
    save: Save = False,
) -> None:
    """Create a job with the specified name."""
    if bool(image) == bool(source):
        raise CommandError("either --image or --from must be specified")
    if image:
        _make(workloads.job(name, image, command or ()), dry, output, save, "failed to create job")
        return
    cron_job = session.run(lambda client, namespace: _fetch(client, namespace, source))
    _make(workloads.job_from_cron_job(name, cron_job), dry, output, save, "failed to create job")


async def _fetch(client: Client, namespace: str, word: str) -> Object:
    (target,) = await Mapper(client).targets([word])
    found = await client.get(target.resource, target.name, namespace)
    return {"apiVersion": target.resource.api_version, "kind": target.resource.kind, **found}


@app.command("cronjob")
def cron_job(
    name: Name,
    command: Command = None,
    image: Annotated[str, typer.Option("--image")] = "",
    schedule: Annotated[str, typer.Option("--schedule")] = "",
    restart: Annotated[str, typer.Option("--restart")] = "",
    dry: Dry = "none",
    output: Output = "",
    save: Save = False,
) -> None:
    """Create a cron job with the specified name."""
    obj = workloads.cron_job(name, image, schedule, restart, command or ())
    _make(obj, dry, output, save, "failed to create cronjob")


app.command("cj", hidden=True)(cron_job)


@app.command("ingress")
def ingress(
    name: Name,
    rule: Annotated[
        list[str] | None, typer.Option("--rule", help="host/path=service:port[,tls[=secret]]")
    ] = None,
    class_name: Annotated[str, typer.Option("--class")] = "",
    default_backend: Annotated[str, typer.Option("--default-backend")] = "",
    dry: Dry = "none",
    output: Output = "",
    save: Save = False,
) -> None:
    """Create an ingress with the specified name."""
    if not rule and not default_backend:
        raise CommandError(
            "not enough information provided: every ingress has to either specify a default-backend "
            "(which catches all traffic) or a list of rules (which catch specific paths)"
        )
    obj = network.ingress(name, rule or (), class_name=class_name, default_backend=default_backend)
    _make(obj, dry, output, save, "failed to create ingress")


service_app = typer.Typer()
app.add_typer(service_app, name="service", help="Create a service of one of these types.")


def _make_service(name: str, kind: str, word: str, dry: str, output: str, save: bool, **fields: Any) -> None:
    if kind != "ExternalName" and not fields.get("tcp") and fields.get("cluster_ip") != "None":
        raise CommandError("at least one tcp port specifier must be provided")
    obj = network.service(name, kind, **{**fields, "tcp": fields.get("tcp") or ()})
    _make(obj, dry, output, save, f"failed to create {word} service")


@service_app.command("clusterip")
def cluster_ip_service(
    name: Name,
    tcp: Tcp = None,
    cluster_ip: Annotated[str, typer.Option("--clusterip")] = "",
    dry: Dry = "none",
    output: Output = "",
    save: Save = False,
) -> None:
    """Create a service with a cluster IP."""
    _make_service(name, "ClusterIP", "ClusterIP", dry, output, save, tcp=tcp, cluster_ip=cluster_ip)


@service_app.command("nodeport")
def node_port_service(
    name: Name,
    tcp: Tcp = None,
    node_port: Annotated[int, typer.Option("--node-port")] = 0,
    dry: Dry = "none",
    output: Output = "",
    save: Save = False,
) -> None:
    """Create a service with a node port."""
    _make_service(name, "NodePort", "NodePort", dry, output, save, tcp=tcp, node_port=node_port)


@service_app.command("loadbalancer")
def load_balancer_service(
    name: Name, tcp: Tcp = None, dry: Dry = "none", output: Output = "", save: Save = False
) -> None:
    """Create a service with a load balancer."""
    _make_service(name, "LoadBalancer", "LoadBalancer", dry, output, save, tcp=tcp)


@service_app.command("externalname")
def external_name_service(
    name: Name,
    external_name: Annotated[str, typer.Option("--external-name")] = "",
    tcp: Tcp = None,
    dry: Dry = "none",
    output: Output = "",
    save: Save = False,
) -> None:
    """Create a service that is another name."""
    _make_service(
        name, "ExternalName", "ExternalName", dry, output, save, tcp=tcp, external_name=external_name
    )


@app.command("quota")
def quota(
    name: Name,
    hard: Annotated[str, typer.Option("--hard", help="resource=quantity,…")] = "",
    scopes: Annotated[str, typer.Option("--scopes")] = "",
    dry: Dry = "none",
    output: Output = "",
    save: Save = False,
) -> None:
    """Create a quota with the specified name and hard limits."""
    _make(objects.resource_quota(name, hard, scopes), dry, output, save, "failed to create quota")


@app.command("priorityclass")
def priority_class(
    name: Name,
    value: Annotated[int, typer.Option("--value")] = 0,
    default: Annotated[bool, typer.Option("--global-default")] = False,
    description: Annotated[str, typer.Option("--description")] = "",
    preemption: Annotated[str, typer.Option("--preemption-policy")] = "PreemptLowerPriority",
    dry: Dry = "none",
    output: Output = "",
    save: Save = False,
) -> None:
    """Create a priority class with the specified name."""
    obj = objects.priority_class(name, value, default=default, description=description, preemption=preemption)
    _make(obj, dry, output, save, "failed to create priorityclass")


@app.command("poddisruptionbudget")
def disruption_budget(
    name: Name,
    selector: Annotated[str, typer.Option("--selector")] = "",
    minimum: Annotated[str, typer.Option("--min-available")] = "",
    maximum: Annotated[str, typer.Option("--max-unavailable")] = "",
    dry: Dry = "none",
    output: Output = "",
    save: Save = False,
) -> None:
    """Create a pod disruption budget with the specified name."""
    obj = objects.disruption_budget(name, selector, minimum, maximum)
    _make(obj, dry, output, save, "failed to create poddisruptionbudgets")


app.command("pdb", hidden=True)(disruption_budget)
add_access_commands(app)
