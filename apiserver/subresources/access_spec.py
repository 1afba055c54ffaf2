"""The spec of a SubjectAccessReview: what is wrong with it, and the question that it asks.

Source: pkg/apis/authorization/validation/validation.go and pkg/registry/authorization/util/helpers.go of
Kubernetes 1.34.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from apimachinery.field import ErrorList, FieldError, Path, forbidden, invalid, not_supported, required
from apimachinery.metadata import validate_label_selector_requirement
from apimachinery.objects import Object, get_path
from apiserver.auth.attributes import Attributes, Requirements, field_requirements, label_requirements
from apiserver.request import UserInfo

_SPEC = Path("spec")
_OPERATORS = ("In", "NotIn", "Exists", "DoesNotExist")


def check_access_spec(spec: Object, *, is_self: bool, namespace: str) -> ErrorList:
    """Every error of a question; `namespace` is that of a LocalSubjectAccessReview's URL."""
    errors: ErrorList = []
    resource, path = spec.get("resourceAttributes"), spec.get("nonResourceAttributes")
    if resource is not None and path is not None:
        text = "cannot specify nonResourceAttributes in combination with resourceAttributes"
        errors.append(invalid(_SPEC.child("nonResourceAttributes"), path, text))
    if resource is None and path is None:
        text = "exactly one of nonResourceAttributes or resourceAttributes must be specified"
        errors.append(invalid(_SPEC.child("resourceAttributes"), resource, text))
    if not is_self and not spec.get("user") and not spec.get("groups"):
        errors.append(invalid(_SPEC.child("user"), "", "at least one of user or group must be specified"))
    for name, check in _REQUIREMENTS.items():
        selector = get_path(spec, f"resourceAttributes.{name}")
        if selector is not None:
            errors += _check_selector(selector, _SPEC.child("resourceAttributes").child(name), check)
    if namespace:
        errors += _check_local(spec, namespace)
    return errors


def _check_local(spec: Object, namespace: str) -> ErrorList:
    asked = get_path(spec, "resourceAttributes.namespace", "")
    if spec.get("nonResourceAttributes") is not None:
        place = _SPEC.child("nonResourceAttributes")
        return [invalid(place, spec["nonResourceAttributes"], "disallowed on this kind of request")]
    if asked != namespace:
        place = _SPEC.child("resourceAttributes").child("namespace")
        return [invalid(place, asked, "must match metadata.namespace")]
    return []


def _check_selector(
    selector: Object, path: Path, check: Callable[[Object, Path], Iterable[FieldError]]
) -> Iterator[FieldError]:
    raw, requirements = selector.get("rawSelector") or "", selector.get("requirements") or []
    at = path.child("requirements")
    if raw and requirements:
        yield invalid(path.child("rawSelector"), raw, "may not specified at the same time as requirements")
    if not raw and not requirements:
        yield required(at, f"when {path} is specified, requirements or rawSelector is required")
    for index, each in enumerate(requirements):
        yield from check(each, at.index(index))


def _check_field_requirement(requirement: Object, path: Path) -> Iterator[FieldError]:
    operator, values = requirement.get("operator") or "", requirement.get("values") or []
    if not requirement.get("key"):
        yield required(path.child("key"), "must be specified")
    if operator in ("In", "NotIn") and not values:
        yield required(path.child("values"), "must be specified when `operator` is 'In' or 'NotIn'")
    elif operator in ("Exists", "DoesNotExist") and values:
        text = "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"
        yield forbidden(path.child("values"), text)
    elif operator not in _OPERATORS:
        yield not_supported(path.child("operator"), operator, _OPERATORS)


_REQUIREMENTS: dict[str, Callable[[Object, Path], Iterable[FieldError]]] = {
    "fieldSelector": _check_field_requirement,
    "labelSelector": validate_label_selector_requirement,
}


def user_of(spec: Object) -> UserInfo:
    extra = {key.lower(): tuple(values) for key, values in (spec.get("extra") or {}).items()}
    return UserInfo(spec.get("user") or "", spec.get("uid") or "", tuple(spec.get("groups") or ()), extra)


def attributes_of(user: UserInfo, spec: Object) -> Attributes:
    """The question of a spec that is good."""
    path = spec.get("nonResourceAttributes")
    if path is not None:
        return Attributes(user, path.get("verb", ""), path=path.get("path", ""))
    asked = spec["resourceAttributes"]

    def said(key: str) -> str:
        return asked.get(key) or ""

    def raw(selector: Object) -> str:
        return selector.get("rawSelector") or ""

    fields, labels = asked.get("fieldSelector") or {}, asked.get("labelSelector") or {}
    return Attributes(
        user, said("verb"), said("namespace"), said("group"), said("version"), said("resource"),
        said("subresource"), said("name"), is_resource=True,
        field_selector=_narrowing(fields.get("requirements")) or field_requirements(raw(fields)),
        label_selector=labels.get("requirements") or label_requirements(raw(labels)),
    )  # fmt: skip


def _narrowing(requirements: Requirements | None) -> Requirements:
    """Field selectors know one value only; a requirement that is left out makes the question no narrower."""
    return tuple(
        each
        for each in requirements or ()
        if each.get("operator") in ("In", "NotIn") and len(each.get("values") or ()) == 1
    )
