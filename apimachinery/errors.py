"""API errors: raised by the server, sent as a Status, raised again by the client. Wording is upstream's."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from apimachinery.field import FieldError
from apimachinery.go_values import go_quoted
from apimachinery.objects import Object

if TYPE_CHECKING:
    from apimachinery.scheme import Resource


class StatusError(Exception):
    """An API answer that is not success. Subclasses fix code and reason."""

    code: int = 500
    reason: str = ""
    always_has_details: bool = False
    """Whether a Status says that there are no details."""

    def __init__(
        self,
        message: str,
        *,
        details: Object | None = None,
        retry_after: int | None = None,
        code: int | None = None,
        reason: str | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.details: Object = {key: value for key, value in (details or {}).items() if value}
        self.retry_after = retry_after
        self.code = self.code if code is None else code
        self.reason = self.reason if reason is None else reason

    def __reduce__(self) -> tuple[Any, ...]:
        return (from_status, (self.code, self.to_status(), ""))

    def to_status(self) -> Object:
        """The meta/v1 Status that goes over the wire."""
        status: Object = {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": self.message,
        }
        if self.reason:
            status["reason"] = self.reason
        details = dict(self.details)
        if self.retry_after:
            details["retryAfterSeconds"] = self.retry_after
        if details or self.always_has_details:
            status["details"] = details
        status["code"] = self.code
        return status


def _group_resource(resource: Resource | str) -> str:
    return resource if isinstance(resource, str) else resource.group_resource


def _details(group_resource: str, name: str = "") -> Object:
    """`deployments.apps` and a name, as details of a Status; also for a kind, `Deployment.apps`."""
    kind, _, group = group_resource.partition(".")
    return {"name": name, "group": group, "kind": kind}


class BadRequestError(StatusError):
    code, reason = 400, "BadRequest"


class UnauthorizedError(StatusError):
    code, reason = 401, "Unauthorized"

    def __init__(self, message: str = "Unauthorized", **kwargs: Any) -> None:
        super().__init__(message, **kwargs)


class ForbiddenError(StatusError):
    """Not allowed: `why` follows the colon. With an empty group_resource the sentence has no subject."""

    code, reason = 403, "Forbidden"
    always_has_details = True

    def __init__(self, resource: Resource | str, name: str, why: object) -> None:
        group_resource = _group_resource(resource)
        subject = f"{group_resource} {go_quoted(name)} is " if name else f"{group_resource} is "
        text = f"{subject if group_resource else ''}forbidden: {why}"
        super().__init__(text, details=_details(group_resource, name))


class AccessDeniedError(ForbiddenError):
    """It is the authorizer that says no, not admission."""


class NotFoundError(StatusError):
    code, reason = 404, "NotFound"

    def __init__(self, resource: Resource | str, name: str) -> None:
        group_resource = _group_resource(resource)
        super().__init__(
            f"{group_resource} {go_quoted(name)} not found", details=_details(group_resource, name)
        )


class PathNotFoundError(StatusError):
    """No such URL: the group, version or resource is not served."""

    code, reason = 404, "NotFound"
    always_has_details = True

    def __init__(self) -> None:
        super().__init__("the server could not find the requested resource")


class MethodNotAllowedError(StatusError):
    code, reason = 405, "MethodNotAllowed"
    always_has_details = True

    def __init__(self, resource: Resource | str = "", action: str = "", *, message: str = "") -> None:
        group_resource = _group_resource(resource)
        text = message or f'{action} is not supported on resources of kind "{group_resource}"'
        super().__init__(text, details=_details(group_resource))


class NotAcceptableError(StatusError):
    code, reason = 406, "NotAcceptable"


class UnroutedAnswerError(NotAcceptableError):
    """No path offers what the client takes."""

    always_has_details = True


class AlreadyExistsError(StatusError):
    code, reason = 409, "AlreadyExists"

    def __init__(self, resource: Resource | str, name: str, *, generated: bool = False) -> None:
        group_resource = _group_resource(resource)
        text = f"{group_resource} {go_quoted(name)} already exists"
        if generated:
            text += ", the server was not able to generate a unique name for the object"
        super().__init__(text, details=_details(group_resource, name), retry_after=1 if generated else None)


MODIFIED = "the object has been modified; please apply your changes to the latest version and try again"


class ConflictError(StatusError):
    code, reason = 409, "Conflict"

    def __init__(self, resource: Resource | str, name: str, why: object = MODIFIED) -> None:
        group_resource = _group_resource(resource)
        text = f"Operation cannot be fulfilled on {group_resource} {go_quoted(name)}: {why}"
        super().__init__(text, details=_details(group_resource, name))


class ExpiredError(StatusError):
    code, reason = 410, "Expired"


class GoneError(StatusError):
    code, reason = 410, "Gone"


class RequestEntityTooLargeError(StatusError):
    code, reason = 413, "RequestEntityTooLarge"

    def __init__(self, message: str) -> None:
        super().__init__(f"Request entity too large: {message}")


class UnsupportedMediaTypeError(StatusError):
    code, reason = 415, "UnsupportedMediaType"


class UnroutedBodyError(UnsupportedMediaTypeError):
    """No path takes what the client sends."""

    always_has_details = True


def aggregate(messages: Sequence[str]) -> str:
    """Several messages as one, repeated ones once, as upstream's aggregates print."""
    unique = list(dict.fromkeys(messages))
    return unique[0] if len(unique) == 1 else f"[{', '.join(unique)}]"


class InvalidError(StatusError):
    """422 with every field error as a cause. `group_kind` is `Pod` or `Deployment.apps`."""

    code, reason = 422, "Invalid"

    def __init__(self, group_kind: str, name: str, errors: Sequence[FieldError]) -> None:
        self.errors = list(errors)
        text = f"{group_kind} {go_quoted(name)} is invalid"
        if errors:
            text = f"{text}: {aggregate([str(error) for error in errors])}"
        details = _details(group_kind, name) | {"causes": [error.to_cause() for error in errors]}
        super().__init__(text, details=details)


class TooManyRequestsError(StatusError):
    code, reason = 429, "TooManyRequests"

    def __init__(self, message: str, retry_after: int = 1, *, details: Object | None = None) -> None:
        super().__init__(message, retry_after=retry_after, details=details)


class InternalError(StatusError):
    code, reason = 500, "InternalError"

    def __init__(self, error: object) -> None:
        details = {"causes": [{"message": str(error)}]}
        super().__init__(f"Internal error occurred: {error}", details=details)


class ServerTimeoutError(StatusError):
    """A transient failure: the operation did not happen, try again."""

    code, reason = 500, "ServerTimeout"

    def __init__(self, resource: Resource | str, operation: str, retry_after: int = 0) -> None:
        group_resource = _group_resource(resource)
        text = (
            f"The {operation} operation against {group_resource} could not be completed at this time, "
            "please try again."
        )
        super().__init__(text, details=_details(group_resource, operation), retry_after=retry_after)


class ServiceUnavailableError(StatusError):
    code, reason = 503, "ServiceUnavailable"


class TimeoutStatusError(StatusError):
    """The operation may still complete."""

    code, reason = 504, "Timeout"

    def __init__(self, message: str, retry_after: int = 0) -> None:
        super().__init__(f"Timeout: {message}", retry_after=retry_after)


_BY_REASON: dict[str, type[StatusError]] = {
    each.reason: each
    for each in (
        BadRequestError, UnauthorizedError, ForbiddenError, NotFoundError, MethodNotAllowedError,
        NotAcceptableError, AlreadyExistsError, ConflictError, ExpiredError, GoneError,
        RequestEntityTooLargeError, UnsupportedMediaTypeError, InvalidError, TooManyRequestsError,
        InternalError, ServerTimeoutError, ServiceUnavailableError, TimeoutStatusError,
    )
}  # fmt: skip
_BY_CODE: dict[int, type[StatusError]] = {
    400: BadRequestError, 401: UnauthorizedError, 403: ForbiddenError, 404: NotFoundError,
    405: MethodNotAllowedError, 406: NotAcceptableError, 409: ConflictError, 410: ExpiredError,
    413: RequestEntityTooLargeError, 415: UnsupportedMediaTypeError, 422: InvalidError,
    429: TooManyRequestsError, 500: InternalError, 503: ServiceUnavailableError, 504: TimeoutStatusError,
}  # fmt: skip
_GENERIC_MESSAGES: dict[int, str] = {
    400: "the server rejected our request for an unknown reason",
    401: "the server has asked for the client to provide credentials",
    404: "the server could not find the requested resource",
    405: "the server does not allow this method on the requested resource",
    406: "the server was unable to respond with a content type that the client supports",
    409: "the server reported a conflict",
    422: "the server rejected our request due to an error in our request",
    429: "the server has received too many requests and has asked us to try again later",
    503: "the server is currently unable to handle the request",
    504: "the server was unable to return a response in the time allotted, "
    "but may still be processing the request",
}
_TELLING = (403, 406, 415)
"""What servers say with these is believed."""


def _rebuild(cls: type[StatusError], message: str, **kwargs: Any) -> StatusError:
    """An instance of an error class without its constructor's wording."""
    error = cls.__new__(cls)
    StatusError.__init__(error, message, **kwargs)
    if isinstance(error, InvalidError):
        error.errors = [
            FieldError(cause.get("reason", ""), cause.get("field", ""), None, cause.get("message", ""))
            for cause in error.details.get("causes") or []
        ]
    return error


def from_status(code: int, status: Object | None, text: str = "") -> StatusError:
    """The error that an answer stands for. `status` is the decoded body if that is a Status."""
    if status is None or status.get("kind") != "Status":
        return _from_code(code, text)
    code = status.get("code") or code
    reason = status.get("reason") or ""
    details = dict(status.get("details") or {})
    retry_after = details.pop("retryAfterSeconds", None)
    cls = _BY_REASON.get(reason) or (StatusError if reason else _BY_CODE.get(code, StatusError))
    message = status.get("message") or text
    return _rebuild(
        cls, message, details=details, retry_after=retry_after, code=code, reason=reason or cls.reason
    )


def _from_code(code: int, text: str) -> StatusError:
    """An error for a body that is no Status, in the words client-go finds for the code."""
    message = _GENERIC_MESSAGES.get(code)
    if code in _TELLING and (message is None or text not in ("", "unknown")):
        message = text
    elif message is None and code >= 500:
        quoted = json.dumps(text or "unknown", ensure_ascii=False)
        message = f"an error on the server ({quoted}) has prevented the request from succeeding"
    elif message is None:
        message = f"the server responded with the status code {code} but did not return more information"
    details = {"causes": [{"reason": "UnexpectedServerResponse", "message": text or "unknown"}]}
    return _rebuild(_BY_CODE.get(code, StatusError), message, code=code, details=details)
