"""Audit policies (audit.k8s.io/v1 Policy): how much of a request is recorded. The first rule to match says.

Source: pkg/audit/policy and pkg/apis/audit/validation of kubernetes/apiserver 0.34.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from apimachinery.errors import aggregate
from apimachinery.field import ErrorList, Errors, Path, invalid, not_supported, required
from apimachinery.objects import Object
from apiserver.config_files import ConfigError, StrictError, decode_config, read_file
from apiserver.registry.strategies.checks import dns_subdomain
from apiserver.request import RequestInfo
from component_base.config_shape import ANY, BOOL, STRING, ListOf, Struct, named, of_type

log = logging.getLogger(__name__)


class Level(IntEnum):
    """How much is recorded of a request."""

    NONE = 0
    METADATA = 1
    REQUEST = 2
    REQUEST_RESPONSE = 3


RECEIVED, STARTED, COMPLETE, PANIC = "RequestReceived", "ResponseStarted", "ResponseComplete", "Panic"
STAGES = (RECEIVED, STARTED, COMPLETE, PANIC)
_LEVELS = {
    "None": Level.NONE, "Metadata": Level.METADATA, "Request": Level.REQUEST,
    "RequestResponse": Level.REQUEST_RESPONSE,
}  # fmt: skip
LEVEL_NAMES = {level: name for name, level in _LEVELS.items()}
_STAGES = ListOf(named("v1.Stage"))
_RULE = Struct("v1.PolicyRule", {
    "level": named("v1.Level"),
    **of_type(ListOf(STRING), "users userGroups verbs namespaces nonResourceURLs"),
    "resources": ListOf(Struct("v1.GroupResources", {
        "group": STRING, **of_type(ListOf(STRING), "resources resourceNames"),
    })),
    "omitStages": _STAGES, "omitManagedFields": BOOL,
})  # fmt: skip
_SHAPE = Struct("v1.Policy", {
    **of_type(STRING, "apiVersion kind"), "metadata": ANY, "rules": ListOf(_RULE), "omitStages": _STAGES,
    "omitManagedFields": BOOL,
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Extent:
    """What is recorded of a request, and at which stages it is not."""

    level: Level = Level.NONE
    omit_stages: frozenset[str] = frozenset()
    omit_managed_fields: bool = False


@dataclass(frozen=True, slots=True)
class GroupResources:
    group: str
    resources: tuple[str, ...]
    names: frozenset[str]

    def matches(self, info: RequestInfo) -> bool:
        if self.group != info.group:
            return False
        if not self.resources:
            return True
        if self.names and info.name not in self.names:
            return False
        return any(_names(pattern, info.plural, info.subresource) for pattern in self.resources)


def _names(pattern: str, plural: str, subresource: str) -> bool:
    """`pods`, `pods/log`, `*`, `pods/*` (the pods, too), `*/scale`."""
    if pattern in ("*", f"{plural}/*"):
        return True
    if subresource:
        return pattern in (f"{plural}/{subresource}", f"*/{subresource}")
    return pattern == plural


@dataclass(frozen=True, slots=True)
class Rule:
    """Every list that is not empty must hold what the request has."""

    extent: Extent
    users: frozenset[str]
    groups: frozenset[str]
    verbs: frozenset[str]
    namespaces: frozenset[str]
    resources: tuple[GroupResources, ...]
    paths: tuple[str, ...]

    def matches(self, info: RequestInfo) -> bool:
        if self.users and info.user.name not in self.users:
            return False
        if self.groups and self.groups.isdisjoint(info.user.groups):
            return False
        if self.verbs and info.verb not in self.verbs:
            return False
        if self.namespaces or self.resources:
            return info.is_resource and self._matches_resource(info)
        return not self.paths or (not info.is_resource and self._matches_path(info.path))

    def _matches_resource(self, info: RequestInfo) -> bool:
        if self.namespaces and info.namespace not in self.namespaces:
            return False
        return not self.resources or any(each.matches(info) for each in self.resources)

    def _matches_path(self, path: str) -> bool:
        return any(
            path == each or (each.endswith("*") and path.startswith(each.rstrip("*"))) for each in self.paths
        )


class Policy:
    def __init__(self, rules: Sequence[Rule], default: Extent) -> None:
        self._rules = tuple(rules)
        self._default = default

    def extent_of(self, info: RequestInfo) -> Extent:
        return next((rule.extent for rule in self._rules if rule.matches(info)), self._default)


def load_policy(path: str) -> Policy:
    """Of --audit-policy-file. Raises ConfigError."""
    try:
        return parse_policy(read_file(path))
    except ConfigError as error:
        raise ConfigError(f"loading audit policy file: {error}: from file {path}") from None


def parse_policy(text: bytes) -> Policy:
    """Raises ConfigError."""
    config = _decoded(text)
    if errors := _check(config):
        raise ConfigError(aggregate([str(each) for each in errors]))
    stages = frozenset(config.get("omitStages") or ())
    omit_fields = bool(config.get("omitManagedFields"))
    rules = [_rule(each, stages, omit_fields) for each in config.get("rules") or ()]
    if not rules:
        raise ConfigError("loaded illegal policy with 0 rules")
    return Policy(rules, Extent(Level.NONE, stages, omit_fields))


def _decoded(text: bytes) -> Object:
    """Fields that nobody knows are passed over."""
    try:
        return decode_config(text, "audit.k8s.io/v1", "Policy", _SHAPE)
    except StrictError as error:
        log.warning("Audit policy contains errors, falling back to lenient decoding: err=%s", error)
        return error.config
    except ConfigError as error:
        raise ConfigError(f"failed decoding: {error}") from None


def _rule(raw: Object, stages: frozenset[str], omit_fields: bool) -> Rule:
    own = raw.get("omitManagedFields")
    return Rule(
        extent=Extent(
            _LEVELS[raw["level"]],
            stages | frozenset(raw.get("omitStages") or ()),
            omit_fields if own is None else own,
        ),
        users=frozenset(raw.get("users") or ()),
        groups=frozenset(raw.get("userGroups") or ()),
        verbs=frozenset(raw.get("verbs") or ()),
        namespaces=frozenset(raw.get("namespaces") or ()),
        resources=tuple(_group_resources(each) for each in raw.get("resources") or ()),
        paths=tuple(raw.get("nonResourceURLs") or ()),
    )


def _group_resources(raw: Object) -> GroupResources:
    names = frozenset(raw.get("resourceNames") or ())
    return GroupResources(raw.get("group") or "", tuple(raw.get("resources") or ()), names)


def _check(config: Object) -> ErrorList:
    errors = _check_stages(config, Path("omitStages"))
    for index, rule in enumerate(config.get("rules") or ()):
        path = Path("rules").index(index)
        errors += [*_check_level(rule, path), *_check_stages(rule, path.child("omitStages"))]
        errors += [*_check_urls(rule, path), *_check_resources(rule, path.child("resources"))]
    return errors


def _check_level(rule: Object, path: Path) -> ErrorList:
    level = rule.get("level") or ""
    if level in _LEVELS:
        return []
    where = path.child("level")
    return [not_supported(where, level, [*_LEVELS]) if level else required(where, "")]


def _check_stages(owner: Object, path: Path) -> ErrorList:
    return [
        invalid(path.index(index), stage, f"allowed stages are {','.join(STAGES)}")
        for index, stage in enumerate(owner.get("omitStages") or ())
        if stage not in STAGES
    ]


def _check_urls(rule: Object, path: Path) -> ErrorList:
    where, urls, errors = path.child("nonResourceURLs"), rule.get("nonResourceURLs") or [], list[Any]()
    for index, url in enumerate(urls):
        if url != "*" and not url.startswith("/"):
            text = "non-resource URL rules must begin with a '/' character"
            errors.append(invalid(where.index(index), url, text))
        if "*" in url[:-1]:
            text = "non-resource URL wildcards '*' must be the final character of the rule"
            errors.append(invalid(where.index(index), url, text))
    if urls and (rule.get("resources") or rule.get("namespaces")):
        text = "rules cannot apply to both regular resources and non-resource URLs"
        errors.append(invalid(where, urls, text))
    return errors


def _check_resources(rule: Object, path: Path) -> Errors:
    for each in rule.get("resources") or ():
        if group := each.get("group"):
            yield from dns_subdomain(group, path.child("group"))
        if each.get("resourceNames") and not each.get("resources"):
            detail = "using resourceNames requires at least one resource"
            yield invalid(path.child("resourceNames"), each["resourceNames"], detail)
