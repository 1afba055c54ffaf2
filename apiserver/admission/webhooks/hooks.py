"""The webhooks that there are, in the order in which they are called; parsed once for each change."""

from __future__ import annotations

import base64
import posixpath
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import urlsplit

from apimachinery.objects import Object, name_of
from apiserver.admission.conditions import parse_conditions
from apiserver.admission.expressions import Expression, Names
from apiserver.admission.matching import WEBHOOK_RULES, Criteria
from apiserver.storage.resource_cache import ResourceCache


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a webhook is: a URL, or a service that has to be looked up; and whom to trust."""

    url: str
    """As errors name it; a service by its name in the cluster's DNS."""
    service: tuple[str, str, int] | None
    """(namespace, name, port)"""
    ca_bundle: bytes

    @staticmethod
    def parse(config: Object) -> Endpoint:
        bundle = base64.b64decode(config.get("caBundle") or "")
        service = config.get("service")
        if service is None:
            url = urlsplit(config["url"])
            return Endpoint(url._replace(path=_cleaned(url.path)).geturl(), None, bundle)
        namespace, name, port = service["namespace"], service["name"], service.get("port") or 443
        path = _cleaned(service.get("path") or "")
        return Endpoint(f"https://{name}.{namespace}.svc:{port}{path}", (namespace, name, port), bundle)


def _cleaned(path: str) -> str:
    """As upstream's client joins its paths: a server may redirect whoever asks for `//validate`."""
    return posixpath.normpath(f"/{path.lstrip('/')}")


@dataclass(frozen=True, slots=True)
class Hook:
    """One webhook of one configuration."""

    configuration: str
    name: str
    uid: str
    criteria: Criteria
    conditions: tuple[Expression, ...]
    endpoint: Endpoint
    seconds: float
    review_versions: tuple[str, ...]
    ignores_failures: bool
    can_dry_run: bool
    wants_changes: bool
    """Whether it is called again when others have changed the object after it."""


def parse_hooks(configurations: Iterable[Object]) -> tuple[Hook, ...]:
    """Of configurations in the order of their names."""
    return tuple(hook for each in configurations for hook in _hooks_of(each))


def _hooks_of(configuration: Object) -> Iterable[Hook]:
    seen: Counter[str] = Counter()
    for webhook in configuration.get("webhooks") or ():
        name = webhook["name"]
        yield Hook(
            configuration=name_of(configuration),
            name=name,
            uid=f"{name_of(configuration)}/{name}/{seen[name]}",
            criteria=Criteria.parse(webhook, WEBHOOK_RULES),
            conditions=parse_conditions(webhook, Names()),
            endpoint=Endpoint.parse(webhook["clientConfig"]),
            seconds=webhook.get("timeoutSeconds") or 10,
            review_versions=tuple(webhook.get("admissionReviewVersions") or ()),
            ignores_failures=webhook.get("failurePolicy") == "Ignore",
            can_dry_run=webhook.get("sideEffects") in ("None", "NoneOnDryRun"),
            wants_changes=webhook.get("reinvocationPolicy") == "IfNeeded",
        )
        seen[name] += 1


class Hooks:
    """The hooks as the watch cache has them now."""

    def __init__(self, configurations: ResourceCache) -> None:
        self._configurations = configurations
        self._revision = -1
        self._hooks: tuple[Hook, ...] = ()

    def now(self) -> tuple[Hook, ...]:
        if self._configurations.revision != self._revision:
            self._hooks = parse_hooks(entry.obj for entry in self._configurations.entries())
            self._revision = self._configurations.revision
        return self._hooks
