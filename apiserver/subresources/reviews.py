"""Questions about users and rights: TokenReview, SelfSubjectReview and the SubjectAccessReview family.

Nothing is stored: the question comes back with its status filled in.
"""

from __future__ import annotations

from collections.abc import Sequence

from apimachinery.errors import BadRequestError, InvalidError, aggregate
from apimachinery.field import ErrorList, Path, invalid
from apimachinery.objects import Object, get_path
from apimachinery.scheme import AUTHORIZATION
from apiserver.asgi import Handler, Receive, Scope, Send
from apiserver.auth.attributes import Attributes
from apiserver.auth.authenticator import Authenticator
from apiserver.auth.authorizer import Authorizer
from apiserver.auth.jwt import InvalidToken
from apiserver.auth.node import node_of
from apiserver.auth.rbac.authorizer import RBACAuthorizer
from apiserver.handlers import bodies
from apiserver.handlers.answers import send_value
from apiserver.request import RequestInfo, UserInfo

# Upstream's internal objects have lost their kind when they are validated, and so has the message.
_GROUP_KIND = f".{AUTHORIZATION}"
_SPEC = Path("spec")


async def read_question(info: RequestInfo, receive: Receive) -> Object:
    """The body as the kind that the URL says."""
    assert info.resource is not None
    body = await bodies.read(info, receive)
    question = bodies.decode(
        info, body, bodies.Expected(info.resource.api_version, info.resource.kind), "Ignore"
    )
    question.setdefault("spec", {})
    return question


async def review_myself(info: RequestInfo, scope: Scope, receive: Receive, send: Send) -> None:
    """SelfSubjectReview"""
    question = await read_question(info, receive)
    await send_value(info, send, {**question, "status": {"userInfo": info.user.to_object()}}, 201)


def review_tokens(authenticator: Authenticator) -> Handler:
    """TokenReview"""

    async def handle(info: RequestInfo, scope: Scope, receive: Receive, send: Send) -> None:
        question = await read_question(info, receive)
        token = question["spec"].get("token")
        if not token:
            raise BadRequestError("token is required for TokenReview in authentication")
        audiences = question["spec"].get("audiences") or ()
        status = await token_status(authenticator, token, audiences)
        await send_value(info, send, {**question, "status": status}, 201)

    return handle


async def token_status(authenticator: Authenticator, token: str, audiences: Sequence[str]) -> Object:
    try:
        user, meant = await authenticator.review(token, audiences)
    except InvalidToken as error:
        return {"user": {}, "error": aggregate(["invalid bearer token", str(error)])}
    return {"authenticated": True, "user": user.to_object(), "audiences": list(meant)}


def review_access(authorizer: Authorizer) -> Handler:
    """SubjectAccessReview, LocalSubjectAccessReview and SelfSubjectAccessReview"""

    async def handle(info: RequestInfo, scope: Scope, receive: Receive, send: Send) -> None:
        question = await read_question(info, receive)
        spec = question["spec"]
        assert info.resource is not None
        is_self = info.resource.kind.startswith("Self")
        if (
            info.resource.namespaced
            and question["metadata"].get("namespace", info.namespace) != info.namespace
        ):
            raise BadRequestError(
                "the namespace of the provided object does not match the namespace sent on the request"
            )
        errors = check_access_spec(spec, is_self=is_self, namespace=info.namespace)
        if errors:
            raise InvalidError(_GROUP_KIND, "", errors)
        user = info.user if is_self else _user_of(spec)
        decision = authorizer.authorize(_attributes(user, spec))
        status: Object = {"allowed": decision.allowed}
        if decision.denied:
            status["denied"] = True
        if decision.reason:
            status["reason"] = decision.reason
        await send_value(info, send, {**question, "status": status}, 201)

    return handle


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


def _user_of(spec: Object) -> UserInfo:
    extra = {key: tuple(values) for key, values in (spec.get("extra") or {}).items()}
    return UserInfo(spec.get("user") or "", spec.get("uid") or "", tuple(spec.get("groups") or ()), extra)


def _attributes(user: UserInfo, spec: Object) -> Attributes:
    path = spec.get("nonResourceAttributes")
    if path is not None:
        return Attributes(user, path.get("verb", ""), path=path.get("path", ""))
    asked = spec["resourceAttributes"]

    def said(key: str) -> str:
        return asked.get(key) or ""

    return Attributes(
        user, said("verb"), said("namespace"), said("group"), said("version"), said("resource"),
        said("subresource"), said("name"), is_resource=True,
    )  # fmt: skip


def review_rules(rbac: RBACAuthorizer) -> Handler:
    """SelfSubjectRulesReview"""

    async def handle(info: RequestInfo, scope: Scope, receive: Receive, send: Send) -> None:
        question = await read_question(info, receive)
        namespace = question["spec"].get("namespace")
        if not namespace:
            raise BadRequestError("no namespace on request")
        await send_value(info, send, {**question, "status": rules_status(rbac, info.user, namespace)}, 201)

    return handle


def rules_status(rbac: RBACAuthorizer, user: UserInfo, namespace: str) -> Object:
    rules = [rule.to_object() for rule in rbac.rules_for(user, namespace)]
    status: Object = {
        "resourceRules": [rule for rule in rules if "resources" in rule],
        "nonResourceRules": [rule for rule in rules if "nonResourceURLs" in rule],
        "incomplete": node_of(user) is not None,
    }
    missing = rbac.missing_roles(user, namespace)
    if missing:
        status |= {"incomplete": True, "evaluationError": ", ".join(missing)}
    return status
