"""Decisions in which extenders have a say: each of them after the plugins, one after the other."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace

from scheduler.extender import Extender, ExtenderError
from scheduler.framework.fit_error import FitError
from scheduler.framework.profile import Profile
from scheduler.pod_info import PodInfo
from scheduler.preemption import Candidate, PreemptionPlan, pick_one
from scheduler.selection import Feasible, Rejected, Selected, Selector

log = logging.getLogger(__name__)


async def select_with(
    extenders: Sequence[Extender], selector: Selector, pod: PodInfo, profile: Profile
) -> Selected | Rejected:
    """Raises ExtenderError when one that matters fails."""
    nominated = selector.feasible(pod, profile, nominated=True)
    if isinstance(nominated, Feasible):
        left = await _filter(extenders, pod, nominated)
        if left.nodes:
            return selector.best(pod, profile, left, {})
    found = selector.feasible(pod, profile, nominated=False)
    if not isinstance(found, Feasible):
        assert found is not None, "only a nominated node may not be there"
        return found
    left = await _filter(extenders, pod, found)
    if not left.nodes:
        error = FitError(selector.node_count, left.verdicts, absent=left.absent, by_extenders=True)
        return Rejected(error, left.states)
    scores = await _scores(extenders, pod, [node.name for node in left.nodes])
    return selector.best(pod, profile, left, scores)


async def _filter(extenders: Sequence[Extender], pod: PodInfo, feasible: Feasible) -> Feasible:
    """What they leave of the nodes, maybe none."""
    nodes, verdicts = feasible.nodes, dict(feasible.verdicts)
    for extender in extenders:
        if not nodes or not extender.filters:
            continue
        try:
            found = await extender.filter(pod, [node.name for node in nodes])
        except ExtenderError as error:
            if not extender.is_ignorable:
                raise
            log.info("Skipped an extender that failed: extender=%s err=%s", extender.url, error)
            continue
        nodes = [node for node in nodes if node.name in found.names]
        verdicts |= found.verdicts
    return replace(feasible, nodes=nodes, verdicts=verdicts)


async def _scores(
    extenders: Sequence[Extender], pod: PodInfo, names: Sequence[str]
) -> Mapping[str, Mapping[str, int]]:
    """extender -> node -> score; one that fails has no say."""
    asked = [each for each in extenders if each.scores] if len(names) > 1 else []
    answers = await asyncio.gather(*(_score(each, pod, names) for each in asked))
    return {extender.url: scores for extender, scores in zip(asked, answers, strict=True)}


async def _score(extender: Extender, pod: PodInfo, names: Sequence[str]) -> Mapping[str, int]:
    try:
        return await extender.prioritize(pod, names)
    except ExtenderError as error:
        log.info("Got no scores of an extender: extender=%s err=%s", extender.url, error)
        return {}


async def preempt_with(
    extenders: Sequence[Extender],
    pod: PodInfo,
    candidates: Sequence[Candidate],
    pods: Mapping[str, PodInfo],
) -> PreemptionPlan:
    """The best of the candidates that all of them leave. `pods`: by uid, those that may be victims."""
    for extender in extenders:
        if not candidates or not extender.preempts:
            continue
        try:
            candidates = await extender.preempt(pod, candidates, pods)
        except ExtenderError as error:
            if not extender.is_ignorable:
                return PreemptionPlan(message=f"preemption: {error}", keeps_nomination=True)
            log.info("Skipped an extender that failed: extender=%s err=%s", extender.url, error)
    if not candidates:
        return PreemptionPlan(message="preemption: no candidate node for preemption", keeps_nomination=True)
    return PreemptionPlan(pick_one(candidates))


async def bind_with(extenders: Sequence[Extender], pod: PodInfo) -> bool:
    """Whether one of them has bound the pod to its node. Raises ExtenderError."""
    for extender in extenders:
        if not extender.binds:
            continue
        try:
            await extender.bind(pod, pod.node_name)
        except ExtenderError as error:
            if not extender.is_ignorable:
                raise
            log.info("Skipped an extender that failed: extender=%s err=%s", extender.url, error)
            continue
        return True
    return False
