"""What may stand in an AuthorizationConfiguration, and everything that is wrong with one.

Source: staging/src/k8s.io/apiserver/pkg/apis/apiserver/{v1/types.go,validation/validation.go} of Kubernetes
1.34.
"""

from __future__ import annotations

from pathlib import Path as File

from apimachinery.durations import format_duration, parse_duration
from apimachinery.field import Errors, GoStruct, Path, duplicate, invalid, not_supported, required, too_many
from apimachinery.names import is_dns1123_subdomain
from apimachinery.objects import Object
from apiserver.auth.options import MODES
from apiserver.auth.webhooks.match_conditions import compile_condition
from apiserver.cel.environment import CompilationError
from apiserver.registry.strategies.checks import one_of
from component_base.config_shape import BOOL, DURATION, STRING, ListOf, Struct, of_type

SHAPE = Struct("v1.AuthorizationConfiguration", {
    **of_type(STRING, "apiVersion kind"),
    "authorizers": ListOf(Struct("v1.AuthorizerConfiguration", {
        **of_type(STRING, "type name"),
        "webhook": Struct("v1.WebhookConfiguration", {
            **of_type(DURATION, "authorizedTTL unauthorizedTTL timeout"),
            **of_type(BOOL, "cacheAuthorizedRequests cacheUnauthorizedRequests"),
            **of_type(STRING, "subjectAccessReviewVersion matchConditionSubjectAccessReviewVersion"),
            "failurePolicy": STRING,
            "connectionInfo": Struct("v1.WebhookConnectionInfo", of_type(STRING, "type kubeConfigFile")),
            "matchConditions": ListOf(Struct("v1.WebhookMatchCondition", {"expression": STRING})),
        }),
    })),
})  # fmt: skip
_MOST_CONDITIONS = 64
_LONGEST_TIMEOUT = 30.0
_IN_CLUSTER, _FILE = "InClusterConfig", "KubeConfigFile"


def check(document: Object) -> Errors:
    authorizers = document.get("authorizers") or []
    if not authorizers:
        yield required(Path("authorizers"), "at least one authorization mode must be defined")
    types: set[str] = set()
    names: set[str] = set()
    for index, each in enumerate(authorizers):
        path, kind = Path("authorizers").index(index), each.get("type") or ""
        if not kind:
            yield required(path.child("type"))
        elif kind not in MODES:
            yield not_supported(path.child("type"), kind, sorted(MODES))
        elif kind in types and kind != "Webhook":
            yield duplicate(path.child("type"), kind)
        else:
            types.add(kind)
            yield from _check_name(each.get("name") or "", names, path.child("name"))
            yield from _check_authorizer(kind, each.get("webhook"), path)


def _check_name(name: str, names: set[str], path: Path) -> Errors:
    if not name:
        yield required(path)
    elif name in names:
        yield duplicate(path, name)
    elif problems := is_dns1123_subdomain(name):
        yield invalid(path, name, f"authorizer name is invalid: {', '.join(problems)}")
    names.add(name)


def _check_authorizer(kind: str, webhook: Object | None, path: Path) -> Errors:
    """Upstream's paths leave the webhook itself out."""
    if kind != "Webhook":
        if webhook is not None:
            yield invalid(path.child("webhook"), "non-null", "may only be specified when type=Webhook")
    elif webhook is None:
        yield required(path.child("webhook"), "required when type=Webhook")
    else:
        yield from _check_durations(webhook, path)
        yield from _check_versions(webhook, path)
        yield from one_of(webhook.get("failurePolicy"), path.child("failurePolicy"), ("NoOpinion", "Deny"))
        yield from _check_connection(webhook.get("connectionInfo") or {}, path.child("connectionInfo"))
        yield from _check_conditions(webhook.get("matchConditions") or [], path.child("matchConditions"))


def _check_durations(webhook: Object, path: Path) -> Errors:
    for name in ("timeout", "authorizedTTL", "unauthorizedTTL"):
        at, is_timeout = path.child(name), name == "timeout"
        seconds = parse_duration(webhook.get(name) or "0s")
        if is_timeout and not seconds:
            yield required(at)
        elif seconds < 0 or (is_timeout and seconds > _LONGEST_TIMEOUT):
            detail = "must be > 0s and <= 30s" if is_timeout else "must be > 0s"
            yield invalid(at, format_duration(seconds), detail)


def _check_versions(webhook: Object, path: Path) -> Errors:
    name, conditional = "subjectAccessReviewVersion", "matchConditionSubjectAccessReviewVersion"
    yield from one_of(webhook.get(name), path.child(name), ("v1", "v1beta1"))
    yield from one_of(webhook.get(conditional), path.child(conditional), ("v1",), optional=True)
    if webhook.get("matchConditions") and not webhook.get(conditional):
        yield required(path.child(conditional), "required if match conditions are specified")


def _check_connection(connection: Object, path: Path) -> Errors:
    kind, name = connection.get("type") or "", connection.get("kubeConfigFile") or ""
    at = path.child("kubeConfigFile")
    match kind:
        case "":
            yield required(path.child("type"))
        case "InClusterConfig":
            if "kubeConfigFile" in connection:
                yield invalid(at, name, "can only be set when type=KubeConfigFile")
            yield invalid(path.child("type"), kind, "not allowed in kube-apiserver")
        case "KubeConfigFile":
            if not name:
                yield required(at)
            elif problem := _problem_of_file(File(name)):
                yield invalid(at, name, problem)
        case _:
            shown = GoStruct(Type=kind, KubeConfigFile=connection.get("kubeConfigFile"))
            yield not_supported(path.child("type"), shown, (_IN_CLUSTER, _FILE))


def _problem_of_file(file: File) -> str:
    if not file.is_absolute():
        return "must be an absolute path"
    try:
        file.stat()
    except OSError as error:
        return f"error loading file: stat {file}: {(error.strerror or str(error)).lower()}"
    return "" if file.is_file() else "must be a regular file"


def _check_conditions(conditions: list[Object], path: Path) -> Errors:
    if len(conditions) > _MOST_CONDITIONS:
        yield too_many(path, len(conditions), _MOST_CONDITIONS)
        return
    seen: set[str] = set()
    for index, each in enumerate(conditions):
        at, text = path.index(index).child("expression"), each.get("expression") or ""
        if not text.strip():
            yield required(at)
        elif text in seen:
            yield duplicate(at, text)
        else:
            seen.add(text)
            try:
                compile_condition(text)
            except CompilationError as error:
                yield invalid(at, text, str(error))
