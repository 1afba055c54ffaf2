"""Fields by path, and the objects that have them.

A path such as `spec/template/metadata/labels` leads through lists to every item; `containers[]` says that the
list itself is never made.
Source: sigs.k8s.io/kustomize/api/filters/fieldspec, api/internal/konfig/builtinpluginconsts.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from apimachinery.objects import Object
from kubectl.failures import CommandError
from kubectl.kustomize.resource import Id

TEMPLATE = "spec/template"
WORKLOADS = ("Deployment", "ReplicaSet", "DaemonSet", "StatefulSet")


class Field(NamedTuple):
    """A path in objects of some kind; what is empty is anything. With `create` it is made if missing."""

    path: str
    kind: str = ""
    group: str = ""
    version: str = ""
    create: bool = False

    def is_in(self, id: Id) -> bool:
        return id.is_of(self.kind, self.group, self.version)


def _of_templates(what: str) -> list[Field]:
    """metadata/`what` of an object and of each template inside it."""
    return [
        Field(f"metadata/{what}", create=True),
        Field(f"{TEMPLATE}/metadata/{what}", "ReplicationController", version="v1", create=True),
        *(Field(f"{TEMPLATE}/metadata/{what}", kind, create=True) for kind in WORKLOADS),
        Field(f"{TEMPLATE}/metadata/{what}", "Job", "batch", create=True),
        Field(f"spec/jobTemplate/metadata/{what}", "CronJob", "batch", create=True),
        Field(f"spec/jobTemplate/{TEMPLATE}/metadata/{what}", "CronJob", "batch", create=True),
    ]


ANNOTATIONS = _of_templates("annotations")
TEMPLATE_LABELS = [
    *_of_templates("labels"),
    Field("spec/volumeClaimTemplates[]/metadata/labels", "StatefulSet", "apps", create=True),
]
OWN_LABELS = [Field("metadata/labels", create=True)]
_AFFINITY = [
    f"{TEMPLATE}/spec/affinity/{which}/{when}labelSelector/matchLabels"
    for which in ("podAffinity", "podAntiAffinity")
    for when in (
        "preferredDuringSchedulingIgnoredDuringExecution/podAffinityTerm/",
        "requiredDuringSchedulingIgnoredDuringExecution/",
    )
]
_SPREAD = f"{TEMPLATE}/spec/topologySpreadConstraints/labelSelector/matchLabels"
_MATCH = "spec/selector/matchLabels"
SELECTORS = [
    Field("spec/selector", "Service", version="v1", create=True),
    Field("spec/selector", "ReplicationController", version="v1", create=True),
    *(Field(_MATCH, kind, create=True) for kind in ("Deployment", "ReplicaSet", "DaemonSet")),
    Field(_MATCH, "StatefulSet", "apps", create=True),
    *(Field(path, kind, "apps") for kind in ("Deployment", "StatefulSet") for path in [*_AFFINITY, _SPREAD]),
    Field(_MATCH, "Job", "batch"),
    Field("spec/jobTemplate/spec/selector/matchLabels", "CronJob", "batch"),
    Field(_MATCH, "PodDisruptionBudget", "policy"),
    *(
        Field(f"spec/{path}podSelector/matchLabels", "NetworkPolicy", "networking.k8s.io")
        for path in ("", "ingress/from/", "egress/to/")
    ),
]
LABELS = [*SELECTORS, *TEMPLATE_LABELS]
NAMESPACES = [
    Field("metadata/name", "Namespace", version="v1", create=True),
    Field("spec/service/namespace", "APIService", "apiregistration.k8s.io", create=True),
    Field(
        "spec/conversion/webhook/clientConfig/service/namespace",
        "CustomResourceDefinition",
        "apiextensions.k8s.io",
    ),
]
REPLICAS = [
    Field("spec/replicas", kind, create=True)
    for kind in ("Deployment", "StatefulSet", "ReplicaSet", "ReplicationController")
]

Change = Callable[[Any], Any]
"""From the value of a field (None: not there) to its new one."""


def change(obj: Object, fields: Iterable[Field], id: Id, new: Change) -> None:
    """Changes every field that the object has, or that is to be made. Raises CommandError."""
    for field in fields:
        if field.is_in(id):
            steps = [step.replace("\\/", "/") for step in re.split(r"(?<!\\)/", field.path)]
            _walk(obj, steps, new, field.create)


def _walk(node: Any, steps: list[str], new: Change, create: bool) -> None:
    if isinstance(node, list):
        for item in node:
            _walk(item, steps, new, create)
        return
    if node is None:
        return
    if not isinstance(node, dict):
        raise CommandError("expected sequence or mapping node")
    name, is_list = steps[0].removesuffix("[]"), steps[0].endswith("[]")
    may_create = create and not is_list
    if len(steps) == 1:
        if node.get(name) is not None or may_create:
            node[name] = new(node.get(name))
        return
    if node.get(name) is None and may_create:
        node[name] = {}
    _walk(node.get(name), steps[1:], new, create)
