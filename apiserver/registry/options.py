"""What the query (and a DELETE's body) of a request says, parsed and checked once.

Upstream: the meta/v1 *Options kinds and their validation.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, TypeVar

from apimachinery.errors import BadRequestError, InvalidError
from apimachinery.field import ErrorList, Path, forbidden, invalid, not_supported, required
from apimachinery.fields import FieldRequirement, FieldSelector, FieldSelectorError, parse_field_selector
from apimachinery.labels import Selector, SelectorError, parse_selector
from apimachinery.metadata import validate_field_manager
from apimachinery.objects import Object
from apiserver.request import is_set, is_true

_T = TypeVar("_T")
Query = Mapping[str, Sequence[str]]
FieldValidation = Literal["Ignore", "Warn", "Strict"]

EXACT, NOT_OLDER_THAN = "Exact", "NotOlderThan"
_INTEGER = re.compile(r"[+-]?[0-9]{1,100}")
_FIELD_VALIDATIONS = ("", "Ignore", "Strict", "Warn")
_PROPAGATION = ("Foreground", "Background", "Orphan")


@dataclass(frozen=True, slots=True)
class WriteOptions:
    """CreateOptions, UpdateOptions, PatchOptions."""

    dry_run: bool = False
    field_manager: str = ""
    field_validation: FieldValidation = "Warn"
    force: bool = False
    """Of an apply: take what others manage."""

    def as_object(self, kind: str) -> Object:
        """What admission is told."""
        options: Object = {"kind": kind, "apiVersion": "meta.k8s.io/v1"}
        if self.dry_run:
            options["dryRun"] = ["All"]
        if self.field_manager:
            options["fieldManager"] = self.field_manager
        return options


_DEFAULT = WriteOptions()


@dataclass(frozen=True, slots=True)
class DeleteOptions:
    dry_run: bool = False
    grace_period: int | None = None
    propagation_policy: str = ""
    orphan_dependents: bool | None = None
    uid: str | None = None
    resource_version: str | None = None

    def as_object(self) -> Object:
        options: Object = {"kind": "DeleteOptions", "apiVersion": "meta.k8s.io/v1"}
        if self.dry_run:
            options["dryRun"] = ["All"]
        if self.grace_period is not None:
            options["gracePeriodSeconds"] = self.grace_period
        if self.propagation_policy:
            options["propagationPolicy"] = self.propagation_policy
        return options


@dataclass(frozen=True, slots=True)
class ListOptions:
    labels: Selector = field(default_factory=Selector)
    fields: FieldSelector = field(default_factory=FieldSelector)
    limit: int = 0
    continue_: str = ""
    resource_version: str = ""
    match: str = ""
    watch: bool = False
    bookmarks: bool = False
    send_initial_events: bool | None = None
    timeout_seconds: int | None = None

    @property
    def selects_all(self) -> bool:
        return self.labels.is_empty and self.fields.is_empty

    @property
    def without_selectors(self) -> ListOptions:
        return replace(self, labels=Selector(), fields=FieldSelector())

    def for_name(self, name: str) -> ListOptions:
        """The same, of one object."""
        requirement = FieldRequirement("metadata.name", "=", name)
        return replace(self, fields=FieldSelector((*self.fields.requirements, requirement)))


def parse_write_options(query: Query, kind: str, *, apply: bool = False) -> WriteOptions:
    """`kind` is CreateOptions, UpdateOptions or PatchOptions; `apply`: of a patch that is one.

    Raises InvalidError.
    """
    if not query and not apply:
        return _DEFAULT
    manager, validation = _first(query, "fieldManager"), _first(query, "fieldValidation")
    errors: ErrorList = []
    if kind == "PatchOptions" and "force" in query and not apply:
        errors.append(forbidden(Path("force"), "may not be specified for non-apply patch"))
    if apply and not manager:
        errors.append(required(Path("fieldManager"), "is required for apply patch"))
    errors += [*validate_field_manager(manager, Path("fieldManager")), *_check_dry_run(query)]
    if validation not in _FIELD_VALIDATIONS:
        errors.append(not_supported(Path("fieldValidation"), validation, _FIELD_VALIDATIONS))
    _refuse(kind, errors)
    return WriteOptions(
        dry_run="dryRun" in query,
        field_manager=manager,
        field_validation=validation or "Warn",  # type: ignore[arg-type]  # checked above
        force=is_set(query, "force"),
    )


def parse_delete_options(query: Query, body: Object | None) -> DeleteOptions:
    """From the body if there is one, else from the query. Raises InvalidError, BadRequestError."""
    source = _delete_query_as_body(query) if body is None else body
    dry_run = source.get("dryRun") or []
    preconditions = source.get("preconditions") or {}
    options = DeleteOptions(
        dry_run=bool(dry_run),
        grace_period=source.get("gracePeriodSeconds"),
        propagation_policy=source.get("propagationPolicy") or "",
        orphan_dependents=source.get("orphanDependents"),
        uid=preconditions.get("uid"),
        resource_version=preconditions.get("resourceVersion"),
    )
    _refuse("DeleteOptions", [*_check_propagation(options), *_check_dry_run({"dryRun": dry_run})])
    if options.grace_period is not None and options.grace_period < 0:
        options = replace(options, grace_period=1)  # as upstream, kept for old clients
    return options


def _delete_query_as_body(query: Query) -> Object:
    body: Object = {}
    if "propagationPolicy" in query:
        body["propagationPolicy"] = _first(query, "propagationPolicy")
    if "dryRun" in query:
        body["dryRun"] = list(query["dryRun"])
    if "gracePeriodSeconds" in query:
        body["gracePeriodSeconds"] = _integer(query, "gracePeriodSeconds")
    if "orphanDependents" in query:
        body["orphanDependents"] = is_set(query, "orphanDependents")
    return body


def _check_propagation(options: DeleteOptions) -> ErrorList:
    path, policy = Path("propagationPolicy"), options.propagation_policy
    if policy and options.orphan_dependents is not None:
        return [invalid(path, policy, "orphanDependents and deletionPropagation cannot be both set")]
    if policy and policy not in _PROPAGATION:
        return [not_supported(path, policy, (*_PROPAGATION, "nil"))]
    return []


def _check_dry_run(query: Query) -> ErrorList:
    values = list(query.get("dryRun") or ())
    return [] if set(values) <= {"All"} else [not_supported(Path("dryRun"), values, ["All"])]


def parse_list_options(query: Query, *, watch: bool) -> ListOptions:
    """Raises BadRequestError for what cannot be parsed, InvalidError for what does not go together."""
    initial = query.get("sendInitialEvents")
    options = ListOptions(
        timeout_seconds=_integer(query, "timeoutSeconds") if "timeoutSeconds" in query else None,
        limit=max(_integer(query, "limit"), 0),
        labels=_parsed(parse_selector, _first(query, "labelSelector"), SelectorError),
        fields=_parsed(parse_field_selector, _first(query, "fieldSelector"), FieldSelectorError),
        continue_=_first(query, "continue"),
        resource_version=_first(query, "resourceVersion"),
        match=_first(query, "resourceVersionMatch"),
        watch=watch,
        bookmarks=is_set(query, "allowWatchBookmarks"),
        send_initial_events=is_true(initial[0]) if initial else None,
    )
    if watch and not options.match and initial is None and options.resource_version in ("", "0"):
        options = replace(options, send_initial_events=True, match=NOT_OLDER_THAN)
    _refuse("ListOptions", _check_watch(options) if watch else _check_list(options))
    return options


def _check_list(options: ListOptions) -> ErrorList:
    path, match, errors = Path("resourceVersionMatch"), options.match, list[Any]()
    if match:
        if not options.resource_version:
            text = "resourceVersionMatch is forbidden unless resourceVersion is provided"
            errors.append(forbidden(path, text))
        if options.continue_:
            errors.append(forbidden(path, "resourceVersionMatch is forbidden when continue is provided"))
        if match not in (EXACT, NOT_OLDER_THAN):
            errors.append(not_supported(path, match, [EXACT, NOT_OLDER_THAN, ""]))
        if match == EXACT and options.resource_version == "0":
            text = 'resourceVersionMatch "exact" is forbidden for resourceVersion "0"'
            errors.append(forbidden(path, text))
    if options.send_initial_events is not None:
        errors.append(forbidden(Path("sendInitialEvents"), "sendInitialEvents is forbidden for list"))
    return errors


def _check_watch(options: ListOptions) -> ErrorList:
    path, match, errors = Path("resourceVersionMatch"), options.match, list[Any]()
    if options.send_initial_events is not None and match != NOT_OLDER_THAN:
        text = f"sendInitialEvents requires setting resourceVersionMatch to {NOT_OLDER_THAN}"
        errors.append(forbidden(path, text))
    if match:
        if options.send_initial_events is None:
            text = "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided"
            errors.append(forbidden(path, text))
        if match != NOT_OLDER_THAN:
            errors.append(not_supported(path, match, [NOT_OLDER_THAN]))
        if options.continue_:
            errors.append(forbidden(path, "resourceVersionMatch is forbidden when continue is provided"))
    return errors


def _refuse(kind: str, errors: ErrorList) -> None:
    if errors:
        raise InvalidError(f"{kind}.meta.k8s.io", "", errors)


def _first(query: Query, name: str, default: str = "") -> str:
    values = query.get(name)
    return values[0] if values else default


def _integer(query: Query, name: str) -> int:
    text = _first(query, name, "0")
    if not _INTEGER.fullmatch(text):
        raise BadRequestError(f'strconv.ParseInt: parsing "{text}": invalid syntax')
    if not -(1 << 63) <= int(text) < 1 << 63:
        raise BadRequestError(f'strconv.ParseInt: parsing "{text}": value out of range')
    return int(text)


def _parsed(parse: Callable[[str], _T], text: str, error: type[Exception]) -> _T:
    try:
        return parse(text)
    except error as wrong:
        raise BadRequestError(str(wrong)) from None
