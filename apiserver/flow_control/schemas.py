"""FlowSchemas: whose requests a schema is for, and which flow within it a request belongs to.

Source: pkg/util/flowcontrol/rule.go of kubernetes/apiserver 0.34.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256

from apimachinery.objects import Object
from apiserver.auth.service_accounts import split_username
from apiserver.request import RequestInfo, UserInfo

ANY = "*"


@dataclass(frozen=True, slots=True)
class FlowSchema:
    name: str
    uid: str
    precedence: int
    level: str
    distinguisher: str
    rules: tuple[Object, ...]

    def matches(self, info: RequestInfo) -> bool:
        return any(_rule_matches(rule, info) for rule in self.rules)

    def flow_of(self, info: RequestInfo) -> str:
        """What tells the requests of one client from those of another."""
        if self.distinguisher == "ByUser":
            return info.user.name
        return info.namespace if self.distinguisher == "ByNamespace" else ""


def parse_schema(obj: Object) -> FlowSchema:
    spec = obj.get("spec") or {}
    return FlowSchema(
        name=obj["metadata"]["name"],
        uid=obj["metadata"].get("uid", ""),
        precedence=spec.get("matchingPrecedence") or 1000,
        level=spec["priorityLevelConfiguration"]["name"],
        distinguisher=(spec.get("distinguisherMethod") or {}).get("type", ""),
        rules=tuple(spec.get("rules") or ()),
    )


def in_order(schemas: Sequence[FlowSchema]) -> list[FlowSchema]:
    """The first that matches counts."""
    return sorted(schemas, key=lambda schema: (schema.precedence, schema.name))


def hand_of(schema: str, flow: str, queues: int, size: int) -> tuple[int, ...]:
    """The queues that a flow may use: `size` of `queues`, the same each time, other flows have others."""
    entropy = int.from_bytes(sha256(f"{schema}\0{flow}".encode()).digest()[:8], "little")
    hand: list[int] = []
    for dealt in range(size):
        entropy, card = divmod(entropy, queues - dealt)
        for earlier in sorted(hand):
            card += card >= earlier
        hand.append(card)
    return tuple(hand)


def _rule_matches(rule: Object, info: RequestInfo) -> bool:
    if not any(_subject_matches(subject, info.user) for subject in rule.get("subjects") or ()):
        return False
    if info.is_resource:
        return any(_resource_matches(each, info) for each in rule.get("resourceRules") or ())
    return any(_path_matches(each, info) for each in rule.get("nonResourceRules") or ())


def _subject_matches(subject: Object, user: UserInfo) -> bool:
    match subject.get("kind"):
        case "User":
            return (subject.get("user") or {}).get("name") in (ANY, user.name)
        case "Group":
            name = (subject.get("group") or {}).get("name")
            return name == ANY or name in user.groups
        case "ServiceAccount":
            wanted, account = subject.get("serviceAccount") or {}, split_username(user.name)
            if account is None or wanted.get("namespace") != account[0]:
                return False
            return wanted.get("name") in (ANY, account[1])
    return False


def _resource_matches(rule: Object, info: RequestInfo) -> bool:
    resource = f"{info.plural}/{info.subresource}" if info.subresource else info.plural
    if not (
        _has(rule.get("verbs"), info.verb)
        and _has(rule.get("resources"), resource)
        and _has(rule.get("apiGroups"), info.group)
    ):
        return False
    return _has(rule.get("namespaces"), info.namespace) if info.namespace else bool(rule.get("clusterScope"))


def _path_matches(rule: Object, info: RequestInfo) -> bool:
    if not _has(rule.get("verbs"), info.verb):
        return False
    urls = rule.get("nonResourceURLs") or ()
    return any(
        url in (ANY, info.path) or info.path.startswith(f"{url.removesuffix(ANY).removesuffix('/')}/")
        for url in urls
    )


def _has(values: Sequence[str] | None, value: str) -> bool:
    return values is not None and (ANY in values or value in values)
