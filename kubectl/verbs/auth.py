"""`auth`: what may I do, and who am I."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Annotated, NamedTuple

from apimachinery import scheme
from apimachinery.objects import Object
from kubectl import printers, session
from kubectl.arguments import Flag, Words
from kubectl.commands import Group
from kubectl.failures import CommandError
from kubectl.flags import AllNamespaces, NoHeaders, Quiet, Subresource
from kubectl.printers import AS_IS, Printing
from kubectl.printers.table import align
from kubectl.resources import Mapper
from kubectl.verbs.auth_reconcile import reconcile

if TYPE_CHECKING:
    from client.rest import Client


class CanIFlags(NamedTuple):
    """What narrows the question."""

    all_namespaces: AllNamespaces = False
    subresource: Subresource = ""
    quiet: Quiet = False
    listing: Annotated[bool, Flag("--list", help="Print all that is allowed.")] = False
    no_headers: NoHeaders = False


def can_i(
    words: Annotated[list[str], Words("VERB [TYPE | TYPE/NAME | NONRESOURCEURL]")], flags: CanIFlags
) -> None:
    """Check whether an action is allowed."""
    if flags.listing:
        print(session.run(lambda client, namespace: _list(client, namespace, flags)), end="")
        return
    if len(words) not in (2, 3):
        raise CommandError(
            "you must specify two arguments: verb resource or verb resource/resourceName.\n"
            "See 'sampan auth can-i -h' for help and examples."
        )

    async def run(client: Client, namespace: str) -> Object:
        spec = await _question(client, "" if flags.all_namespaces else namespace, words, flags.subresource)
        body = {"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview", "spec": spec}
        return await client.create(scheme.SELF_SUBJECT_ACCESS_REVIEWS, body)

    status = session.run(run)["status"]
    allowed = bool(status.get("allowed"))
    if not flags.quiet:
        reason = f" - {status['reason']}" if status.get("reason") and not allowed else ""
        error = f" - {status['evaluationError']}" if status.get("evaluationError") else ""
        print("yes" if allowed else f"no{reason}{error}")
    if not allowed:
        raise SystemExit(1)


async def _question(client: Client, namespace: str, words: Sequence[str], subresource: str) -> Object:
    verb, what = words[0], words[1]
    if what.startswith("/"):
        return {"nonResourceAttributes": {"verb": verb, "path": what}}
    plural, _, name = what.partition("/")
    name = name or (words[2] if len(words) > 2 else "")
    attributes = {"verb": verb, "name": name, "subresource": subresource, "namespace": namespace}
    if plural == "*":
        attributes |= {"resource": "*", "group": "*"}
    else:
        attributes |= await _resource(client, plural, namespace)
    return {"resourceAttributes": {key: value for key, value in attributes.items() if value}}


async def _resource(client: Client, word: str, namespace: str) -> dict[str, str]:
    """What is not known may be asked about, too."""
    try:
        resource = await Mapper(client).find(word)
    except CommandError:
        print(f"Warning: the server doesn't have a resource type '{word}'\n", file=sys.stderr)
        plural, _, group = word.partition(".")
        return {"resource": plural, "group": group}
    if namespace and not resource.namespaced:
        scope = f" in group '{resource.group}'" if resource.group else ""
        print(f"Warning: resource '{resource.plural}' is not namespace scoped{scope}\n", file=sys.stderr)
    where = {} if resource.namespaced else {"namespace": ""}
    return {"resource": resource.plural, "group": resource.group, **where}


async def _list(client: Client, namespace: str, flags: CanIFlags) -> str:
    body = {
        "apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectRulesReview",
        "spec": {"namespace": namespace},
    }  # fmt: skip
    status = (await client.create(scheme.SELF_SUBJECT_RULES_REVIEWS, body))["status"]
    if status.get("incomplete"):
        why = status.get("evaluationError", "")
        print(f"warning: the list may be incomplete: {why}", file=sys.stderr)
    return align([*([] if flags.no_headers else [RULES_HEADING]), *rule_rows(status)])


RULES_HEADING = ["Resources", "Non-Resource URLs", "Resource Names", "Verbs"]


class Rule(NamedTuple):
    """One resource or one URL, in the order in which rules are sorted."""

    verbs: tuple[str, ...]
    group: str = ""
    resource: str = ""
    names: tuple[str, ...] = ()
    url: str = ""

    @property
    def sort_key(self) -> str:
        """upstream sorts rules by the text of their protobuf."""
        lists = (self.verbs, _one(self.group, self.resource), _one(self.resource), self.names, _one(self.url))
        return ",".join(f"[{' '.join(each)}]" for each in lists)

    @property
    def row(self) -> list[str]:
        plural, slash, subresource = self.resource.partition("/")
        shown = f"{plural}.{self.group}" if self.group else plural
        lists = (_one(self.url), self.names, self.verbs)
        return [f"{shown}{slash}{subresource}", *(f"[{' '.join(each)}]" for each in lists)]


def _one(*values: str) -> tuple[str, ...]:
    """The first value, if the last one is anything."""
    return values[:1] if values[-1] else ()


def rule_rows(status: Object) -> list[list[str]]:
    """The rows of `--list` for the status of a SelfSubjectRulesReview."""
    return [rule.row for rule in sorted(_compacted(_rules(status)), key=lambda rule: rule.sort_key)]


def _rules(status: Object) -> Iterator[Rule]:
    for each in status.get("resourceRules") or ():
        names = tuple(each.get("resourceNames") or ())
        for group in each.get("apiGroups") or ():
            for resource in each.get("resources") or ():
                yield Rule(tuple(each["verbs"]), group, resource, names)
    for each in status.get("nonResourceRules") or ():
        for url in each.get("nonResourceURLs") or ():
            yield Rule(tuple(each["verbs"]), url=url)


def _compacted(rules: Iterator[Rule]) -> list[Rule]:
    """Verbs on the same resource come together; those with names and URLs stay as they are."""
    found: list[Rule] = []
    places: dict[tuple[str, str], int] = {}
    for rule in rules:
        key = (rule.group, rule.resource)
        if rule.names or rule.url:
            found.append(rule)
        elif key in places:
            former = found[places[key]]
            found[places[key]] = former._replace(verbs=tuple(dict.fromkeys(former.verbs + rule.verbs)))
        else:
            places[key] = len(found)
            found.append(rule)
    return found


def whoami(printing: Printing = AS_IS) -> None:
    """Check self subject attributes."""
    body = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}

    async def run(client: Client, _: str) -> Object:
        return await client.create(scheme.SELF_SUBJECT_REVIEWS, body)

    review = session.run(run)
    if printing:
        print(printers.render([{**body, **review}], printing), end="")
        return
    user = review["status"]["userInfo"]
    rows = [["ATTRIBUTE", "VALUE"]]
    for title, key in (("Username", "username"), ("UID", "uid"), ("Groups", "groups")):
        value = user.get(key)
        if value:
            rows.append([title, f"[{' '.join(value)}]" if isinstance(value, list) else str(value)])
    extra = sorted((user.get("extra") or {}).items())
    rows += [[f"Extra: {key}", f"[{' '.join(value)}]"] for key, value in extra]
    print(align(rows), end="")


auth = Group("Inspect authorization.", {"can-i": can_i, "reconcile": reconcile, "whoami": whoami})
