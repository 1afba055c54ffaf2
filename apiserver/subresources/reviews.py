"""Questions about users and rights: TokenReview, SelfSubjectReview and the SubjectAccessReview family.

Nothing is stored: the question comes back with its status filled in.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime

from apimachinery.errors import BadRequestError, InvalidError, aggregate
from apimachinery.objects import Object
from apimachinery.scheme import AUTHORIZATION, SELF_SUBJECT_ACCESS_REVIEWS
from apimachinery.times import format_time
from apiserver.admission.attributes import Attributes
from apiserver.admission.chain import Chain
from apiserver.asgi import Handler, Receive, Scope, Send
from apiserver.auth.authenticator import Authenticator
from apiserver.auth.authorizer import Authorizer, Decision, Resolver, UserRules
from apiserver.handlers import bodies
from apiserver.handlers.answers import send_object
from apiserver.negotiation import negotiate
from apiserver.registry.options import FieldValidation, WriteOptions, parse_write_options
from apiserver.request import RequestInfo
from apiserver.subresources.access_spec import attributes_of, check_access_spec, user_of
from component_base.jwt import InvalidToken

# Upstream's internal objects have lost their kind when they are validated, and so has the message.
_GROUP_KIND = f".{AUTHORIZATION}"

Check = Callable[[RequestInfo, Object], None]
"""check(info, question) raises a StatusError where the question is none."""
Judge = Callable[[RequestInfo, Object], Awaitable[Object]]
"""judge(info, question) gives the status of a question that is one."""


class Reviews:
    """The handler of one kind of question: a create like others, with admission, but nothing is stored."""

    def __init__(self, chain: Chain, check: Check, judge: Judge) -> None:
        self._chain = chain
        self._check = check
        self._judge = judge

    async def __call__(self, info: RequestInfo, scope: Scope, receive: Receive, send: Send) -> None:
        info.wanted = negotiate(info.headers.get("accept", ""), tables=False)
        options = parse_write_options(info.query, "CreateOptions")
        question = await read_question(info, receive, options.field_validation)
        attributes = _creation(info, question, options)
        await self._chain.admit(attributes)
        question.setdefault("spec", {})
        self._check(info, question)
        await self._chain.validate(attributes)
        status = await self._judge(info, question)
        go_type = f"{info.group.partition('.')[0]}.{question['kind']}"
        await send_object(info, send, {**question, "status": status}, go_type, 201)


async def read_question(info: RequestInfo, receive: Receive, validation: FieldValidation) -> Object:
    """The body as the kind that the URL says, in its namespace."""
    assert info.resource is not None
    body = await bodies.read(info, receive)
    expected = bodies.Expected(info.resource.api_version, info.resource.kind)
    question = await bodies.decode(info, body, expected, validation)
    question.setdefault("spec", {})
    if info.resource.namespaced:
        _put_into_namespace(question["metadata"], info.namespace)
    return question


def _put_into_namespace(metadata: Object, namespace: str) -> None:
    if metadata.setdefault("namespace", namespace) != namespace:
        raise BadRequestError(
            "the namespace of the provided object does not match the namespace sent on the request"
        )


def _creation(info: RequestInfo, question: Object, options: WriteOptions) -> Attributes:
    assert info.resource is not None
    return Attributes(
        "CREATE", info.resource, "", info.namespace, question["metadata"].get("name", ""), question, None,
        info.user, options.dry_run, options.as_object("CreateOptions"),
        warnings=info.warnings, annotations=info.annotations,
    )  # fmt: skip


def review_myself(chain: Chain, now: Callable[[], datetime]) -> Handler:
    """SelfSubjectReview: nothing that was sent comes back."""

    async def judge(info: RequestInfo, question: Object) -> Object:
        question["metadata"] = {"creationTimestamp": format_time(now())}
        question.pop("spec")
        return {"userInfo": info.user.to_object()}

    return Reviews(chain, lambda info, question: None, judge)


def review_tokens(chain: Chain, authenticator: Authenticator) -> Handler:
    """TokenReview"""

    def check(info: RequestInfo, question: Object) -> None:
        if not question["spec"].get("token"):
            raise BadRequestError("token is required for TokenReview in authentication")

    async def judge(info: RequestInfo, question: Object) -> Object:
        spec = question["spec"]
        return await token_status(authenticator, spec["token"], spec.get("audiences") or ())

    return Reviews(chain, check, judge)


async def token_status(authenticator: Authenticator, token: str, audiences: Sequence[str]) -> Object:
    try:
        user, meant = await authenticator.review(token, audiences)
    except InvalidToken as error:
        return {"user": {}, "error": aggregate(["invalid bearer token", *error.args])}
    return {"authenticated": True, "user": user.to_object(), "audiences": list(meant)}


def review_access(chain: Chain, authorizer: Authorizer) -> Handler:
    """SubjectAccessReview and LocalSubjectAccessReview; SelfSubjectAccessReview asks for oneself."""

    def is_self(info: RequestInfo) -> bool:
        return info.resource == SELF_SUBJECT_ACCESS_REVIEWS

    def check(info: RequestInfo, question: Object) -> None:
        errors = check_access_spec(question["spec"], is_self=is_self(info), namespace=info.namespace)
        if errors:
            raise InvalidError(_GROUP_KIND, "", errors)

    async def judge(info: RequestInfo, question: Object) -> Object:
        spec = question["spec"]
        user = info.user if is_self(info) else user_of(spec)
        return access_status(await authorizer.authorize(attributes_of(user, spec)))

    return Reviews(chain, check, judge)


def access_status(decision: Decision) -> Object:
    status: Object = {"allowed": decision.allowed}
    told = {"denied": decision.denied, "reason": decision.reason, "evaluationError": decision.error}
    return status | {key: value for key, value in told.items() if value}


def review_rules(chain: Chain, resolver: Resolver) -> Handler:
    """SelfSubjectRulesReview"""

    def check(info: RequestInfo, question: Object) -> None:
        if not question["spec"].get("namespace"):
            raise BadRequestError("no namespace on request")

    async def judge(info: RequestInfo, question: Object) -> Object:
        return rules_status(resolver.rules_of(info.user, question["spec"]["namespace"]))

    return Reviews(chain, check, judge)


def rules_status(found: UserRules) -> Object:
    rules = [rule.to_object() for rule in found.rules]
    status: Object = {
        "resourceRules": [rule for rule in rules if "resources" in rule],
        "nonResourceRules": [rule for rule in rules if "nonResourceURLs" in rule],
        "incomplete": False,
    }
    if found.gaps:
        status |= {"incomplete": True, "evaluationError": aggregate(found.gaps)}
    return status
