"""ValidatingAdmissionPolicy: refuses, warns and notes as bound policies say.

Source: dispatcher.go of k8s.io/apiserver/pkg/admission/plugin/policy/validating in Kubernetes 1.34.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import orjson

from apimachinery.errors import StatusError
from apimachinery.objects import Object
from apimachinery.scheme import NAMESPACES, Resource
from apiserver.admission.attributes import Attributes, Operation
from apiserver.admission.condition_metrics import PolicyConditions
from apiserver.admission.matching import Matcher, is_exempt
from apiserver.admission.policies.evaluation import Outcome, Refusal, evaluate
from apiserver.admission.policies.metrics import count_check
from apiserver.admission.policies.params import FindKind, ParamsError, collect_params
from apiserver.admission.policies.policy import Binding, Policies, Policy
from apiserver.admission.refusal import refuse
from apiserver.admission.scopes import Scopes

_FAILURE = "validation.policy.admission.k8s.io/validation_failure"
_CODES = {"Unauthorized": 401, "Forbidden": 403, "RequestEntityTooLarge": 413}


@dataclass(frozen=True, slots=True)
class Denial:
    """Who denies a write, and why. Without a binding it is the policy's configuration."""

    policy: str
    binding: str
    refusal: Refusal

    @property
    def message(self) -> str:
        by = f"ValidatingAdmissionPolicy '{self.policy}'"
        with_binding = f" with binding '{self.binding}'" if self.binding else ""
        return f"{by}{with_binding} denied request: {self.refusal.message}"


class ValidatingAdmissionPolicy:
    name = "ValidatingAdmissionPolicy"

    def __init__(self, policies: Policies, matcher: Matcher, scopes: Scopes, find_kind: FindKind) -> None:
        self._policies = policies
        self._matcher = matcher
        self._scopes = scopes
        self._find_kind = find_kind

    def handles(self, operation: Operation, resource: Resource, subresource: str) -> bool:
        return not is_exempt(resource)

    async def validate(self, attributes: Attributes) -> None:
        denials: list[Denial] = []
        for policy, bindings in self._policies.now():
            denials += await self._judge(policy, bindings, attributes)
        if denials:
            raise _error(attributes, denials[0])

    async def _judge(
        self, policy: Policy, bindings: Sequence[Binding], attributes: Attributes
    ) -> list[Denial]:
        try:
            seen = await self._matcher.version(policy.criteria, attributes)
        except StatusError as error:
            return _misconfigured(policy, "", f"failed to configure policy: {error.message}")
        if seen is None:
            return []
        denials: list[Denial] = []
        notes: dict[str, list[str]] = {}
        for binding in bindings:
            try:
                outcomes = await self._outcomes(policy, binding, seen, attributes)
            except (StatusError, ParamsError) as error:
                text = error.message if isinstance(error, StatusError) else str(error)
                denials += _misconfigured(policy, binding.name, f"failed to configure binding: {text}")
                continue
            for outcome in outcomes:
                _count(policy, binding, outcome, attributes.operation)
                denials += _consequences(policy, binding, outcome, attributes)
                for key, value in outcome.annotations:
                    notes.setdefault(key, []).append(value)
        for key, values in notes.items():
            attributes.annotate(f"{policy.name}/{key}", ", ".join(dict.fromkeys(values)))
        return denials

    async def _outcomes(
        self, policy: Policy, binding: Binding, seen: Resource, attributes: Attributes
    ) -> list[Outcome]:
        """One for each parameter. Raises ParamsError, StatusError."""
        if await self._matcher.version(binding.criteria, attributes) is None:
            return []
        params = await collect_params(policy, binding, attributes.request_namespace, self._find_kind)
        namespace = await self._namespace(attributes)
        outcomes = []
        for param in params:
            scope = await self._scopes.of(
                attributes, seen, namespace=namespace, params=param, variables=policy.variables
            )
            outcomes.append(await scope.settled(partial(evaluate, policy, scope)))
        return outcomes

    async def _namespace(self, attributes: Attributes) -> Object | None:
        """What expressions see of the Namespace of the write; a Namespace itself is in none."""
        if attributes.resource == NAMESPACES:
            return None
        namespace = await self._matcher.namespace(attributes)
        if namespace is not None:
            for field in ("managedFields", "ownerReferences"):
                namespace["metadata"].pop(field, None)
        return namespace


def _misconfigured(policy: Policy, binding: str, text: str) -> list[Denial]:
    return [] if policy.ignores_failures else [Denial(policy.name, binding, Refusal(0, text))]


def _count(policy: Policy, binding: Binding, outcome: Outcome, operation: Operation) -> None:
    if outcome.unmet is not None:
        PolicyConditions(policy.name, operation).unmet(*outcome.unmet)
    for checks, actions in (
        (outcome.ignored, ("Allow",)),
        (outcome.denials, ("Deny",)),
        (outcome.refusals, binding.actions),
    ):
        for each in checks:
            count_check(policy.name, binding.name, each.error_type, actions, each.seconds)


def _consequences(policy: Policy, binding: Binding, outcome: Outcome, attributes: Attributes) -> list[Denial]:
    """Carries out the binding's actions, and tells what denies the write."""
    denials = [Denial(policy.name, binding.name, each) for each in outcome.denials]
    for refusal in outcome.refusals:
        if "Deny" in binding.actions:
            denials.append(Denial(policy.name, binding.name, refusal))
        if "Audit" in binding.actions:
            attributes.annotate(_FAILURE, _note(binding, refusal))
        if "Warn" in binding.actions:
            attributes.warnings.append(
                f"Validation failed for ValidatingAdmissionPolicy '{policy.name}' "
                f"with binding '{binding.name}': {refusal.message}"
            )
    return denials


def _note(binding: Binding, refusal: Refusal) -> str:
    told = {
        "message": refusal.message,
        "policy": binding.policy,
        "binding": binding.name,
        "expressionIndex": refusal.index,
        "validationActions": list(binding.actions),
    }
    return orjson.dumps([told]).decode()


def _error(attributes: Attributes, denial: Denial) -> StatusError:
    error = refuse(attributes, denial.message)
    error.reason = denial.refusal.reason or "Invalid"
    error.code = _CODES.get(error.reason, 422)
    error.details["causes"] = [{"message": denial.message}]
    return error
