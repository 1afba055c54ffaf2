"""`auth`: what may I do, and who am I."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from apimachinery import scheme
from apimachinery.objects import Object
from kubectl import session
from kubectl.arguments import Words
from kubectl.commands import Group
from kubectl.failures import CommandError
from kubectl.flags import AllNamespaces, Quiet, Subresource
from kubectl.printers.table import align
from kubectl.resources import Mapper

if TYPE_CHECKING:
    from client.rest import Client


def can_i(
    words: Annotated[list[str] | None, Words("VERB TYPE[/NAME] | VERB URL")] = None,
    all_namespaces: AllNamespaces = False,
    subresource: Subresource = "",
    quiet: Quiet = False,
) -> None:
    """Check whether an action is allowed."""
    if not words or len(words) not in (2, 3):
        raise CommandError("you must specify two arguments: verb resource or verb resource/resourceName.")

    async def run(client: Client, namespace: str) -> Object:
        spec = await _question(client, "" if all_namespaces else namespace, words, subresource)
        body = {"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview", "spec": spec}
        return await client.create(scheme.SELF_SUBJECT_ACCESS_REVIEWS, body)

    status = session.run(run)["status"]
    allowed = bool(status.get("allowed"))
    if not quiet:
        reason = f" - {status['reason']}" if status.get("reason") and not allowed else ""
        error = f" - {status['evaluationError']}" if status.get("evaluationError") else ""
        print("yes" if allowed else f"no{reason}{error}")
    if not allowed:
        raise SystemExit(1)


async def _question(client: Client, namespace: str, words: list[str], subresource: str) -> Object:
    verb, what = words[0], words[1]
    if what.startswith("/"):
        return {"nonResourceAttributes": {"verb": verb, "path": what}}
    plural, _, name = what.partition("/")
    name = name or (words[2] if len(words) > 2 else "")
    attributes = {"verb": verb, "name": name, "subresource": subresource}
    if plural == "*":
        attributes |= {"resource": "*", "group": "*", "namespace": namespace}
    else:
        resource = await Mapper(client).find(plural)
        where = namespace if resource.namespaced else ""
        attributes |= {"resource": resource.plural, "group": resource.group, "namespace": where}
    return {"resourceAttributes": {key: value for key, value in attributes.items() if value}}


def whoami() -> None:
    """Check self subject attributes."""
    body = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}

    async def run(client: Client, _: str) -> Object:
        return await client.create(scheme.SELF_SUBJECT_REVIEWS, body)

    user = session.run(run)["status"]["userInfo"]
    rows = [["ATTRIBUTE", "VALUE"]]
    for title, key in (("Username", "username"), ("UID", "uid"), ("Groups", "groups")):
        value = user.get(key)
        if value:
            rows.append([title, f"[{' '.join(value)}]" if isinstance(value, list) else str(value)])
    print(align(rows), end="")


auth = Group("Inspect authorization.", {"can-i": can_i, "whoami": whoami})
