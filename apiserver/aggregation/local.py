"""The APIServices of what this server serves itself: one a version of a group. Pure.

Built-in ones are put right when a server starts, those of custom resources whenever definitions change.
Source: pkg/controllers/autoregister of kube-aggregator, pkg/controlplane/apiserver/aggregator.go and
pkg/controlplane/controller/crdregistration of Kubernetes 1.34.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from apimachinery.objects import Object, labels_of, name_of
from apimachinery.resource import (
    ADMISSION,
    APIEXTENSIONS,
    AUTHENTICATION,
    AUTHORIZATION,
    CERTIFICATES,
    COORDINATION,
    DISCOVERY,
    EVENTS_GROUP,
    FLOWCONTROL,
    NETWORKING,
    NODE_GROUP,
    RBAC,
    RESOURCE,
    SCHEDULING,
    STORAGE,
)

AUTOMANAGED = "kube-aggregator.kubernetes.io/automanaged"
ON_START, ALWAYS = "onstart", "true"

GroupVersion = tuple[str, str]

_GROUP_PRIORITIES = {
    "": 18000, "apps": 17800, EVENTS_GROUP: 17750, AUTHENTICATION: 17700, AUTHORIZATION: 17600,
    "autoscaling": 17500, "batch": 17400, CERTIFICATES: 17300, NETWORKING: 17200, "policy": 17100,
    RBAC: 17000, STORAGE: 16800, APIEXTENSIONS: 16700, ADMISSION: 16700, SCHEDULING: 16600,
    COORDINATION: 16500, NODE_GROUP: 16300, DISCOVERY: 16200, RESOURCE: 16200, FLOWCONTROL: 16100,
}  # fmt: skip
_VERSION_PRIORITIES = {
    ("", "v1"): 1,
    ("autoscaling", "v2"): 30,
    (FLOWCONTROL, "v1"): 21,
    (RESOURCE, "v1"): 21,
}
_VERSION_PRIORITY = 15
_CUSTOM_PRIORITY, _CUSTOM_VERSION_PRIORITY = 1000, 100


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be written; `restore` are objects as they should be."""

    create: tuple[Object, ...] = ()
    restore: tuple[Object, ...] = ()
    delete: tuple[str, ...] = ()


def service_name(group: str, version: str) -> str:
    return f"{version}.{group}"


def group_priority(group: str) -> int:
    """How early in discovery a group of our own comes."""
    return _GROUP_PRIORITIES.get(group, _CUSTOM_PRIORITY)


def built_in(versions: Iterable[GroupVersion]) -> list[Object]:
    """Of the built-in groups among these."""
    return [
        _service(
            group,
            version,
            ON_START,
            (_GROUP_PRIORITIES[group], _VERSION_PRIORITIES.get((group, version), _VERSION_PRIORITY)),
        )
        for group, version in versions
        if group in _GROUP_PRIORITIES
    ]


def custom(versions: Iterable[GroupVersion]) -> list[Object]:
    """Of custom resources."""
    priorities = (_CUSTOM_PRIORITY, _CUSTOM_VERSION_PRIORITY)
    return [_service(group, version, ALWAYS, priorities) for group, version in versions]


def _service(group: str, version: str, managed: str, priorities: tuple[int, int]) -> Object:
    of_group, of_version = priorities
    return {
        "apiVersion": "apiregistration.k8s.io/v1",
        "kind": "APIService",
        "metadata": {"name": service_name(group, version), "labels": {AUTOMANAGED: managed}},
        "spec": {
            **({"group": group} if group else {}),
            "version": version,
            "groupPriorityMinimum": of_group,
            "versionPriority": of_version,
        },
    }


def plan(wanted: Iterable[Object], seen: Mapping[str, Object], *, starting: bool) -> Plan:
    """Brings the automanaged ones in line; what somebody else has made, or claimed by its label, is his.

    Only while `starting` are built-in ones put right: later an administrator may do with them as he likes.
    """
    by_name = {name_of(each): each for each in wanted}
    managed = {ALWAYS, ON_START} if starting else {ALWAYS}
    create = [
        each for name, each in by_name.items() if name not in seen and labels_of(each)[AUTOMANAGED] in managed
    ]
    restore = [
        each
        for name, each in by_name.items()
        if labels_of(seen.get(name) or {}).get(AUTOMANAGED) in managed and seen[name]["spec"] != each["spec"]
    ]
    delete = [
        name
        for name, each in seen.items()
        if name not in by_name and labels_of(each).get(AUTOMANAGED) in managed
    ]
    return Plan(tuple(create), tuple(restore), tuple(delete))
