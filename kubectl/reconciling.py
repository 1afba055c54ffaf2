"""What a role or a binding lacks, or has too much of, and the object that mends it. Pure.

Source: k8s.io/component-helpers/auth/rbac/reconciliation.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import NamedTuple

from apimachinery.objects import Object, annotations_of, get_path
from apimachinery.policy_rules import Rule, uncovered
from apimachinery.well_known import RBAC_AUTOUPDATE

_SUBJECT = ("kind", "apiGroup", "name", "namespace")


class Operation(StrEnum):
    NONE = "none"
    CREATE = "create"
    UPDATE = "update"
    RECREATE = "recreate"


class Reconciliation(NamedTuple):
    """The object as it is to be, what has to be done for it, and what differed.

    `missing` and `extra` are rules of a role or subjects of a binding. What is protected stays as it is.
    """

    obj: Object
    operation: Operation = Operation.NONE
    missing: Sequence[Object] = ()
    extra: Sequence[Object] = ()
    protected: bool = False


def plan(existing: Object | None, wanted: Object, *, remove_extra: bool) -> Reconciliation:
    """Adds what is missing; takes away what is too much only if that is asked for."""
    key = "subjects" if "roleRef" in wanted else "rules"
    if existing is None:
        return Reconciliation(wanted, Operation.CREATE, wanted.get(key) or [])
    protected = annotations_of(existing).get(RBAC_AUTOUPDATE) == "false"
    if existing.get("roleRef") != wanted.get("roleRef"):
        return Reconciliation(wanted, Operation.RECREATE, protected=protected)
    missing, extra = _differences(key, existing, wanted)
    result = {**existing, "metadata": _merged_metadata(existing, wanted)}
    if not remove_extra and missing:
        result[key] = [*(existing.get(key) or []), *missing]
    elif missing or (remove_extra and extra):
        result[key] = wanted.get(key) or []
    result |= _aggregation(existing, wanted, remove_extra=remove_extra)
    if "aggregationRule" in result and result["aggregationRule"] is None:
        del result["aggregationRule"]
    operation = Operation.UPDATE if result != existing else Operation.NONE
    return Reconciliation(result, operation, missing, extra, protected)


def _differences(key: str, existing: Object, wanted: Object) -> tuple[list[Object], list[Object]]:
    """What only the wanted object has, and what only the existing one."""
    has, wants = existing.get(key) or [], wanted.get(key) or []
    if key == "subjects":
        return _others(wants, has), _others(has, wants)
    both_aggregate = "aggregationRule" in existing and "aggregationRule" in wanted
    return _uncovered(has, wants), [] if both_aggregate else _uncovered(wants, has)


def _uncovered(owned: Sequence[Object], wanted: Sequence[Object]) -> list[Object]:
    parts = uncovered([Rule.parse(each) for each in owned], [Rule.parse(each) for each in wanted])
    return [part.to_object() for part in parts]


def _others(subjects: Sequence[Object], known: Sequence[Object]) -> list[Object]:
    seen = {_subject(each) for each in known}
    new = {_subject(each): each for each in reversed(subjects) if _subject(each) not in seen}
    return list(reversed(new.values()))


def _subject(raw: Object) -> tuple[str, ...]:
    return tuple(raw.get(key) or "" for key in _SUBJECT)


def _merged_metadata(existing: Object, wanted: Object) -> Object:
    """Labels and annotations of both; the existing ones win."""
    metadata = dict(existing["metadata"])
    for key in ("annotations", "labels"):
        if added := (wanted["metadata"].get(key) or {}):
            metadata[key] = {**added, **(metadata.get(key) or {})}
    return metadata


def _aggregation(existing: Object, wanted: Object, *, remove_extra: bool) -> Object:
    """The aggregationRule where it changes; None takes it away."""
    has = get_path(existing, "aggregationRule.clusterRoleSelectors", [])
    wants = get_path(wanted, "aggregationRule.clusterRoleSelectors", [])
    missing = [each for each in wants if each not in has]
    extra = [each for each in has if each not in wants]
    if "aggregationRule" not in wanted:
        return {"aggregationRule": None} if "aggregationRule" in existing else {}
    if not remove_extra and missing:
        return {"aggregationRule": {"clusterRoleSelectors": [*has, *missing]}}
    return {"aggregationRule": wanted["aggregationRule"]} if remove_extra and (missing or extra) else {}


def report(done: Reconciliation, *, remove_extra: bool) -> str:
    """The lines that say what was done; empty if nothing had to be."""
    if done.operation is Operation.NONE:
        return ""
    opted_out = f", but object opted out ({RBAC_AUTOUPDATE}: false)" if done.protected else ""
    what = "subjects" if "roleRef" in done.obj else "rules"
    show = _shown_subject if what == "subjects" else _shown_rule
    lines = [f"\treconciliation required {done.operation}{opted_out}"]
    if done.missing:
        lines += [f"\tmissing {what} added:", *(f"\t\t{show(each)}" for each in done.missing)]
    if remove_extra and done.extra:
        lines += [f"\textra {what} removed:", *(f"\t\t{show(each)}" for each in done.extra)]
    return "".join(f"{line}\n" for line in lines)


def _shown_subject(raw: Object) -> str:
    """As Go prints the struct."""
    names = ("Kind", "APIGroup", "Name", "Namespace")
    return f"{{{' '.join(f'{name}:{value}' for name, value in zip(names, _subject(raw), strict=True))}}}"


def _shown_rule(raw: Object) -> str:
    keys = ("verbs", "apiGroups", "resources", "resourceNames", "nonResourceURLs")
    names = ("Verbs", "APIGroups", "Resources", "ResourceNames", "NonResourceURLs")
    lists = (f"{name}:[{' '.join(raw.get(key) or ())}]" for name, key in zip(names, keys, strict=True))
    return f"{{{' '.join(lists)}}}"
