"""What a CustomResourceDefinition's status is to say: the names it gets, and its conditions. Pure.

Source: pkg/controller/{status,establish,nonstructuralschema,apiapproval} of k8s.io/apiextensions-apiserver.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from apimachinery import conditions
from apimachinery.field import Path
from apimachinery.objects import Object, annotations_of, get_path
from apiserver.customresources.approval import APPROVED_ANNOTATION, approval_of, is_protected
from apiserver.customresources.definition import (
    API_APPROVED,
    ESTABLISHED,
    NAMES_ACCEPTED,
    NON_STRUCTURAL,
    schema_of,
    versions,
)
from apiserver.customresources.schema.structure import structural_errors

_ESTABLISHED = {
    "type": ESTABLISHED, "status": "True", "reason": "InitialNamesAccepted",
    "message": "the initial names have been accepted",
}  # fmt: skip
_NOT_ESTABLISHED = {
    "type": ESTABLISHED, "status": "False", "reason": "NotAccepted", "message": "not all names are accepted",
}  # fmt: skip


def claim_of(definition: Object) -> Object:
    """As much of a definition as others must know: which names it has been given."""
    names = get_path(definition, "status.acceptedNames") or {}
    return {"spec": {"group": definition["spec"]["group"]}, "status": {"acceptedNames": names}}


def plan_status(definition: Object, others: Iterable[Object], now: str) -> Object:
    """The status of a definition beside the claims of others; `now` is for what changes."""
    status: Object = {**(definition.get("status") or {})}
    group = definition["spec"]["group"]
    rivals = [each for each in others if each["spec"]["group"] == group]
    names, accepted = _names(definition["spec"]["names"], status.get("acceptedNames") or {}, rivals)
    found = [dict(each) for each in status.get("conditions") or ()]
    conditions.set_condition(found, accepted, now)
    if accepted["status"] == "True":
        conditions.set_condition(found, _ESTABLISHED, now)
    elif conditions.condition_of(definition, ESTABLISHED) is None:
        conditions.set_condition(found, _NOT_ESTABLISHED, now)
    for kind, wanted in ((NON_STRUCTURAL, _structure(definition)), (API_APPROVED, _approval(definition))):
        if wanted is not None:
            conditions.set_condition(found, wanted, now)
        elif kind == NON_STRUCTURAL:
            found = [each for each in found if each.get("type") != kind]
    return {**status, "conditions": found, "acceptedNames": names}


def _names(wanted: Object, accepted: Object, rivals: Iterable[Object]) -> tuple[Object, Object]:
    """The names that can be had, and the condition that tells about them; the last conflict is the reason."""
    resources, kinds = _taken(rivals)
    names, reason, message = dict(accepted), "", ""
    for field, taken in (("plural", resources), ("singular", resources)):
        if _is_free(wanted.get(field), accepted.get(field), taken):
            _give(names, field, wanted.get(field))
        else:
            reason, message = f"{field.title()}Conflict", _in_use(wanted[field])
    own = accepted.get("shortNames") or ()
    clashes = [each for each in wanted.get("shortNames") or () if each not in own and each in resources]
    if clashes:
        reason, message = "ShortNamesConflict", _aggregate([_in_use(each) for each in clashes])
    else:
        _give(names, "shortNames", wanted.get("shortNames"))
    for field in ("kind", "listKind"):
        if _is_free(wanted.get(field), accepted.get(field), kinds):
            _give(names, field, wanted.get(field))
        else:
            reason, message = f"{field[0].upper()}{field[1:]}Conflict", _in_use(wanted[field])
    _give(names, "categories", wanted.get("categories"))
    if reason:
        return names, {"type": NAMES_ACCEPTED, "status": "False", "reason": reason, "message": message}
    return names, {
        "type": NAMES_ACCEPTED, "status": "True", "reason": "NoConflicts", "message": "no conflicts found",
    }  # fmt: skip


def _taken(rivals: Iterable[Object]) -> tuple[set[str], set[str]]:
    """The resource names and the kinds that others have been given."""
    resources: set[str] = set()
    kinds: set[str] = set()
    for rival in rivals:
        names: Any = get_path(rival, "status.acceptedNames") or {}
        resources |= {names.get("plural"), names.get("singular"), *(names.get("shortNames") or ())}
        kinds |= {names.get("kind"), names.get("listKind")}
    return resources - {None, ""}, kinds - {None, ""}


def _is_free(wanted: Any, accepted: Any, taken: set[str]) -> bool:
    return wanted == accepted or wanted not in taken


def _give(names: Object, field: str, value: Any) -> None:
    if value:
        names[field] = value
    elif field not in ("plural", "kind"):  # these are written even if they are empty
        names.pop(field, None)


def _in_use(name: str) -> str:
    return f'"{name}" is already in use'


def _aggregate(messages: list[str]) -> str:
    return messages[0] if len(messages) == 1 else f"[{', '.join(messages)}]"


def _structure(definition: Object) -> Object | None:
    """NonStructuralSchema, for definitions from before schemas had to be structural."""
    errors = []
    if definition["spec"].get("preserveUnknownFields"):
        errors.append("spec.preserveUnknownFields: Invalid value: true: must be false")
    for index, version in enumerate(versions(definition)):
        path = Path("spec", "versions").index(index).child("schema", "openAPIV3Schema")
        if schema := schema_of(version):
            errors += [str(each) for each in structural_errors(schema, path)]
    if not errors:
        return None
    message = _aggregate(list(dict.fromkeys(errors)))
    return {"type": NON_STRUCTURAL, "status": "True", "reason": "Violations", "message": message}


_APPROVAL = {
    "invalid": ("False", "InvalidAnnotation"),
    "missing": ("False", "MissingAnnotation"),
    "approved": ("True", "ApprovedAnnotation"),
    "bypassed": ("False", "UnapprovedAnnotation"),
}


def _approval(definition: Object) -> Object | None:
    """Whether a group of the community's has been approved by it; None for all other groups."""
    if not is_protected(definition["spec"]["group"]):
        return None
    state, message = approval_of(annotations_of(definition).get(APPROVED_ANNOTATION))
    status, reason = _APPROVAL[state]
    return {"type": API_APPROVED, "status": status, "reason": reason, "message": message}
