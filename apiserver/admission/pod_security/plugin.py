"""PodSecurity: enforces, notes and warns of the standards that a namespace's labels name.

Source: admission/admission.go of kubernetes/pod-security-admission at 1.34.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from apimachinery.errors import InternalError, InvalidError
from apimachinery.objects import Object, get_path, labels_of, name_of
from apimachinery.scheme import (
    CRON_JOBS,
    DAEMON_SETS,
    DEPLOYMENTS,
    JOBS,
    NAMESPACES,
    POD_TEMPLATES,
    PODS,
    REPLICA_SETS,
    REPLICATION_CONTROLLERS,
    STATEFUL_SETS,
    Resource,
)
from apiserver.admission.attributes import Attributes, Operation
from apiserver.admission.pod_security.configuration import Configuration
from apiserver.admission.pod_security.evaluation import told, violations, warnings_of_existing
from apiserver.admission.pod_security.metrics import count_error, count_evaluation, count_exemption
from apiserver.admission.pod_security.policy import (
    ANYTHING,
    MODES,
    PREFIX,
    PRIVILEGED,
    Policy,
    Standard,
    policy_of,
)
from apiserver.admission.refusal import refuse
from apiserver.storage.cached import FreshLookup, Lookup

_MAX_EXISTING = 3000
_TEMPLATES = {
    CRON_JOBS: "spec.jobTemplate.spec.template",
    DAEMON_SETS: "spec.template",
    DEPLOYMENTS: "spec.template",
    JOBS: "spec.template",
    POD_TEMPLATES: "template",
    REPLICATION_CONTROLLERS: "spec.template",
    REPLICA_SETS: "spec.template",
    STATEFUL_SETS: "spec.template",
}
_OF_OTHER_FORM = frozenset(("exec", "attach", "binding", "eviction", "log", "portforward", "proxy", "status"))
"""Subresources of pods that change nothing a standard is about."""

Pods = Callable[[str], Iterable[Object]]
"""pods(namespace)"""


class PodSecurity:
    name = "PodSecurity"

    def __init__(
        self, lookup: Lookup, fresh_lookup: FreshLookup, pods: Pods, configuration: Configuration
    ) -> None:
        self._lookup = lookup
        self._fresh_lookup = fresh_lookup
        self._pods = pods
        self._configuration = configuration

    def handles(self, operation: Operation, resource: Resource, subresource: str) -> bool:
        if operation not in ("CREATE", "UPDATE"):
            return False
        if resource == PODS:
            return subresource not in _OF_OTHER_FORM
        return not subresource and (resource == NAMESPACES or resource in _TEMPLATES)

    async def validate(self, attributes: Attributes) -> None:
        if attributes.object is None:
            return
        if attributes.resource == NAMESPACES:
            self._judge_namespace(attributes, attributes.object)
        elif self._is_exempt(attributes):
            return
        elif attributes.resource == PODS:
            await self._judge_pod(attributes, attributes.object)
        else:
            await self._judge_template(attributes, attributes.object)

    # Namespaces

    def _judge_namespace(self, attributes: Attributes, namespace: Object) -> None:
        defaults, name = self._configuration.defaults, name_of(namespace)
        policy, errors = policy_of(labels_of(namespace), defaults)
        old, old_errors = Policy(), None
        if attributes.old_object is not None:
            old, old_errors = policy_of(labels_of(attributes.old_object), defaults)
        if errors and errors != old_errors:
            raise InvalidError("Namespace", name, errors)
        is_new = attributes.old_object is None
        if not is_new and not _is_tightened(policy.enforce, old.enforce):
            return
        if name in self._configuration.namespaces:
            attributes.warnings += _exempt_warning(name, policy, labels_of(namespace), defaults)
        elif not is_new:
            pods = [each for each in self._pods(name) if not self._has_exempt_class(each["spec"])]
            attributes.warnings += warnings_of_existing(name, policy.enforce, pods, _MAX_EXISTING)

    # Pods and what makes them

    async def _judge_pod(self, attributes: Attributes, pod: Object) -> None:
        policy = await self._policy(attributes)
        if policy.allows_everything:
            count_evaluation(attributes, policy.enforce, "enforce", allows=True)
            attributes.annotate(PREFIX + "enforce-policy", str(ANYTHING))
            return
        old = attributes.old_object
        if old is None or _is_significant(pod["spec"], old["spec"]):
            self._judge(attributes, policy, pod["metadata"], pod["spec"], enforce=True)

    async def _judge_template(self, attributes: Attributes, obj: Object) -> None:
        template = get_path(obj, _TEMPLATES[attributes.resource])
        if not template:
            return
        policy = await self._policy(attributes)
        if policy.warn.level == policy.audit.level == PRIVILEGED:
            return
        metadata, spec = template.get("metadata") or {}, template.get("spec") or {}
        self._judge(attributes, policy, metadata, spec, enforce=False)

    async def _policy(self, attributes: Attributes) -> Policy:
        name = attributes.namespace
        namespace = self._lookup(NAMESPACES, "", name) or await self._fresh_lookup(NAMESPACES, "", name)
        if namespace is None:
            count_error(attributes, is_fatal=True)
            raise InternalError(f'failed to lookup namespace "{name}"')
        policy, errors = policy_of(labels_of(namespace), self._configuration.defaults)
        if errors:
            count_error(attributes, is_fatal=False)
            attributes.annotate(PREFIX + "error", f"Failed to parse policy: {'; '.join(map(str, errors))}")
        return policy

    def _judge(
        self, attributes: Attributes, policy: Policy, metadata: Object, spec: Object, *, enforce: bool
    ) -> None:
        if self._has_exempt_class(spec):
            count_exemption(attributes)
            attributes.annotate(PREFIX + "exempt", "runtimeClass")
            return
        found = {
            standard: told(violations(standard, metadata, spec))
            for standard in {policy.enforce, policy.audit, policy.warn}
        }
        if enforce:
            count_evaluation(attributes, policy.enforce, "enforce", allows=not found[policy.enforce])
            attributes.annotate(PREFIX + "enforce-policy", str(policy.enforce))
        if found[policy.audit]:
            count_evaluation(attributes, policy.audit, "audit", allows=False)
            text = f'would violate PodSecurity "{policy.audit}": {found[policy.audit]}'
            attributes.annotate(PREFIX + "audit-violations", text)
        if enforce and found[policy.enforce]:
            raise refuse(attributes, f'violates PodSecurity "{policy.enforce}": {found[policy.enforce]}')
        if found[policy.warn]:
            count_evaluation(attributes, policy.warn, "warn", allows=False)
            attributes.warnings.append(f'would violate PodSecurity "{policy.warn}": {found[policy.warn]}')

    def _is_exempt(self, attributes: Attributes) -> bool:
        why = ""
        if attributes.namespace in self._configuration.namespaces:
            why = "namespace"
        elif attributes.user.name in self._configuration.usernames:
            why = "user"
        if why:
            count_exemption(attributes)
            attributes.annotate(PREFIX + "exempt", why)
        return bool(why)

    def _has_exempt_class(self, spec: Object) -> bool:
        return spec.get("runtimeClassName") in self._configuration.runtime_classes


def _is_tightened(new: Standard, old: Standard) -> bool:
    """Whether pods that are there may be such as could not be made any more."""
    if new == old or new.level == PRIVILEGED:
        return False
    return new.minor != old.minor or new.is_stricter(old)


def _exempt_warning(name: str, policy: Policy, labels: dict[str, str], defaults: Policy) -> list[str]:
    """Labels that say something on a namespace that nobody asks."""
    if policy.allows_everything or policy.is_like(defaults):
        return []
    said = [
        f"{mode}={getattr(policy, mode)}"
        for mode in MODES
        if getattr(policy, mode).level != PRIVILEGED
        and (PREFIX + mode in labels or f"{PREFIX}{mode}-version" in labels)
    ]
    ignored = f"and the policy ({', '.join(said)}) will be ignored"
    return [f'namespace "{name}" is exempt from Pod Security, {ignored}']


def _is_significant(new: Object, old: Object) -> bool:
    """Whether an update concerns a standard: only images and ephemeral containers can change so."""
    for field in ("containers", "initContainers"):
        if _images(new, field) != _images(old, field):
            return True
    before = {each["name"]: each.get("image") for each in old.get("ephemeralContainers") or ()}
    return any(
        each["name"] not in before or each.get("image") != before[each["name"]]
        for each in new.get("ephemeralContainers") or ()
    )


def _images(spec: Object, field: str) -> list[str | None]:
    return [each.get("image") for each in spec.get(field) or ()]
