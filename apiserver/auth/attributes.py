"""The question that an authorizer answers, and the words in which a no is told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from apimachinery.errors import AccessDeniedError, ForbiddenError
from apimachinery.fields import FieldSelectorError, parse_field_selector
from apimachinery.labels import SelectorError, parse_selector
from apimachinery.objects import Object
from apiserver.request import RequestInfo, UserInfo

Requirements = Sequence[Object]
"""Of `key`, `operator` (In, NotIn, Exists, DoesNotExist) and `values`; what else there is narrows nothing."""

_SELECTIVE = ("list", "watch", "deletecollection")
_OPERATORS = {
    "=": "In", "==": "In", "in": "In", "!=": "NotIn", "notin": "NotIn", "exists": "Exists",
    "!": "DoesNotExist",
}  # fmt: skip


@dataclass(slots=True)
class Attributes:
    """May `user` do this? Either a resource is meant or a path.

    Not frozen only because one is made for every request, and freezing makes that three times as slow.
    """

    user: UserInfo
    verb: str
    namespace: str = ""
    group: str = ""
    version: str = ""
    resource: str = ""
    subresource: str = ""
    name: str = ""
    path: str = ""
    is_resource: bool = False
    field_selector: Requirements = ()
    label_selector: Requirements = ()
    """What the request's selectors demand, as a SubjectAccessReview says it; only some authorizers look."""

    @property
    def full_resource(self) -> str:
        """`pods` or `pods/log`, as rules name it."""
        return f"{self.resource}/{self.subresource}" if self.subresource else self.resource


def attributes_of(info: RequestInfo) -> Attributes:
    """The question that a request stands for."""
    fields = labels = None
    if info.verb in _SELECTIVE:
        fields, labels = info.query.get("fieldSelector"), info.query.get("labelSelector")
    return Attributes(
        info.user, info.verb, info.namespace, info.group, info.version, info.plural, info.subresource,
        info.name, info.path, info.is_resource,
        field_requirements(fields[0]) if fields else (), label_requirements(labels[0]) if labels else (),
    )  # fmt: skip


def label_requirements(selector: str) -> Requirements:
    """What a label selector demands; nothing of one that cannot be parsed."""
    try:
        parsed = parse_selector(selector).requirements
    except SelectorError:
        return ()
    found = [(_OPERATORS.get(each.operator), each) for each in parsed]
    return tuple(_requirement(each.key, operator, each.values) for operator, each in found if operator)


def field_requirements(selector: str) -> Requirements:
    """What a field selector demands; nothing of one that cannot be parsed."""
    try:
        parsed = parse_field_selector(selector).requirements
    except FieldSelectorError:
        return ()
    return tuple(_requirement(each.field, _OPERATORS[each.operator], (each.value,)) for each in parsed)


def _requirement(key: str, operator: str, values: Sequence[str]) -> Object:
    return {"key": key, "operator": operator, **({"values": list(values)} if values else {})}


def demanded(requirements: Requirements, key: str) -> str | None:
    """The one value that a key must have, if there is one."""
    for each in requirements:
        values: Sequence[str] = each.get("values") or ()
        if each.get("key") == key and each.get("operator") == "In" and len(values) == 1:
            return values[0]
    return None


def forbidden(attributes: Attributes, reason: str = "") -> ForbiddenError:
    """The 403 of a refused request."""
    group_resource = attributes.resource
    if attributes.group and group_resource:
        group_resource = f"{group_resource}.{attributes.group}"
    sentence = describe(attributes)
    why = f"{sentence}: {reason}" if reason else sentence
    return AccessDeniedError(group_resource, attributes.name, why)


def describe(attributes: Attributes) -> str:
    """`User "x" cannot list resource "pods" in API group "" in the namespace "n"`."""
    user, verb = attributes.user.name, attributes.verb
    if not attributes.is_resource:
        return f'User "{user}" cannot {verb} path "{attributes.path}"'
    what = (
        f'User "{user}" cannot {verb} resource "{attributes.full_resource}" in API group "{attributes.group}"'
    )
    if attributes.namespace:
        return f'{what} in the namespace "{attributes.namespace}"'
    return f"{what} at the cluster scope"
