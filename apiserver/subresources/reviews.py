"""Questions about users and rights: TokenReview, SelfSubjectReview and the SubjectAccessReview family.

Nothing is stored: the question comes back with its status filled in.
"""

from __future__ import annotations

from collections.abc import Sequence

from apimachinery.errors import BadRequestError, InvalidError, aggregate
from apimachinery.objects import Object
from apimachinery.scheme import AUTHORIZATION
from apiserver.asgi import Handler, Receive, Scope, Send
from apiserver.auth.authenticator import Authenticator
from apiserver.auth.authorizer import Authorizer
from apiserver.auth.node import node_of
from apiserver.auth.rbac.authorizer import RBACAuthorizer
from apiserver.handlers import bodies
from apiserver.handlers.answers import send_value
from apiserver.request import RequestInfo, UserInfo
from apiserver.subresources.access_spec import attributes_of, check_access_spec, user_of
from component_base.jwt import InvalidToken

# Upstream's internal objects have lost their kind when they are validated, and so has the message.
_GROUP_KIND = f".{AUTHORIZATION}"


async def read_question(info: RequestInfo, receive: Receive) -> Object:
    """The body as the kind that the URL says."""
    assert info.resource is not None
    body = await bodies.read(info, receive)
    question = await bodies.decode(
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
        return {"user": {}, "error": aggregate(["invalid bearer token", *error.args])}
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
        user = info.user if is_self else user_of(spec)
        decision = await authorizer.authorize(attributes_of(user, spec))
        status: Object = {"allowed": decision.allowed}
        if decision.denied:
            status["denied"] = True
        if decision.reason:
            status["reason"] = decision.reason
        if decision.error:
            status["evaluationError"] = decision.error
        await send_value(info, send, {**question, "status": status}, 201)

    return handle


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
        "incomplete": False,
    }
    errors = rbac.missing_roles(user, namespace)
    if node_of(user) is not None:
        errors.append("node authorizer does not support user rule resolution")
    if errors:
        status |= {"incomplete": True, "evaluationError": aggregate(errors)}
    return status
