"""The last step of every verb that makes an object of flags: print it or send it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import typer

from apimachinery.errors import StatusError
from apimachinery.objects import Object, name_of
from kubectl import dry_run, last_applied, printers, session
from kubectl.dry_run import DryRun
from kubectl.failures import CommandError
from kubectl.resources import Mapper, Target

if TYPE_CHECKING:
    from client.rest import Client


@dataclass(frozen=True, slots=True)
class Creation:
    """The flags that all of these verbs share. `failure` begins the message if it fails."""

    dry: str = "none"
    output: str = ""
    save_config: bool = False
    field_manager: str = "kubectl-create"
    failure: str = ""
    validate: str = "strict"
    done: str = "created"


def create(obj: Object, creation: Creation) -> None:
    mode = dry_run.parse(creation.dry)
    if mode is DryRun.CLIENT:
        # A dry run of a built-in kind needs no server.
        from apimachinery import scheme

        resource = scheme.by_kind(obj["apiVersion"], obj["kind"])
        if resource is not None:
            placed = _placed(obj, resource.namespaced, session.options().namespace)
            _print(placed, Target(resource, name_of(obj)), creation, mode)
            return
    session.run(lambda client, namespace: _create(client, namespace, obj, creation, mode))


def _placed(obj: Object, namespaced: bool, namespace: str) -> Object:
    if not namespaced or not namespace:
        return obj
    metadata = {"name": name_of(obj), "namespace": namespace}
    return {**obj, "metadata": {**metadata, **obj["metadata"]}}


async def _create(client: Client, namespace: str, obj: Object, creation: Creation, mode: DryRun) -> None:
    from kubectl.verbs.apply import validation

    resource = await Mapper(client).by_kind(obj["apiVersion"], obj["kind"])
    placed = _placed(obj, resource.namespaced, namespace)
    sent = last_applied.annotated(placed) if creation.save_config else placed
    params = {
        "fieldManager": creation.field_manager,
        "fieldValidation": validation(creation.validate),
        **mode.parameters,
    }
    try:
        created = await client.create(resource, sent, params=params)
    except StatusError as error:
        if creation.failure:
            raise CommandError(f"{creation.failure}: {error.message}") from None
        raise
    _print(created, Target(resource, name_of(created)), creation, mode)


def _print(obj: Object, target: Target, creation: Creation, mode: DryRun) -> None:
    if creation.output:
        typer.echo(printers.render([obj], creation.output, as_list=False, keep_order=True), nl=False)
    else:
        typer.echo(f"{target.label} {creation.done}{mode.suffix}")
