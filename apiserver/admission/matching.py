"""Which writes a webhook or a policy is about: rules, selectors, and the versions a write could have had.

Source: staging/src/k8s.io/apiserver/pkg/admission/plugin/webhook/predicates of Kubernetes 1.34.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from apimachinery.errors import NotFoundError
from apimachinery.labels import Selector, selector_from_label_selector
from apimachinery.objects import Object, labels_of
from apimachinery.scheme import ADMISSION, NAMESPACES, Resource
from apiserver.admission.attributes import Attributes, Operation
from apiserver.storage.cached import FreshLookup, Lookup

WEBHOOK_RULES = "rules"
_EXEMPT = frozenset(
    ("mutatingwebhookconfigurations", "validatingwebhookconfigurations", "validatingadmissionpolicies",
     "validatingadmissionpolicybindings", "mutatingadmissionpolicies", "mutatingadmissionpolicybindings")
)  # fmt: skip


def is_exempt(resource: Resource) -> bool:
    """Whether webhooks and policies do not see writes of it: it configures them, and can always be mended."""
    return resource.group == ADMISSION and resource.plural in _EXEMPT


@dataclass(frozen=True, slots=True)
class Rule:
    """A RuleWithOperations, or a NamedRuleWithOperations."""

    operations: frozenset[str]
    groups: frozenset[str]
    versions: frozenset[str]
    resources: tuple[tuple[str, str], ...]
    """(plural, subresource); `*` is any, an empty subresource the resource itself."""
    scope: str = "*"
    names: frozenset[str] = frozenset()

    @staticmethod
    def parse(rule: Object) -> Rule:
        pairs = (each.partition("/") for each in rule.get("resources") or ())
        return Rule(
            operations=frozenset(rule.get("operations") or ()),
            groups=frozenset(rule.get("apiGroups") or ()),
            versions=frozenset(rule.get("apiVersions") or ()),
            resources=tuple((plural, subresource) for plural, _, subresource in pairs),
            scope=rule.get("scope") or "*",
            names=frozenset(rule.get("resourceNames") or ()),
        )

    def matches(self, attributes: Attributes, resource: Resource) -> bool:
        """`resource`: the version that the write is taken to have."""
        return (
            self._covers(attributes.operation, resource, attributes.subresource)
            and self._is_in_scope(resource, attributes.request_namespace)
            and (not self.names or attributes.name in self.names)
        )

    def _covers(self, operation: Operation, resource: Resource, subresource: str) -> bool:
        return (
            _has(self.operations, operation)
            and _has(self.groups, resource.group)
            and _has(self.versions, resource.version)
            and any(
                plural in ("*", resource.plural) and wanted in ("*", subresource)
                for plural, wanted in self.resources
            )
        )

    def _is_in_scope(self, resource: Resource, namespace: str) -> bool:
        if self.scope == "*":
            return True
        is_namespaced = resource != NAMESPACES and bool(namespace)
        return is_namespaced == (self.scope == "Namespaced")


def _has(items: frozenset[str], wanted: str) -> bool:
    return wanted in items or "*" in items


@dataclass(frozen=True, slots=True)
class Criteria:
    """A webhook's rules and selectors, or a policy's matchConstraints, or a binding's matchResources."""

    rules: tuple[Rule, ...]
    excluded: tuple[Rule, ...]
    takes_everything: bool
    """Of a policy without rules; a webhook without rules is never called."""
    takes_equivalents: bool
    namespaces: Selector
    objects: Selector

    @staticmethod
    def parse(source: Object, rules: str = "resourceRules") -> Criteria:
        """`rules` is the field that has them."""
        return Criteria(
            rules=tuple(map(Rule.parse, source.get(rules) or ())),
            excluded=tuple(map(Rule.parse, source.get("excludeResourceRules") or ())),
            takes_everything=rules != WEBHOOK_RULES and not source.get(rules),
            takes_equivalents=source.get("matchPolicy") != "Exact",
            namespaces=selector_from_label_selector(source.get("namespaceSelector") or {}),
            objects=selector_from_label_selector(source.get("objectSelector") or {}),
        )

    def version(self, attributes: Attributes) -> Resource | None:
        """The version in which a write is covered: its own if possible. None: in none."""
        if self._first(self.excluded, attributes) is not None:
            return None
        return attributes.resource if self.takes_everything else self._first(self.rules, attributes)

    def _first(self, rules: Iterable[Rule], attributes: Attributes) -> Resource | None:
        own = attributes.resource
        if any(rule.matches(attributes, own) for rule in rules):
            return own
        if not self.takes_equivalents:
            return None
        others = [each for each in attributes.forms.versions(own) if each != own]
        return next((each for rule in rules for each in others if rule.matches(attributes, each)), None)

    def selects_object(self, attributes: Attributes) -> bool:
        """The object as it will be or as it was."""
        if self.objects.is_empty:
            return True
        objects = (attributes.object, attributes.old_object)
        return any(each is not None and self.objects.matches(labels_of(each)) for each in objects)


class Matcher:
    """Criteria that are about namespaces have to look them up."""

    def __init__(self, lookup: Lookup, fresh_lookup: FreshLookup) -> None:
        self._lookup = lookup
        self._fresh_lookup = fresh_lookup

    async def version(self, criteria: Criteria, attributes: Attributes) -> Resource | None:
        """The version in which the criteria cover a write; None: they don't. Raises NotFoundError."""
        version = criteria.version(attributes)
        if version is None or not criteria.selects_object(attributes):
            return None
        return version if await self._selects_namespace(criteria.namespaces, attributes) else None

    async def _selects_namespace(self, selector: Selector, attributes: Attributes) -> bool:
        """What is in no namespace, and is none, is always selected."""
        if selector.is_empty or not attributes.request_namespace:
            return True
        namespace = await self.namespace(attributes)
        if namespace is None:
            raise NotFoundError(NAMESPACES, attributes.request_namespace)
        return selector.matches(labels_of(namespace))

    async def namespace(self, attributes: Attributes) -> Object | None:
        """The Namespace a write is in; when it is made or changed itself, as it will be."""
        if attributes.resource == NAMESPACES and not attributes.subresource and attributes.object is not None:
            return attributes.object
        name = attributes.request_namespace
        if not name:
            return None
        return self._lookup(NAMESPACES, "", name) or await self._fresh_lookup(NAMESPACES, "", name)
