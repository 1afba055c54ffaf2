"""`create`: from files, or one of the kinds below from flags."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, NamedTuple

from apimachinery.errors import StatusError
from apimachinery.objects import Object, name_of
from apimachinery.scheme import Resource
from kubectl import dry_run, last_applied, manifests, raw, recording, session
from kubectl.arguments import Flag
from kubectl.commands import Group
from kubectl.creating import Creation, say
from kubectl.dry_run import DryRun
from kubectl.failures import CommandError, raise_all
from kubectl.flags import Filenames, Record, Recursive, Selector
from kubectl.resources import Mapper, Target
from kubectl.selection import collecting
from kubectl.verbs import create_access, create_kinds

if TYPE_CHECKING:
    from client.rest import Client


class FileFlags(NamedTuple):
    """What is created, and whether it is changed before."""

    filename: Filenames = None
    recursive: Recursive = False
    selector: Selector = ""
    edit: Annotated[bool, Flag("--edit", help="Edit the objects before they are created.")] = False
    raw: Annotated[str, Flag("--raw", help="POST the file to this path of the server.")] = ""
    record: Record = False


def from_files(creation: Creation, flags: FileFlags) -> None:
    """Create a resource from a file or from stdin."""
    if not flags.filename:
        raise CommandError("must specify one of -f and -k")
    if flags.raw:
        excluded = {
            "--edit": flags.edit, "--recursive": flags.recursive, "--selector (-l)": flags.selector,
            "--output": creation.printing.output,
        }  # fmt: skip
        raw.send("POST", flags.raw, flags.filename, excluded=excluded)
        return
    unread: list[Exception] = []
    loaded = manifests.read(flags.filename, recursive=flags.recursive, validated=True, failures=unread)
    recording.warn(flags.record)
    found = [
        each._replace(obj=recording.recorded(each.obj, flags.record))
        for each in manifests.selected(loaded, flags.selector)
    ]
    if not found:
        raise CommandError("no objects passed to create")
    make = _edit_all if flags.edit else _create_all
    session.run(lambda client, namespace: make(client, namespace, found, creation, unread))


async def _edit_all(
    client: Client,
    namespace: str,
    found: list[manifests.Manifest],
    creation: Creation,
    unread: list[Exception],
) -> None:
    """Each object in the editor; one that is not changed is not created."""
    from kubectl import editing

    mapper = Mapper(client)
    params = creation.parameters("kubectl-create")
    for manifest in found:
        resource = await manifests.resource_of(mapper, manifest)
        placed = manifests.place(
            manifest.obj, resource, namespace, enforced=bool(session.options().namespace)
        )

        async def save(edited: Object, resource: Resource = resource) -> None:
            sent = last_applied.annotated(edited) if creation.save_config else edited
            created = await client.create(resource, manifests.as_new(sent), params=params)
            print(f"{Target(resource, name_of(created)).label} created")

        await editing.edit(placed, creation.printing.form or "yaml", save)
    raise_all(unread)


async def _create_all(
    client: Client,
    namespace: str,
    found: list[manifests.Manifest],
    creation: Creation,
    unread: list[Exception],
) -> None:
    """Raises what failed, and then what could not be read."""
    mapper = Mapper(client)
    failures: list[Exception] = []
    for manifest in found:
        with collecting(failures):
            await _create_one(client, mapper, namespace, manifest, creation)
    raise_all([*failures, *unread])


async def _create_one(
    client: Client, mapper: Mapper, namespace: str, manifest: manifests.Manifest, creation: Creation
) -> None:
    resource = await manifests.resource_of(mapper, manifest)
    obj = manifests.place(manifest.obj, resource, namespace, enforced=bool(session.options().namespace))
    sent = last_applied.annotated(obj) if creation.save_config else obj
    params = creation.parameters("kubectl-create")
    try:
        dry = dry_run.parse(creation.dry) is DryRun.CLIENT
        result = sent if dry else await client.create(resource, manifests.as_new(sent), params=params)
    except StatusError as error:
        raise manifests.with_source(error, "creating", manifest.source) from None
    say(result, Target(resource, name_of(result)), creation)


create = Group(
    "Create a resource from a file or from stdin.",
    {
        "clusterrole": create_access.cluster_role,
        "clusterrolebinding": create_access.cluster_role_binding,
        "configmap": create_kinds.config_map,
        "cronjob": create_kinds.cron_job,
        "deployment": create_kinds.deployment,
        "ingress": create_kinds.ingress,
        "job": create_kinds.job,
        "namespace": create_kinds.namespace_,
        "poddisruptionbudget": create_kinds.disruption_budget,
        "priorityclass": create_kinds.priority_class,
        "quota": create_kinds.quota,
        "role": create_access.role,
        "rolebinding": create_access.role_binding,
        "secret": Group(
            "Create a secret with specified type.",
            {
                "docker-registry": create_kinds.registry_secret,
                "generic": create_kinds.generic_secret,
                "tls": create_kinds.tls_secret,
            },
        ),
        "service": Group(
            "Create a service using a specified subcommand.",
            {
                "clusterip": create_kinds.cluster_ip_service,
                "externalname": create_kinds.external_name_service,
                "loadbalancer": create_kinds.load_balancer_service,
                "nodeport": create_kinds.node_port_service,
            },
            {"svc": "service"},
        ),
        "serviceaccount": create_kinds.service_account,
        "token": create_access.token,
    },
    {
        "cj": "cronjob",
        "cm": "configmap",
        "deploy": "deployment",
        "ing": "ingress",
        "ns": "namespace",
        "pc": "priorityclass",
        "pdb": "poddisruptionbudget",
        "resourcequota": "quota",
        "sa": "serviceaccount",
        "svc": "service",
    },
    from_files,
)
