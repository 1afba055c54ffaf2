"""What a webhook's answer must be before anybody reads it: a review, with values of its fields' types.

Source: pkg/util/webhook/client.go of kubernetes/apiserver 0.34.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from component_base.config_shape import (
    INT32,
    INT64,
    STRING,
    ListOf,
    Struct,
    kind_problem,
    misfit_as_written,
    named,
    of_type,
)

_SCHEME = "k8s.io/apiserver/pkg/util/webhook/client.go:71"
_STATUS_KIND = ("v1", "Status")
UID = named("types.UID")
STATUS = Struct("v1.Status", {
    **of_type(STRING, "kind apiVersion status message"),
    "metadata": Struct("v1.ListMeta", {
        **of_type(STRING, "selfLink resourceVersion continue"), "remainingItemCount": INT64,
    }),
    "reason": named("v1.StatusReason"),
    "details": Struct("v1.StatusDetails", {
        **of_type(STRING, "name group kind"),
        "uid": UID,
        "causes": ListOf(Struct("v1.StatusCause", {
            "reason": named("v1.CauseType"), **of_type(STRING, "message field"),
        })),
        "retryAfterSeconds": INT32,
    }),
    "code": INT32,
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class ReviewKind:
    """A kind of review, whose group has nothing else; `shapes` are by version."""

    group: str
    kind: str
    shapes: Mapping[str, Struct]

    def problem(self, answer: Any, version: str) -> str:
        """What upstream's decoder says of an answer to a review of that version; "" if it is one.

        What is not said of version and kind is as it should be.
        """
        wanted = (f"{self.group}/{version}", self.kind)
        said = answer if isinstance(answer, dict) else {}
        found = (said.get("apiVersion") or wanted[0], said.get("kind") or wanted[1])
        shapes = {(f"{self.group}/{each}", self.kind): shape for each, shape in self.shapes.items()}
        shapes[_STATUS_KIND] = STATUS
        told = {"apiVersion": found[0], "kind": found[1]}
        if problem := kind_problem(told, *wanted, *shapes):
            return f'{problem} in scheme "{_SCHEME}"' if problem.startswith("no kind") else problem
        if problem := misfit_as_written(answer, shapes[found]):
            return problem
        if found != wanted:
            return f"converting ({shapes[found].go_type}) to ({shapes[wanted].go_type}): unknown conversion"
        return ""
