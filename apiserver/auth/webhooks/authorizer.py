"""The webhook authorizer: puts a SubjectAccessReview to another server and remembers the answers.

Source: staging/src/k8s.io/apiserver/plugin/pkg/authorizer/webhook/webhook.go of Kubernetes 1.34.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic, perf_counter

import orjson

from apimachinery.objects import Object
from apiserver.auth.attributes import Attributes
from apiserver.auth.authorizer import NO_OPINION, Decision, UserRules
from apiserver.auth.expiring_cache import ExpiringCache
from apiserver.auth.webhooks.match_conditions import ConditionError, MatchConditions
from apiserver.auth.webhooks.metrics import FAIL_OPEN, observe, observe_conditions
from apiserver.auth.webhooks.reviewer import Reviewer, ReviewFailed
from apiserver.request import UserInfo

log = logging.getLogger(__name__)

_CACHE_SIZE = 8192
_LONGEST_REMEMBERED = 10_000
"""Characters of what the user has made up: beyond that somebody may want to fill our memory."""


@dataclass(frozen=True, slots=True)
class Policy:
    """What a webhook's answers, and the want of one, are worth."""

    authorized_seconds: float = 300.0
    unauthorized_seconds: float = 30.0
    denies_on_failure: bool = False
    """Else a failure is no opinion."""


class WebhookAuthorizer:
    def __init__(
        self,
        name: str,
        reviewer: Reviewer,
        policy: Policy,
        conditions: MatchConditions,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        """`conditions`: on which the webhook is asked at all."""
        self._name = name
        self._reviewer = reviewer
        self._policy = policy
        self._conditions = conditions
        self._remembered: ExpiringCache[bytes, Object] = ExpiringCache(_CACHE_SIZE, clock)

    async def authorize(self, attributes: Attributes) -> Decision:
        spec = spec_of(attributes)
        try:
            if self._conditions and not self._is_concerned(spec):
                return NO_OPINION
            return decision_of(await self._status(attributes, spec))
        except ConditionError as error:
            return self._failed(str(error))
        except ReviewFailed as error:
            log.error("Failed to make webhook authorizer request: err=%s", error)
            if not self._policy.denies_on_failure:
                FAIL_OPEN.labels(self._name, error.result).inc()
            return self._failed(str(error))

    def rules_of(self, user: UserInfo, namespace: str) -> UserRules:
        return UserRules(gaps=["webhook authorizer does not support user rule resolution"])

    def _failed(self, error: str) -> Decision:
        return Decision(denied=self._policy.denies_on_failure, error=error)

    def _is_concerned(self, spec: Object) -> bool:
        """What the conditions say. Raises ConditionError."""
        began, holds = perf_counter(), None
        try:
            holds = self._conditions.hold(spec)
        finally:
            observe_conditions(self._name, perf_counter() - began, holds=holds)
        return holds

    async def _status(self, attributes: Attributes, spec: Object) -> Object:
        key = orjson.dumps(spec, option=orjson.OPT_SORT_KEYS)
        remembered = self._remembered.get(key)
        if remembered is not None:
            return remembered
        status = await self._review(spec)
        if _size(attributes) < _LONGEST_REMEMBERED:
            policy, allowed = self._policy, status.get("allowed")
            self._remembered.add(
                key, status, policy.authorized_seconds if allowed else policy.unauthorized_seconds
            )
        return status

    async def _review(self, spec: Object) -> Object:
        began, result = perf_counter(), "success"
        try:
            return await self._reviewer.status(spec)
        except ReviewFailed as error:
            result = error.result
            raise
        finally:
            observe(self._name, result, perf_counter() - began)


def decision_of(status: Object) -> Decision:
    allowed, denied = bool(status.get("allowed")), bool(status.get("denied"))
    reason = status.get("reason") or ""
    if allowed and denied:
        error = "webhook subject access review returned both allow and deny response"
        return Decision(denied=True, reason=reason, error=error)
    return Decision(allowed, denied, reason)


def spec_of(attributes: Attributes) -> Object:
    """The spec of the SubjectAccessReview (v1) that asks the same question."""
    user = attributes.user
    told: Object = {
        "user": user.name,
        "groups": list(user.groups),
        "extra": {key: list(values) for key, values in user.extra.items()},
        "uid": user.uid,
    }
    spec = {key: value for key, value in told.items() if value}
    if not attributes.is_resource:
        path = {"path": attributes.path, "verb": attributes.verb}
        return {"nonResourceAttributes": {key: value for key, value in path.items() if value}, **spec}
    return {"resourceAttributes": _resource_attributes(attributes), **spec}


def _resource_attributes(attributes: Attributes) -> Object:
    told: Object = {
        "namespace": attributes.namespace,
        "verb": attributes.verb,
        "group": attributes.group,
        "version": attributes.version,
        "resource": attributes.resource,
        "subresource": attributes.subresource,
        "name": attributes.name,
    }
    for name, demanded in (
        ("fieldSelector", attributes.field_selector), ("labelSelector", attributes.label_selector),
    ):  # fmt: skip
        told[name] = {"requirements": list(demanded)} if demanded else None
    return {key: value for key, value in told.items() if value}


def v1beta1_spec(spec: Object) -> Object:
    """Groups are called otherwise there."""
    return {("group" if key == "groups" else key): value for key, value in spec.items()}


def _size(asked: Attributes) -> int:
    where = (asked.namespace, asked.group, asked.version, asked.resource, asked.subresource, asked.name)
    return len("".join((asked.verb, asked.path, *where)))
