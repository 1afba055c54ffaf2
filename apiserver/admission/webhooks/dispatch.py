"""One webhook and one write: whether it is called, and what came of it."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from time import perf_counter

from apimachinery.errors import BadRequestError, InternalError
from apimachinery.scheme import Resource
from apiserver.admission.attributes import Attributes
from apiserver.admission.condition_metrics import WebhookConditions
from apiserver.admission.conditions import ConditionsFailed, hold
from apiserver.admission.matching import Matcher
from apiserver.admission.refusal import refuse
from apiserver.admission.scopes import Scopes
from apiserver.admission.webhooks.caller import Caller, CallError
from apiserver.admission.webhooks.hooks import Hook
from apiserver.admission.webhooks.metrics import BY_FAILURE, BY_WEBHOOK, FAIL_OPEN, count_rejection, observe
from apiserver.admission.webhooks.review import (
    ReviewError,
    Verdict,
    choose_version,
    denial,
    new_review,
    read_verdict,
)

log = logging.getLogger(__name__)

NewUid = Callable[[], str]


@dataclass(frozen=True, slots=True)
class Invocation:
    """A hook that a write concerns, and the version in which it is to see the object."""

    index: int
    hook: Hook
    seen: Resource


class Dispatcher:
    def __init__(self, matcher: Matcher, scopes: Scopes, caller: Caller, new_uid: NewUid) -> None:
        self._matcher = matcher
        self._scopes = scopes
        self._caller = caller
        self._new_uid = new_uid

    async def invocation(
        self, index: int, hook: Hook, attributes: Attributes, *, may_change: bool
    ) -> Invocation | None:
        """None: the write does not concern the hook. Raises NotFoundError where there is no namespace."""
        seen = await self._matcher.version(hook.criteria, attributes)
        if seen is None:
            return None
        if hook.conditions and not await self._is_wanted(hook, attributes, seen, may_change=may_change):
            return None
        return Invocation(index, hook, seen)

    async def _is_wanted(
        self, hook: Hook, attributes: Attributes, seen: Resource, *, may_change: bool
    ) -> bool:
        """What the hook's conditions say. Raises ForbiddenError if they fail."""
        told = WebhookConditions(hook.name, attributes.operation, may_change=may_change)
        began = perf_counter()
        scope = await self._scopes.of(attributes, seen)
        try:
            is_wanted = await scope.settled(partial(hold, hook.conditions, scope))
        except ConditionsFailed as error:
            told.unmet(perf_counter() - began, error.times)
            if not hook.ignores_failures:
                raise refuse(attributes, error) from None
            told.excluded()
            return False
        if not is_wanted:
            told.unmet(perf_counter() - began)
            told.excluded()
        return is_wanted

    async def ask(
        self, invocation: Invocation, attributes: Attributes, *, may_change: bool
    ) -> Verdict | None:
        """What the hook allows; None: it failed, and that is to be ignored. Raises StatusError otherwise."""
        hook, began = invocation.hook, perf_counter()
        if attributes.dry_run and not hook.can_dry_run:
            raise BadRequestError(f'admission webhook "{hook.name}" does not support dry run')

        kind = "admit" if may_change else "validating"

        def count(code: int, rejected_by: str = "") -> None:
            seconds, is_rejected = perf_counter() - began, bool(rejected_by)
            observe(hook.name, kind, attributes.operation, seconds, code=code, is_rejected=is_rejected)
            if is_rejected:
                count_rejection(hook.name, kind, attributes.operation, rejected_by, code)

        try:
            verdict = await self._call(invocation, attributes, may_change=may_change)
        except (CallError, ReviewError) as error:
            count(error.code, "" if hook.ignores_failures else BY_FAILURE)
            _ignore(hook, error)
            FAIL_OPEN.labels(hook.name, kind).inc()
            return None
        attributes.warnings += verdict.warnings
        for key, value in verdict.annotations.items():
            attributes.annotate(f"{hook.name}/{key}", value)
        if not verdict.allowed:
            refusal = denial(hook.name, verdict.status)
            count(refusal.code, BY_WEBHOOK)
            raise refusal
        count(200)
        return verdict

    async def _call(self, invocation: Invocation, attributes: Attributes, *, may_change: bool) -> Verdict:
        hook, seen, uid = invocation.hook, invocation.seen, self._new_uid()
        version = choose_version(hook.review_versions)
        objects = [
            None if each is None else await attributes.forms.shown(each, seen)
            for each in (attributes.object, attributes.old_object)
        ]
        review = new_review(version, uid, attributes, seen, *objects)
        answer = await self._caller.call(hook, review)
        return read_verdict(answer, version, uid, may_change=may_change)


def _ignore(hook: Hook, error: CallError | ReviewError) -> None:
    """Raises InternalError, if failures of the hook are not to be ignored."""
    text = f'failed calling webhook "{hook.name}": {error}'
    if not hook.ignores_failures:
        log.warning("Refused, for a webhook failed: %s", text)
        raise InternalError(text) from None
    log.warning("Went on although a webhook failed: %s", text)
