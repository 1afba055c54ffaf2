"""`certificate`: requests for certificates approved or denied."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from apimachinery import scheme
from apimachinery.objects import Object, name_of
from apimachinery.times import format_time
from kubectl import printers, session
from kubectl.arguments import Flag, Words
from kubectl.commands import Group
from kubectl.describe.values import now
from kubectl.failures import CommandError
from kubectl.flags import Filenames, Recursive
from kubectl.printers import AS_IS, Printing
from kubectl.resources import Target
from kubectl.selection import Selection, resolve

if TYPE_CHECKING:
    from client.rest import Client

_VERBS = {"Approved": "approve", "Denied": "deny"}

Names = Annotated[list[str], Words("(-f FILENAME | NAME)")]
Force = Annotated[bool, Flag("--force", help="Also what is decided already.")]


def approve(
    names: Names,
    filename: Filenames = None,
    recursive: Recursive = False,
    force: Force = False,
    printing: Printing = AS_IS,
) -> None:
    """Approve a certificate signing request."""
    _decide("Approved", names, Selection((), filename or (), recursive=recursive), force, printing)


def deny(
    names: Names,
    filename: Filenames = None,
    recursive: Recursive = False,
    force: Force = False,
    printing: Printing = AS_IS,
) -> None:
    """Deny a certificate signing request."""
    _decide("Denied", names, Selection((), filename or (), recursive=recursive), force, printing)


def _decide(kind: str, names: list[str], files: Selection, force: bool, printing: Printing) -> None:
    if not names and not files.filenames:
        raise CommandError("one or more CSRs must be specified as <name> or -f <filename>")

    async def run(client: Client, namespace: str) -> None:
        found = await resolve(client, namespace, files) if files.filenames else []
        for name in [*names, *(one.target.name for one in found)]:
            obj = await client.get(scheme.CERTIFICATE_SIGNING_REQUESTS, name)
            wanted = decided(obj, kind, format_time(now()), force=force)
            if wanted is not obj:
                obj = await client.update(scheme.CERTIFICATE_SIGNING_REQUESTS, wanted, subresource="approval")
            if printing:
                print(printers.render([obj], printing), end="")
            else:
                print(f"{Target(scheme.CERTIFICATE_SIGNING_REQUESTS, name).label} {kind.lower()}")

    session.run(run)


def decided(obj: Object, kind: str, moment: str, *, force: bool) -> Object:
    """The request with the condition, unless it has it. Raises CommandError if it has the opposite one."""
    conditions = (obj.get("status") or {}).get("conditions") or []
    types = [each["type"] for each in conditions]
    for other in _VERBS.keys() - {kind}:
        if other in types:
            raise CommandError(f'certificate signing request "{name_of(obj)}" is already {other}')
    if kind in types and not force:
        return obj
    verb = _VERBS[kind]
    condition = {
        "type": kind, "status": "True", "reason": f"Kubectl{verb.capitalize()}",
        "message": f"This CSR was {kind.lower()} by kubectl certificate {verb}.", "lastUpdateTime": moment,
    }  # fmt: skip
    kept = [each for each in conditions if each["type"] != kind]
    return {**obj, "status": {**(obj.get("status") or {}), "conditions": [*kept, condition]}}


certificate = Group(
    "Modify certificate resources such as approving or denying them.", {"approve": approve, "deny": deny}
)
