"""The last step of every verb that makes an object of flags: print it or send it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from apimachinery.errors import StatusError
from apimachinery.objects import Object, name_of
from kubectl import dry_run, field_validation, last_applied, printers, session
from kubectl.dry_run import DryRun
from kubectl.failures import CommandError
from kubectl.flags import Dry, FieldManager, SaveConfig, Validate
from kubectl.printers import AS_IS, Printing
from kubectl.resources import Mapper, Target

if TYPE_CHECKING:
    from client.rest import Client


class Creation(NamedTuple):
    """The flags that all of these verbs share."""

    dry: Dry = "none"
    printing: Printing = AS_IS
    save_config: SaveConfig = False
    field_manager: FieldManager = ""
    validate: Validate = "strict"

    def parameters(self, manager: str) -> dict[str, str]:
        """Of a request; the field manager is the verb's own unless another one is named."""
        return {
            "fieldManager": self.field_manager or manager,
            "fieldValidation": field_validation.parse(self.validate),
            **dry_run.parse(self.dry).parameters,
        }


class Wording(NamedTuple):
    """How a verb speaks of what it makes; `failure` begins the message if it fails."""

    done: str = "created"
    failure: str = ""
    manager: str = "kubectl-create"


CREATED = Wording()


def create(obj: Object, creation: Creation, wording: Wording = CREATED) -> None:
    mode = dry_run.parse(creation.dry)
    if mode is DryRun.CLIENT:
        # A dry run of a built-in kind needs no server.
        from apimachinery import scheme

        resource = scheme.by_kind(obj["apiVersion"], obj["kind"])
        if resource is not None:
            placed = _placed(obj, resource.namespaced, session.options().namespace)
            say(placed, Target(resource, name_of(obj)), creation, wording.done)
            return
    session.run(lambda client, namespace: _create(client, namespace, obj, creation, wording))


def _placed(obj: Object, namespaced: bool, namespace: str) -> Object:
    if not namespaced or not namespace:
        return obj
    metadata = {"name": name_of(obj), "namespace": namespace}
    return {**obj, "metadata": {**metadata, **obj["metadata"]}}


async def _create(client: Client, namespace: str, obj: Object, creation: Creation, wording: Wording) -> None:
    resource = await Mapper(client).by_kind(obj["apiVersion"], obj["kind"])
    placed = _placed(obj, resource.namespaced, namespace)
    sent = last_applied.annotated(placed) if creation.save_config else placed
    try:
        created = await client.create(resource, sent, params=creation.parameters(wording.manager))
    except StatusError as error:
        if wording.failure:
            raise CommandError(f"{wording.failure}: {error.message}") from None
        raise
    say(created, Target(resource, name_of(created)), creation, wording.done)


def say(obj: Object, target: Target, creation: Creation, done: str = "created") -> None:
    """Prints the object in the form that is asked for, or that it was made."""
    if creation.printing:
        printers.show(obj, creation.printing, keep_order=True)
    else:
        print(f"{target.label} {done}{dry_run.parse(creation.dry).suffix}")
