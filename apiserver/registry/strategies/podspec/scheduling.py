"""Where a pod may run: node selectors, affinity, tolerations and taints, spreading, gates."""

from __future__ import annotations

from collections.abc import Sequence

from apimachinery import names
from apimachinery.field import (
    DUPLICATE,
    Errors,
    FieldError,
    Path,
    duplicate,
    forbidden,
    invalid,
    not_supported,
    required,
)
from apimachinery.metadata import validate_label_selector
from apimachinery.objects import Object
from apiserver.registry.strategies.checks import NOT_POSITIVE, dns_label, matches, one_of, qualified_name

_REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
_PREFERRED = "preferredDuringSchedulingIgnoredDuringExecution"
_EFFECTS = ("NoSchedule", "PreferNoSchedule", "NoExecute")
_ANYTHING = 'operator must be Exists when `key` is empty, which means "match all values and all keys"'
_NO_SELECTOR = "must not be specified when labelSelector is not set"


def _node_requirement(requirement: Object, path: Path, *, check_values: bool) -> Errors:
    operator, values = requirement.get("operator") or "", requirement.get("values") or []
    at = path.child("values")
    if operator in ("In", "NotIn"):
        if not values:
            yield required(at, "must be specified when `operator` is 'In' or 'NotIn'")
    elif operator in ("Exists", "DoesNotExist"):
        if values:
            yield forbidden(at, "may not be specified when `operator` is 'Exists' or 'DoesNotExist'")
    elif operator in ("Gt", "Lt"):
        if len(values) != 1:
            yield required(at, "must be specified single value when `operator` is 'Lt' or 'Gt'")
    else:
        yield invalid(path.child("operator"), operator, "not a valid selector operator")
    yield from qualified_name(requirement.get("key") or "", path.child("key"))
    if check_values:
        for index, value in enumerate(values):
            yield from matches(value, at.index(index), names.is_label_value)


def _node_field_requirement(requirement: Object, path: Path) -> Errors:
    operator, values = requirement.get("operator") or "", requirement.get("values") or []
    if operator not in ("In", "NotIn"):
        yield invalid(path.child("operator"), operator, "not a valid selector operator")
    elif len(values) != 1:
        detail = "must be only one value when `operator` is 'In' or 'NotIn' for node field selector"
        yield required(path.child("values"), detail)
    if requirement.get("key") != "metadata.name":
        yield invalid(path.child("key"), requirement.get("key") or "", "not a valid field selector key")
        return
    for index, value in enumerate(values):
        yield from matches(value, path.child("values").index(index), names.is_dns1123_subdomain)


def _node_term(term: Object, path: Path, *, check_values: bool) -> Errors:
    for index, requirement in enumerate(term.get("matchExpressions") or ()):
        at = path.child("matchExpressions").index(index)
        yield from _node_requirement(requirement, at, check_values=check_values)
    for index, requirement in enumerate(term.get("matchFields") or ()):
        yield from _node_field_requirement(requirement, path.child("matchFields").index(index))


def validate_node_selector(selector: Object, path: Path) -> Errors:
    terms, at = selector.get("nodeSelectorTerms") or (), path.child("nodeSelectorTerms")
    if not terms:
        yield required(at, "must have at least one node selector term")
    for index, term in enumerate(terms):
        yield from _node_term(term, at.index(index), check_values=True)


def _weight(term: Object, path: Path) -> Errors:
    weight = term.get("weight") or 0
    if not 0 < weight <= 100:
        yield invalid(path.child("weight"), weight, "must be in the range 1-100")


def validate_affinity(affinity: Object, path: Path) -> Errors:
    node = affinity.get("nodeAffinity") or {}
    at = path.child("nodeAffinity")
    if node.get(_REQUIRED) is not None:
        yield from validate_node_selector(node[_REQUIRED], at.child(_REQUIRED))
    for index, term in enumerate(node.get(_PREFERRED) or ()):
        term_at = at.child(_PREFERRED).index(index)
        yield from _weight(term, term_at)
        # Values are not checked: such a preference never stopped a pod.
        yield from _node_term(term.get("preference") or {}, term_at.child("preference"), check_values=False)
    for field in ("podAffinity", "podAntiAffinity"):
        yield from _pod_affinity(affinity.get(field) or {}, path.child(field))


def _pod_affinity(affinity: Object, path: Path) -> Errors:
    for index, term in enumerate(affinity.get(_REQUIRED) or ()):
        yield from _pod_term(term, path.child(_REQUIRED).index(index))
    for index, weighted in enumerate(affinity.get(_PREFERRED) or ()):
        at = path.child(_PREFERRED).index(index)
        yield from _weight(weighted, at)
        yield from _pod_term(weighted.get("podAffinityTerm") or {}, at.child("podAffinityTerm"))


def _pod_term(term: Object, path: Path) -> Errors:
    for field in ("labelSelector", "namespaceSelector"):
        if term.get(field) is not None:
            yield from validate_label_selector(term[field], path.child(field))
    for namespace in term.get("namespaces") or ():
        yield from dns_label(namespace, path.child("namespace"))
    yield from _match_label_keys(term, path)
    key = term.get("topologyKey") or ""
    if not key:
        yield required(path.child("topologyKey"), "can not be empty")
    yield from qualified_name(key, path.child("topologyKey"))


def _match_label_keys(term: Object, path: Path) -> Errors:
    selector = term.get("labelSelector")
    for field in ("matchLabelKeys", "mismatchLabelKeys"):
        keys = term.get(field) or ()
        if keys and selector is None:
            yield forbidden(path.child(field), _NO_SELECTOR)
            continue
        for index, key in enumerate(keys):
            yield from qualified_name(key, path.child(field).index(index))
    wanted, unwanted = term.get("matchLabelKeys") or [], term.get("mismatchLabelKeys") or ()
    yield from _keys_in_selector(wanted, selector or {}, path)
    for index, key in enumerate(wanted):
        if key in unwanted:
            detail = "exists in both matchLabelKeys and mismatchLabelKeys"
            yield invalid(path.child("matchLabelKeys").index(index), key, detail)


def _keys_in_selector(keys: Sequence[str], selector: Object, path: Path) -> Errors:
    """A key may be in the selector once: that one was made from matchLabelKeys when the pod was created."""
    seen = set(selector.get("matchLabels") or ())
    for expression in selector.get("matchExpressions") or ():
        key = expression.get("key")
        if key in keys and key in seen:
            detail = "exists in both matchLabelKeys and labelSelector"
            yield invalid(path.index(list(keys).index(key)), key, detail)
        seen.add(key)


def _effect(effect: str, path: Path) -> Errors:
    if effect not in _EFFECTS:
        yield not_supported(path, effect, _EFFECTS)


def validate_tolerations(tolerations: Sequence[Object], path: Path) -> Errors:
    for index, toleration in enumerate(tolerations):
        yield from _toleration(toleration, path.index(index))


def _toleration(toleration: Object, path: Path) -> Errors:
    key, operator = toleration.get("key") or "", toleration.get("operator") or ""
    value, effect = toleration.get("value") or "", toleration.get("effect") or ""
    if key:
        yield from qualified_name(key, path.child("key"))
    elif operator != "Exists":
        yield invalid(path.child("operator"), operator, _ANYTHING)
    if toleration.get("tolerationSeconds") is not None and effect != "NoExecute":
        detail = "effect must be 'NoExecute' when `tolerationSeconds` is set"
        yield invalid(path.child("effect"), effect, detail)
    at = path.child("operator")
    if operator in ("Equal", ""):
        if wrong := names.is_label_value(value):
            yield invalid(at, value, ";".join(wrong))
    elif operator != "Exists":
        yield not_supported(at, operator, ("Equal", "Exists"))
    elif value:
        yield invalid(at, value, "value must be empty when `operator` is 'Exists'")
    if effect:
        yield from _effect(effect, path.child("effect"))


def validate_taints(taints: Sequence[Object], path: Path) -> Errors:
    seen: set[tuple[str, str]] = set()
    for index, taint in enumerate(taints):
        at, effect = path.index(index), taint.get("effect") or ""
        yield from qualified_name(taint.get("key") or "", at.child("key"))
        if wrong := names.is_label_value(taint.get("value") or ""):
            yield invalid(at.child("value"), taint.get("value"), ";".join(wrong))
        if not effect:
            yield required(at.child("effect"))
        else:
            yield from _effect(effect, at.child("effect"))
        pair = (effect, taint.get("key") or "")
        if pair in seen:
            yield FieldError(DUPLICATE, str(at), taint, "taints must be unique by key and effect pair")
        seen.add(pair)


def validate_spread_constraints(constraints: Sequence[Object], path: Path) -> Errors:
    actions = ("DoNotSchedule", "ScheduleAnyway")
    for index, constraint in enumerate(constraints):
        at, action = path.index(index), constraint.get("whenUnsatisfiable") or ""
        key = constraint.get("topologyKey") or ""
        if (constraint.get("maxSkew") or 0) <= 0:
            yield invalid(at.child("maxSkew"), constraint.get("maxSkew") or 0, NOT_POSITIVE)
        if not key:
            yield required(at.child("topologyKey"), "can not be empty")
        if action not in actions:
            yield not_supported(at.child("whenUnsatisfiable"), action, actions)
        for later in constraints[index + 1 :]:
            if (later.get("topologyKey") or "", later.get("whenUnsatisfiable") or "") == (key, action):
                yield duplicate(at.child("{topologyKey, whenUnsatisfiable}"), f"{{{key}, {action}}}")
                break
        yield from _min_domains(constraint.get("minDomains"), action, at.child("minDomains"))
        for field in ("nodeAffinityPolicy", "nodeTaintsPolicy"):
            yield from one_of(constraint.get(field), at.child(field), ("Honor", "Ignore"), optional=True)
        yield from _spread_label_keys(constraint, at.child("matchLabelKeys"))
        if constraint.get("labelSelector") is not None:
            yield from validate_label_selector(constraint["labelSelector"], at.child("labelSelector"))


def _min_domains(minimum: int | None, action: str, path: Path) -> Errors:
    if minimum is None:
        return
    if minimum <= 0:
        yield invalid(path, minimum, NOT_POSITIVE)
    if action != "DoNotSchedule":
        detail = f"can only use minDomains if whenUnsatisfiable=DoNotSchedule, not {action}"
        yield invalid(path, minimum, detail)


def _spread_label_keys(constraint: Object, path: Path) -> Errors:
    keys, selector = constraint.get("matchLabelKeys") or [], constraint.get("labelSelector")
    if keys and selector is None:
        yield forbidden(path, _NO_SELECTOR)
    for index, key in enumerate(keys):
        yield from qualified_name(key, path.index(index))
        if key in ((selector or {}).get("matchLabels") or ()):
            yield invalid(path.index(index), key, "exists in both matchLabelKeys and labelSelector")
    yield from _keys_in_selector(keys, selector or {}, path)


def validate_gates(gates: Sequence[Object], path: Path) -> Errors:
    seen: set[str] = set()
    for index, gate in enumerate(gates):
        name = gate.get("name") or ""
        yield from qualified_name(name, path.index(index))
        if name in seen:
            yield duplicate(path.index(index), name)
        seen.add(name)
