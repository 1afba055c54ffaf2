"""Which pods of a node `drain` removes, and what it says about the others.

Source: k8s.io/kubectl/pkg/drain/filters.go.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, NamedTuple

from apimachinery.objects import Object, annotations_of, controller_of, get_path, key_of
from apimachinery.pods import is_terminal
from apimachinery.well_known import MIRROR_POD
from kubectl.arguments import Flag


class Rules(NamedTuple):
    """The flags that let go what would be kept."""

    ignore_daemonsets: Annotated[
        bool, Flag("--ignore-daemonsets", help="Leave the pods of DaemonSets where they are.")
    ] = False
    delete_empty_dir: Annotated[
        bool, Flag("--delete-emptydir-data", help="Also pods whose emptyDirs will be lost.")
    ] = False
    force: Annotated[bool, Flag("--force", help="Also pods that nothing would bring back.")] = False


class Plan(NamedTuple):
    """The pods to remove; warnings and refusals, each with the pods that they are about."""

    remove: list[Object]
    warnings: dict[str, list[str]]
    refusals: dict[str, list[str]]

    @property
    def warning(self) -> str:
        return "; ".join(f"{what}: {', '.join(pods)}" for what, pods in self.warnings.items())

    @property
    def refusal(self) -> str:
        texts = [f"cannot delete {what}: {', '.join(pods)}" for what, pods in self.refusals.items()]
        return texts[0] if len(texts) == 1 else f"[{', '.join(texts)}]"


def plan(pods: Sequence[Object], rules: Rules) -> Plan:
    """What is to be done if nothing is refused."""
    result = Plan([], {}, {})
    for pod in pods:
        if MIRROR_POD in annotations_of(pod):
            continue
        name = str(key_of(pod))
        warnings, refusal, removed = _judge(pod, rules)
        for warning in warnings:
            result.warnings.setdefault(warning, []).append(name)
        if refusal:
            result.refusals.setdefault(refusal, []).append(name)
        elif removed:
            result.remove.append(pod)
    return result


def _judge(pod: Object, rules: Rules) -> tuple[list[str], str, bool]:
    """Warnings, a refusal if there is one, and whether the pod goes."""
    if is_terminal(pod):
        return [], "", True
    if (controller_of(pod) or {}).get("kind") == "DaemonSet":
        if not rules.ignore_daemonsets:
            return [], "DaemonSet-managed Pods (use --ignore-daemonsets to ignore)", False
        return ["ignoring DaemonSet-managed Pods"], "", False
    warnings = []
    if any("emptyDir" in each for each in get_path(pod, "spec.volumes") or ()):
        if not rules.delete_empty_dir:
            return [], "Pods with local storage (use --delete-emptydir-data to override)", False
        warnings.append("deleting Pods with local storage")
    if controller_of(pod) is None:
        if not rules.force:
            # The words come twice with kubectl, too.
            return [], "cannot delete Pods that declare no controller (use --force to override)", False
        warnings.append("deleting Pods that declare no controller")
    return warnings, "", True
