"""The ABAC authorizer: a file with a policy on each line says which attributes of a request are fine.

Source: pkg/auth/authorizer/abac and pkg/apis/abac of Kubernetes 1.34.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import orjson

from apimachinery.objects import Object
from apimachinery.policy_rules import Rule
from apiserver.auth.attributes import Attributes
from apiserver.auth.authorizer import ALLOWED, Decision, UserRules
from apiserver.config_files import ConfigError, read_file
from apiserver.request import UserInfo

_READS = ("get", "list", "watch")
_KNOWN = "system:authenticated"
_NO_MATCH = Decision(reason="No policy matched.")


@dataclass(frozen=True, slots=True)
class Policy:
    """Whom it is about, and what it allows them: `*` is anything, a path may end in it.

    An empty user or group is not asked for, but one of the two must be named.
    """

    user: str = ""
    group: str = ""
    readonly: bool = False
    api_group: str = ""
    resource: str = ""
    namespace: str = ""
    path: str = ""

    def is_about(self, user: UserInfo) -> bool:
        if not self.user and not self.group:
            return False
        return self.user in ("", user.name) and (not self.group or self.group in user.groups)

    def allows(self, attributes: Attributes) -> bool:
        if not self.is_about(attributes.user) or (self.readonly and attributes.verb not in _READS):
            return False
        if not attributes.is_resource:
            return _is_below(attributes.path, self.path)
        return (
            self.namespace in ("*", attributes.namespace)
            and self.resource in ("*", attributes.resource)
            and self.api_group in ("*", attributes.group)
        )

    def rules(self) -> Iterator[Rule]:
        """What it allows whom it is about."""
        verbs = _READS if self.readonly else ("*",)
        if self.resource:
            yield Rule(verbs, (self.api_group,), (self.resource,))
        if self.path:
            yield Rule(verbs, urls=(self.path,))


def _is_below(path: str, pattern: str) -> bool:
    return path == pattern or (pattern.endswith("*") and path.startswith(pattern.rstrip("*")))


class ABACAuthorizer:
    def __init__(self, policies: Sequence[Policy]) -> None:
        self._policies = tuple(policies)

    async def authorize(self, attributes: Attributes) -> Decision:
        return ALLOWED if any(each.allows(attributes) for each in self._policies) else _NO_MATCH

    def rules_of(self, user: UserInfo, namespace: str) -> UserRules:
        found = [
            each for each in self._policies if each.is_about(user) and each.namespace in ("*", namespace)
        ]
        return UserRules([rule for each in found for rule in each.rules()])


def load_policies(path: str) -> list[Policy]:
    """--authorization-policy-file. Raises ConfigError."""
    return list(parse_policies(read_file(path), path))


def parse_policies(text: bytes, path: str) -> Iterator[Policy]:
    """Empty lines and those that begin with # say nothing. Raises ConfigError."""
    for number, raw in enumerate(text.splitlines(), 1):
        line = raw.strip()
        if not line or line.startswith(b"#"):
            continue
        try:
            yield _policy(orjson.loads(line))
        except ValueError as error:
            shown = line.decode(errors="replace")
            raise ConfigError(f"error reading policy file {path}, line {number}: {shown}: {error}") from None


def _policy(document: Object) -> Policy:
    """Raises ValueError."""
    if not isinstance(document, dict):
        raise ValueError("no object")
    if "kind" not in document and "apiVersion" not in document:
        return _unversioned(document)
    head = (document.get("apiVersion"), document.get("kind"))
    if head != ("abac.authorization.kubernetes.io/v1beta1", "Policy"):
        raise ValueError(f'no kind "{head[1]}" is registered for version "{head[0]}"')
    return _of_spec(document.get("spec") or {})


def _of_spec(spec: Object) -> Policy:
    user, group = spec.get("user") or "", spec.get("group") or ""
    if "*" in (user, group):
        user, group = "", _KNOWN
    return Policy(
        user,
        group,
        bool(spec.get("readonly")),
        spec.get("apiGroup") or "",
        spec.get("resource") or "",
        spec.get("namespace") or "",
        spec.get("nonResourcePath") or "",
    )


def _unversioned(line: Object) -> Policy:
    """Before there were versions what was not said was allowed."""
    namespace, resource = line.get("namespace") or "", line.get("resource") or ""
    everybody = {} if line.get("user") or line.get("group") else {"group": "*"}
    return _of_spec(
        {
            **line,
            **everybody,
            "apiGroup": "*",
            "namespace": namespace or "*",
            "resource": resource or "*",
            "nonResourcePath": "" if namespace or resource else "*",
        }
    )
