"""From a write to the Scope of expressions about it."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from apimachinery.objects import Object
from apimachinery.scheme import Resource
from apiserver.admission.attributes import Attributes
from apiserver.admission.expressions import AUTHORIZER, REQUEST_RESOURCE, Scope, Variable
from apiserver.admission.webhooks.review import admission_request
from apiserver.auth import attributes as asked
from apiserver.auth.authorizer import Authorizer
from apiserver.cel.environment import opaque
from apiserver.cel.libraries.authorization import Answer
from apiserver.request import UserInfo


class Scopes:
    """Makes scopes; checks are answered by the server's own authorizer."""

    def __init__(self, authorizer: Authorizer) -> None:
        self._authorizer = authorizer

    async def of(
        self,
        attributes: Attributes,
        seen: Resource,
        *,
        namespace: Object | None = None,
        params: Object | None = None,
        variables: Sequence[Variable] = (),
    ) -> Scope:
        """`seen` is the version in which expressions see the object."""
        obj, old = [
            None if each is None else await attributes.forms.shown(each, seen)
            for each in (attributes.object, attributes.old_object)
        ]
        user = attributes.user.to_object()
        values: dict[str, Any] = {
            "object": obj,
            "oldObject": old,
            "request": admission_request(attributes, seen),
            "namespaceObject": namespace,
            "params": params,
            AUTHORIZER: opaque("Authorizer", json.dumps({"user": user})),
            REQUEST_RESOURCE: opaque("ResourceCheck", json.dumps(_own_check(attributes, user))),
        }
        return Scope(values, answering(self._authorizer), variables)


def _own_check(attributes: Attributes, user: Object) -> Object:
    """A check of what is written itself."""
    return {
        "user": user,
        "group": attributes.resource.group,
        "resource": attributes.resource.plural,
        "subresource": attributes.subresource,
        "namespace": attributes.request_namespace,
        "name": attributes.name,
    }


def answering(authorizer: Authorizer) -> Callable[[Object], Awaitable[Answer]]:
    """Answers the checks of expressions."""

    async def answer(check: Object) -> Answer:
        decision = await authorizer.authorize(_question(check))
        return decision.allowed, decision.reason, decision.error

    return answer


def _question(check: Object) -> asked.Attributes:
    user = check["user"]
    who = UserInfo(
        user.get("username", ""),
        user.get("uid", ""),
        tuple(user.get("groups") or ()),
        {key: tuple(values) for key, values in (user.get("extra") or {}).items()},
    )
    if "path" in check:
        return asked.Attributes(who, check["verb"], path=check["path"])
    return asked.Attributes(
        who,
        check["verb"],
        check.get("namespace", ""),
        check["group"],
        "*",
        check["resource"],
        check.get("subresource", ""),
        check.get("name", ""),
        is_resource=True,
        field_selector=asked.field_requirements(check.get("fieldSelector", "")),
        label_selector=asked.label_requirements(check.get("labelSelector", "")),
    )
