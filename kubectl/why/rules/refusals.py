"""What the API server's refusals of a pod mean: a table of its sentences, each with cause, words and fix."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

from kubectl.why import fixes
from kubectl.why.diagnosis import Cause, Fix


class Reading(NamedTuple):
    cause: Cause
    what: str
    fix: Fix


def read(message: str, namespace: str) -> Reading:
    for pattern, reader in _READERS:
        if found := pattern.search(message):
            return reader(found, namespace)
    return Reading(Cause.SPEC, message, Fix("change the template so that the API server takes its pods"))


def _quota(found: re.Match[str], namespace: str) -> Reading:
    name, requested, used, limited = found.groups()
    what = f'quota "{name}" allows {limited}; used are {used}, and {requested} more are asked for'
    show = fixes.command("describe", namespace, f"resourcequota/{name}")
    return Reading(Cause.RESOURCES, what, Fix("raise the quota or delete what uses it up", show))


def _quota_wants(found: re.Match[str], namespace: str) -> Reading:
    what = f'quota "{found[1]}" wants every container to say its {found[2]}'
    return Reading(Cause.RESOURCES, what, Fix("say so in the template, or make a LimitRange with defaults"))


def _pod_security(found: re.Match[str], namespace: str) -> Reading:
    what = f'namespace "{namespace}" enforces PodSecurity "{found[1]}", which the pod violates: {found[2]}'
    return Reading(Cause.SECURITY, what, Fix("set what is named in the template's securityContext"))


def _account(found: re.Match[str], namespace: str) -> Reading:
    what = f'ServiceAccount "{found[1]}" does not exist in namespace "{namespace}"'
    return Reading(
        Cause.DEPENDENCY, what, Fix("create it", fixes.command("create serviceaccount", namespace, found[1]))
    )


def _priority(found: re.Match[str], namespace: str) -> Reading:
    make = fixes.command("create priorityclass", "", found[1], "--value=0")
    what = f'PriorityClass "{found[1]}" does not exist'
    return Reading(Cause.DEPENDENCY, what, Fix("create it, or leave priorityClassName out", make))


def _webhook_denies(found: re.Match[str], namespace: str) -> Reading:
    return Reading(
        Cause.SECURITY, f'webhook "{found[1]}" denies it: {found[2]}', Fix("do as the webhook asks")
    )


def _webhook_fails(found: re.Match[str], namespace: str) -> Reading:
    show = "kubectl get mutatingwebhookconfigurations,validatingwebhookconfigurations"
    return Reading(
        Cause.CONTROL_PLANE,
        f'webhook "{found[1]}" does not answer: {found[2]}',
        Fix("bring the webhook's server back, or delete its configuration", show),
    )


def _limit(found: re.Match[str], namespace: str) -> Reading:
    show = fixes.command("describe limitrange", namespace)
    return Reading(Cause.RESOURCES, f"a LimitRange forbids it: {found[1]}", Fix("keep to the limits", show))


_READERS: tuple[tuple[re.Pattern[str], Callable[[re.Match[str], str], Reading]], ...] = (
    (re.compile(r"exceeded quota: ([^,]+), requested: (.+?), used: (.+?), limited: (\S+)"), _quota),
    (re.compile(r"failed quota: ([^:]+): must specify (.+)"), _quota_wants),
    (re.compile(r'violates PodSecurity "([^"]+)": (.+)'), _pod_security),
    (re.compile(r'serviceaccount "([^"]+)" not found'), _account),
    (re.compile(r"no PriorityClass with name (\S+) was found"), _priority),
    (re.compile(r'admission webhook "([^"]+)" denied the request: ?(.*)'), _webhook_denies),
    (re.compile(r'failed calling webhook "([^"]+)": ?(.*)'), _webhook_fails),
    (re.compile(r"is forbidden: \[?((?:maximum|minimum|max|min) .+)"), _limit),
)
