"""`create role`, `rolebinding` and their cluster-wide siblings, and `create token`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, NamedTuple

from apimachinery import scheme
from apimachinery.errors import StatusError
from apimachinery.objects import Object
from apimachinery.scheme import Resource
from kubectl import printers, session
from kubectl.arguments import Flag, UsageError, Words
from kubectl.creating import Creation, Wording, create
from kubectl.failures import CommandError, PlainError
from kubectl.generators import access
from kubectl.printers import AS_IS, Printing
from kubectl.resources import Mapper, UnknownResource

if TYPE_CHECKING:
    from client.rest import Client

Name = Annotated[str, Words("NAME")]
Verbs = Annotated[list[str] | None, Flag("--verb", commas=True, help="What may be done: get, list, watch, …")]
Resources = Annotated[list[str] | None, Flag("--resource", commas=True, help="To which resources.")]
ResourceNames = Annotated[list[str] | None, Flag("--resource-name", help="To which objects of them.")]
Users = Annotated[list[str] | None, Flag("--user", help="To whom.")]
Groups = Annotated[list[str] | None, Flag("--group", help="To which group.")]
Accounts = Annotated[list[str] | None, Flag("--serviceaccount", help="To which account: namespace:name.")]


def _split(values: Sequence[str] | None) -> list[str]:
    return [word for value in values or () for word in value.split(",") if word]


def _pairs(words: Sequence[str]) -> dict[str, str]:
    found = {}
    for word in words:
        key, equals, value = word.partition("=")
        if not equals:
            what = f'invalid argument "{word}" for "--aggregation-rule" flag'
            raise UsageError(f"{what}: malformed pair, expect string=string", "create clusterrole")
        found[key.strip()] = value.strip()
    return found


async def _resource(mapper: Mapper, word: str) -> Resource:
    """Here kubectl tells the group, too, that it has looked in."""
    try:
        return await mapper.find(word)
    except UnknownResource as error:
        group = word.partition(".")[2]
        raise PlainError(f'{error} in group "{group}"' if group else str(error)) from None


def _find(words: list[str]) -> list[tuple[Resource, str]]:
    """`pods`, `deployments.apps`, `pods/log` as resources and subresources."""

    async def run(client: Client, _: str) -> list[tuple[Resource, str]]:
        mapper = Mapper(client)
        pairs = [word.partition("/") for word in words]
        return [(await _resource(mapper, plural), subresource) for plural, _, subresource in pairs]

    return session.run(run)


def role(
    name: Name,
    creation: Creation,
    verb: Verbs = None,
    resource: Resources = None,
    resource_name: ResourceNames = None,
) -> None:
    """Create a role with single rule."""
    obj = access.role(name, _split(verb), _find(_split(resource)), _split(resource_name))
    create(obj, creation)


def cluster_role(
    name: Name,
    creation: Creation,
    verb: Verbs = None,
    resource: Resources = None,
    resource_name: ResourceNames = None,
    url: Annotated[list[str] | None, Flag("--non-resource-url", help="To which paths of the server.")] = None,
    aggregation: Annotated[
        list[str] | None,
        Flag("--aggregation-rule", commas=True, help="Gather the rules of roles with these labels: a=b."),
    ] = None,
) -> None:
    """Create a cluster role."""
    if aggregation:
        if verb or resource or resource_name or url:
            others = "nonResourceURLs, verbs, resources or resourceNames"
            raise CommandError(f"aggregation rule must be specified without {others}")
        create(access.aggregated_role(name, _pairs(aggregation)), creation)
        return
    found = _find(_split(resource)) if resource else []
    obj = access.role(name, _split(verb), found, _split(resource_name), _split(url), cluster=True)
    create(obj, creation)


def role_binding(
    name: Name,
    creation: Creation,
    of_role: Annotated[str, Flag("--role", help="The Role that is bound.")] = "",
    of_cluster_role: Annotated[str, Flag("--clusterrole", help="The ClusterRole that is bound.")] = "",
    user: Users = None,
    group: Groups = None,
    serviceaccount: Accounts = None,
) -> None:
    """Create a role binding for a particular role or cluster role."""
    if bool(of_role) == bool(of_cluster_role):
        raise CommandError("exactly one of clusterrole or role must be specified")
    kind, referred = ("Role", of_role) if of_role else ("ClusterRole", of_cluster_role)
    obj = access.binding(
        name, kind, referred, users=_split(user), groups=_split(group), accounts=_split(serviceaccount)
    )
    create(obj, creation, Wording(failure="failed to create rolebinding"))


def cluster_role_binding(
    name: Name,
    creation: Creation,
    of_cluster_role: Annotated[str, Flag("--clusterrole", help="The ClusterRole that is bound.")] = "",
    user: Users = None,
    group: Groups = None,
    serviceaccount: Accounts = None,
) -> None:
    """Create a cluster role binding for a particular cluster role."""
    if not of_cluster_role:
        raise CommandError('required flag(s) "clusterrole" not set')
    obj = access.binding(
        name, "ClusterRole", of_cluster_role, users=_split(user), groups=_split(group),
        accounts=_split(serviceaccount), cluster=True,
    )  # fmt: skip
    create(obj, creation, Wording(failure="failed to create clusterrolebinding"))


class TokenFlags(NamedTuple):
    """What a token is for, and how long."""

    audience: Annotated[list[str] | None, Flag("--audience", help="Who is to accept it.")] = None
    duration: Annotated[float, Flag("--duration", help="How long it is valid; 0: as the server likes.")] = 0.0
    bound_kind: Annotated[str, Flag("--bound-object-kind", help="Node, Pod or Secret.")] = ""
    bound_name: Annotated[str, Flag("--bound-object-name", help="It ends with this object.")] = ""
    bound_uid: Annotated[str, Flag("--bound-object-uid", help="With this UID.")] = ""

    @property
    def spec(self) -> Object:
        """Of a TokenRequest. Raises CommandError."""
        spec: Object = {"audiences": _split(self.audience)} if self.audience else {}
        if self.duration:
            spec["expirationSeconds"] = int(self.duration)
        if not self.bound_kind:
            if self.bound_name or self.bound_uid:
                raise CommandError(
                    "--bound-object-kind must be set to use --bound-object-name or --bound-object-uid"
                )
            return spec
        if self.bound_kind not in _BOUND:
            raise CommandError("supported --bound-object-kind values are Node, Pod, Secret")
        if not self.bound_name:
            raise CommandError("--bound-object-name is required if --bound-object-kind is provided")
        reference = {"apiVersion": "v1", "kind": self.bound_kind, "name": self.bound_name}
        spec["boundObjectRef"] = reference | ({"uid": self.bound_uid} if self.bound_uid else {})
        return spec


_BOUND = ("Node", "Pod", "Secret")


def token(
    name: Annotated[str, Words("SERVICE_ACCOUNT_NAME")], flags: TokenFlags, printing: Printing = AS_IS
) -> None:
    """Request a service account token."""
    body = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": flags.spec}

    async def run(client: Client, namespace: str) -> Object:
        try:
            return await client.create(
                scheme.SERVICE_ACCOUNTS, body, namespace, name=name, subresource="token"
            )
        except StatusError as error:
            raise CommandError(f"failed to create token: {error.message}") from None

    answer = session.run(run)
    if printing:
        print(printers.render([{**body, **answer}], printing), end="")
    else:
        print(answer["status"]["token"])
