"""Admission webhooks: what is asked of whom before an object is written."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from apimachinery import names
from apimachinery.field import ErrorList, Errors, Path, duplicate, invalid, not_supported, required, too_many
from apimachinery.metadata import validate_label_selector
from apimachinery.names import is_qualified_name
from apimachinery.objects import Object
from apimachinery.urls import parse_url
from apiserver.admission.expressions import BOOL, Names, compile_for_admission
from apiserver.registry.strategies.checks import enumerate_repeats, one_of, required_match
from apiserver.registry.strategies.podspec.defaults import fill_absent
from apiserver.registry.strategies.tables import age, columns
from apiserver.registry.strategy import Column, Strategy

_OPERATIONS = ("*", "CONNECT", "CREATE", "DELETE", "UPDATE")
_SCOPES = ("*", "Cluster", "Namespaced")
_MAX_CONDITIONS = 64
_SIDE_EFFECTS = ("None", "NoneOnDryRun")


def default_rules(rules: Sequence[Object]) -> None:
    for rule in rules:
        fill_absent(rule, {"scope": "*"})


class WebhookConfigurationStrategy(Strategy):
    """Validating or mutating: mutating ones may be asked again."""

    has_status = False
    allow_unconditional_update = False
    columns: Sequence[Column] = columns(Column("Webhooks", "integer"))

    def __init__(self, *, mutating: bool) -> None:
        self._mutating = mutating

    def default(self, obj: Object) -> None:
        for webhook in obj.get("webhooks") or ():
            defaults = {"failurePolicy": "Fail", "matchPolicy": "Equivalent", "timeoutSeconds": 10}
            fill_absent(webhook, {**defaults, "namespaceSelector": {}, "objectSelector": {}})
            if self._mutating:
                fill_absent(webhook, {"reinvocationPolicy": "Never"})
            default_rules(webhook.get("rules") or ())
            service = (webhook.get("clientConfig") or {}).get("service")
            if service:
                fill_absent(service, {"port": 443})

    def validate(self, obj: Object) -> ErrorList:
        seen: set[str] = set()
        errors: ErrorList = []
        for index, webhook in enumerate(obj.get("webhooks") or ()):
            at, name = Path("webhooks").index(index), webhook.get("name") or ""
            errors += _validate_webhook(webhook, at)
            if name and name in seen:
                errors.append(duplicate(at.child("name"), name))
            seen.add(name)
            if self._mutating:
                policies, where = ("IfNeeded", "Never"), at.child("reinvocationPolicy")
                errors += one_of(webhook.get("reinvocationPolicy"), where, policies, optional=True)
        return errors

    def cells(self, obj: Object, now: datetime) -> list[Any]:
        return [obj["metadata"]["name"], len(obj.get("webhooks") or ()), age(obj, now)]


def _validate_webhook(webhook: Object, path: Path) -> Errors:
    yield from _qualified_domain(webhook.get("name") or "", path.child("name"))
    for index, rule in enumerate(webhook.get("rules") or ()):
        yield from validate_rule(rule, path.child("rules").index(index))
    policies = ("Fail", "Ignore")
    yield from one_of(webhook.get("failurePolicy"), path.child("failurePolicy"), policies, optional=True)
    matching = ("Equivalent", "Exact")
    yield from one_of(webhook.get("matchPolicy"), path.child("matchPolicy"), matching, optional=True)
    effects, at = webhook.get("sideEffects"), path.child("sideEffects")
    if effects is None:
        yield required(at, f"must specify one of {', '.join(_SIDE_EFFECTS)}")
    elif effects not in _SIDE_EFFECTS:
        yield not_supported(at, effects, _SIDE_EFFECTS)
    timeout = webhook.get("timeoutSeconds")
    if timeout is not None and not 1 <= timeout <= 30:
        detail = "the timeout value must be between 1 and 30 seconds"
        yield invalid(path.child("timeoutSeconds"), timeout, detail)
    for field in ("namespaceSelector", "objectSelector"):
        if webhook.get(field) is not None:
            yield from validate_label_selector(webhook[field], path.child(field))
    yield from _client_config(webhook.get("clientConfig") or {}, path.child("clientConfig"))
    yield from validate_match_conditions(webhook, path.child("matchConditions"), Names())
    yield from _review_versions(
        webhook.get("admissionReviewVersions") or [], path.child("admissionReviewVersions")
    )


def _qualified_domain(name: str, path: Path) -> Errors:
    if not name:
        yield required(path)
    else:
        wrong = names.is_dns1123_subdomain(name)
        yield from (invalid(path, name, text) for text in wrong)
        if not wrong and len(name.split(".")) < 3:
            yield invalid(path, name, "should be a domain with at least three segments separated by dots")


def _review_versions(versions: Sequence[str], path: Path) -> Errors:
    if not versions:
        yield required(path, "must specify one of v1, v1beta1")
        return
    for index, version, is_repeated in enumerate_repeats(versions):
        if is_repeated:
            yield invalid(path.index(index), version, "duplicate version")
        yield from (invalid(path.index(index), version, text) for text in names.is_dns1035_label(version))
    if not {"v1", "v1beta1"} & set(versions):
        yield invalid(path, versions, "must include at least one of v1, v1beta1")


def _client_config(config: Object, path: Path) -> Errors:
    url, service = config.get("url"), config.get("service")
    if (url is None) == (service is None):
        yield required(path, "exactly one of url or service is required")
    elif url is not None:
        yield from validate_url(url, path.child("url"))
    elif service is not None:
        yield from validate_service(service, path.child("service"))


def validate_url(url: str, path: Path) -> Errors:
    form = "; desired format: https://host[/path]"
    try:
        parts = parse_url(url)
    except ValueError as error:
        yield required(path, f"url must be a valid URL: {error}{form}")
        return
    if parts.scheme != "https":
        yield invalid(path, parts.scheme, f"'https' is the only allowed URL scheme{form}")
    if not parts.host:
        yield invalid(path, parts.host, f"host must be specified{form}")
    if parts.user is not None:
        yield invalid(path, parts.user, "user information is not permitted in the URL")
    if parts.fragment:
        yield invalid(path, parts.fragment, "fragments are not permitted in the URL")
    if parts.query:
        yield invalid(path, parts.query, "query parameters are not permitted in the URL")


def validate_service(service: Object, path: Path) -> Errors:
    for field in ("name", "namespace"):
        if not service.get(field):
            yield required(path.child(field), f"service {field} is required")
    port = service.get("port")
    if port is not None and names.is_valid_port_num(port):
        detail = f"port is not valid: {names.is_valid_port_num(port)[0]}"
        yield invalid(path.child("port"), port, detail)
    target = service.get("path") or ""
    for problem in _problems_of_path(target):
        yield invalid(path.child("path"), target, problem)


def _problems_of_path(target: str) -> Iterator[str]:
    if target in ("", "/"):
        return
    if not target.startswith("/"):
        yield "must start with a '/'"
    for index, step in enumerate(target[1:].removesuffix("/").split("/")):
        if not step:
            yield f"segment[{index}] may not be empty"
        else:
            yield from (f"segment[{index}]: {problem}" for problem in names.is_dns1123_subdomain(step))


def validate_rule(rule: Object, path: Path) -> Errors:
    """RuleWithOperations: what of whom is sent to a webhook or policy."""
    for field in ("operations", "apiGroups", "apiVersions", "resources"):
        values, at = rule.get(field) or [], path.child(field)
        if not values:
            yield required(at)
        if field == "operations":
            for index, value in enumerate(values):
                if value not in _OPERATIONS:
                    yield not_supported(at.index(index), value, _OPERATIONS)
        elif field in ("apiVersions", "resources"):
            for index, value in enumerate(values):
                if not value:
                    yield required(at.index(index))
        if len(values) > 1 and "*" in values:
            yield invalid(at, values, f"if '*' is present, must not specify other {_LISTED[field]}")
    yield from one_of(rule.get("scope"), path.child("scope"), _SCOPES, optional=True)


_LISTED = {
    "operations": "operations",
    "apiGroups": "API groups",
    "apiVersions": "API versions",
    "resources": "resources without subresources",
}


def validate_match_conditions(holder: Object, path: Path, names: Names) -> Errors:
    """Of a webhook or a policy's spec."""
    conditions, seen = holder.get("matchConditions") or [], set[str]()
    if len(conditions) > _MAX_CONDITIONS:
        yield too_many(path, len(conditions), _MAX_CONDITIONS)
    for index, condition in enumerate(conditions):
        at, name = path.index(index), condition.get("name") or ""
        text = (condition.get("expression") or "").strip()
        if not text:
            yield required(at.child("expression"))
        else:
            yield from validate_expression(text, at.child("expression"), (BOOL,), names)
        yield from required_match(name, at.child("name"), is_qualified_name)
        if name in seen:
            yield duplicate(at.child("name"), name)
        seen.add(name)


def validate_expression(text: str, path: Path, wanted: Sequence[str], names: Names) -> Errors:
    error = compile_for_admission(text, wanted, names).error
    if error:
        yield invalid(path, text, error)
