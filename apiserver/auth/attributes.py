"""The question that an authorizer answers, and the words in which a no is told."""

from __future__ import annotations

from dataclasses import dataclass, field

from apimachinery.errors import ForbiddenError
from apiserver.request import RequestInfo, UserInfo


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
    field_selector: dict[str, str] = field(default_factory=dict)
    label_selector: dict[str, str] = field(default_factory=dict)
    """What the request's selectors demand exactly; only some authorizers look."""

    @property
    def full_resource(self) -> str:
        """`pods` or `pods/log`, as rules name it."""
        return f"{self.resource}/{self.subresource}" if self.subresource else self.resource


def attributes_of(info: RequestInfo) -> Attributes:
    """The question that a request stands for."""
    fields, labels = info.query.get("fieldSelector"), info.query.get("labelSelector")
    return Attributes(
        info.user, info.verb, info.namespace, info.group, info.version, info.plural, info.subresource,
        info.name, info.path, info.is_resource,
        exact_fields(fields[0]) if fields else {}, exact_labels(labels[0]) if labels else {},
    )  # fmt: skip


def exact_labels(selector: str) -> dict[str, str]:
    """What a label selector demands exactly; nothing of one that cannot be parsed."""
    from apimachinery.labels import SelectorError, parse_selector

    try:
        requirements = parse_selector(selector).requirements
    except SelectorError:
        return {}
    return {each.key: each.values[0] for each in requirements if each.operator in ("=", "==")}


def exact_fields(selector: str) -> dict[str, str]:
    """What a field selector demands exactly; nothing of one that cannot be parsed."""
    from apimachinery.fields import FieldSelectorError, parse_field_selector

    try:
        requirements = parse_field_selector(selector).requirements
    except FieldSelectorError:
        return {}
    return {each.field: each.value for each in requirements if each.operator == "="}


def forbidden(attributes: Attributes, reason: str = "") -> ForbiddenError:
    """The 403 of a refused request."""
    group_resource = attributes.resource
    if attributes.group and group_resource:
        group_resource = f"{group_resource}.{attributes.group}"
    sentence = describe(attributes)
    return ForbiddenError(group_resource, attributes.name, f"{sentence}: {reason}" if reason else sentence)


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
