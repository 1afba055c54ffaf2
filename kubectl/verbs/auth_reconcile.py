"""`auth reconcile`: roles and bindings made to hold at least what the files say."""

from __future__ import annotations

import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Annotated

from apimachinery import scheme
from apimachinery.errors import AlreadyExistsError, ConflictError, NotFoundError, StatusError
from apimachinery.objects import Object, name_of, namespace_of, uid_of
from apimachinery.scheme import Resource
from kubectl import dry_run, manifests, printers, reconciling, session
from kubectl.arguments import Flag, Words
from kubectl.dry_run import DryRun
from kubectl.failures import CommandError, raise_all
from kubectl.flags import Dry, Filenames, Recursive
from kubectl.printers import AS_IS, Printing
from kubectl.reconciling import Operation, Reconciliation, plan
from kubectl.resources import Target

if TYPE_CHECKING:
    from client.rest import Client

GROUP, VERSION = "rbac.authorization.k8s.io", "v1"
KINDS = ("Role", "ClusterRole", "RoleBinding", "ClusterRoleBinding")
_ATTEMPTS = 3


def reconcile(
    words: Annotated[list[str], Words("-f FILENAME")],
    filename: Filenames = None,
    recursive: Recursive = False,
    remove_extra_permissions: Annotated[
        bool, Flag("--remove-extra-permissions", help="Take from roles what the files do not say.")
    ] = False,
    remove_extra_subjects: Annotated[
        bool, Flag("--remove-extra-subjects", help="Take from bindings whom the files do not name.")
    ] = False,
    printing: Printing = AS_IS,
    dry: Dry = "none",
) -> None:
    """Reconciles rules for RBAC role, role binding, cluster role, and cluster role binding objects."""
    found = manifests.read(filename or (), recursive=recursive)
    if words:
        raise CommandError("no arguments are allowed")
    mode = dry_run.parse(dry)
    if mode is DryRun.SERVER:
        raise CommandError("--dry-run=server for command reconcile is not supported yet")

    async def run(client: Client, namespace: str) -> None:
        failures: list[Exception] = []
        for manifest in found:
            try:
                resource = _resource(manifest.obj)
                if resource is None:
                    continue
                enforced = bool(session.options().namespace)
                manifests.place(manifest.obj, resource, namespace, enforced=enforced)
                of_binding = "Binding" in resource.kind
                remove_extra = remove_extra_subjects if of_binding else remove_extra_permissions
                done = await _reconcile(client, resource, manifest.obj, mode, remove_extra=remove_extra)
            except (StatusError, CommandError) as error:
                failures.append(error)
                continue
            if printing:
                printers.show(done.obj, printing)
            else:
                print(f"{Target(resource, name_of(done.obj)).label} reconciled{mode.suffix}")
            print(reconciling.report(done, remove_extra=remove_extra), end="", file=sys.stderr)
        raise_all(failures)

    session.run(run)


def _resource(obj: Object) -> Resource | None:
    """None for what is nothing of RBAC's. Raises CommandError for what is of another version."""
    group, _, version = obj["apiVersion"].rpartition("/")
    if group != GROUP or obj["kind"] not in KINDS:
        return None
    if version != VERSION:
        raise CommandError(f"only {GROUP}/{VERSION} is supported: not *{version}.{obj['kind']}")
    return scheme.by_kind(obj["apiVersion"], obj["kind"])


async def _reconcile(
    client: Client, resource: Resource, wanted: Object, mode: DryRun, *, remove_extra: bool
) -> Reconciliation:
    """Looks again when somebody else was faster. Raises StatusError."""
    for _ in range(_ATTEMPTS):
        existing = await _existing(client, resource, wanted)
        planned = plan(existing, wanted, remove_extra=remove_extra)
        if planned.protected or mode is DryRun.CLIENT or planned.operation is Operation.NONE:
            return planned
        with suppress(AlreadyExistsError, NotFoundError):
            return planned._replace(obj=await _carry_out(client, resource, planned, existing))
    raise CommandError("exceeded maximum attempts")


async def _existing(client: Client, resource: Resource, wanted: Object) -> Object | None:
    if resource.namespaced and not namespace_of(wanted):
        return None
    try:
        found = await client.get(resource, name_of(wanted), namespace_of(wanted) or None)
    except NotFoundError:
        return None
    return {"apiVersion": wanted["apiVersion"], "kind": wanted["kind"], **found}


async def _carry_out(
    client: Client, resource: Resource, planned: Reconciliation, existing: Object | None
) -> Object:
    name, namespace = name_of(planned.obj), namespace_of(planned.obj)
    if planned.operation is Operation.UPDATE:
        return await client.update(resource, planned.obj)
    if existing is not None:
        options = {"preconditions": {"uid": uid_of(existing)}}
        with suppress(NotFoundError, ConflictError):
            await client.delete(resource, name, namespace or None, options=options)
    if resource.namespaced:
        await _ensure_namespace(client, namespace)
    return await client.create(resource, planned.obj)


async def _ensure_namespace(client: Client, name: str) -> None:
    if not name:
        raise CommandError("resource name may not be empty")
    try:
        await client.get(scheme.NAMESPACES, name)
    except NotFoundError:
        with suppress(AlreadyExistsError):
            await client.create(scheme.NAMESPACES, {"metadata": {"name": name}})
