"""May they: paths of the kubelet as subresources of its Node, about which the API server is asked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from apimachinery.durations import parse_duration
from client.rest import Client
from client.reviews import AccessReviews, Authenticator, User

_VERBS = {
    "GET": "get",
    "POST": "create",
    "PUT": "update",
    "PATCH": "patch",
    "DELETE": "delete",
}
_SUBRESOURCES = {
    "stats": ("stats",),
    "metrics": ("metrics",),
    "logs": ("log",),
    "checkpoint": ("checkpoint",),
    "statusz": ("statusz",),
    "flagz": ("configz",),
    "pods": ("pods", "proxy"),
    "runningpods": ("pods", "proxy"),
    "healthz": ("healthz", "proxy"),
    "configz": ("configz", "proxy"),
}


def verb_of(method: str) -> str:
    return _VERBS.get(method, "")


def subresources_of(path: str) -> tuple[str, ...]:
    """The subresources of `nodes`, any of which is enough; the finer one first, as upstream asks."""
    return _SUBRESOURCES.get(path.strip("/").partition("/")[0], ("proxy",))


def authenticator_of(client: Client, settings: Mapping[str, Any]) -> Authenticator:
    """As `authentication` of the configuration says."""
    webhook = settings["authentication"]["webhook"]
    return Authenticator(
        client,
        anonymous=settings["authentication"]["anonymous"]["enabled"],
        ask_about_tokens=webhook["enabled"],
        seconds=parse_duration(webhook["cacheTTL"]),
    )


def authorizer_of(client: Client, node: str, settings: Mapping[str, Any]) -> Authorizer:
    """As `authorization` of the configuration says."""
    webhook = settings["authorization"]["webhook"]
    reviews = AccessReviews(
        client,
        allowed_seconds=parse_duration(webhook["cacheAuthorizedTTL"]),
        denied_seconds=parse_duration(webhook["cacheUnauthorizedTTL"]),
    )
    return Authorizer(reviews, node, always_allow=settings["authorization"]["mode"] == "AlwaysAllow")


class Authorizer:
    """Webhook mode: SubjectAccessReviews, remembered for a while."""

    def __init__(self, reviews: AccessReviews, node: str, *, always_allow: bool = False) -> None:
        self._reviews = reviews
        self._node = node
        self._always_allow = always_allow

    async def allows(self, user: User, method: str, path: str) -> bool:
        if self._always_allow:
            return True
        for subresource in subresources_of(path):
            attributes = {
                "verb": verb_of(method),
                "resource": "nodes",
                "subresource": subresource,
                "name": self._node,
                "version": "v1",
            }
            if await self._reviews.allows(user, "resourceAttributes", attributes):
                return True
        return False
