"""Status errors: wording, and the round trip over the wire."""

import pickle

import pytest

from apimachinery import errors, scheme
from apimachinery.field import Path, invalid, required

ERRORS = [
    (errors.NotFoundError(scheme.PODS, "a"), 404, "NotFound", 'pods "a" not found'),
    (errors.NotFoundError(scheme.DEPLOYMENTS, "a"), 404, "NotFound", 'deployments.apps "a" not found'),
    (errors.AlreadyExistsError("pods", "a"), 409, "AlreadyExists", 'pods "a" already exists'),
    (
        errors.ConflictError("pods", "a"),
        409,
        "Conflict",
        'Operation cannot be fulfilled on pods "a": the object has been modified; '
        "please apply your changes to the latest version and try again",
    ),
    (errors.ForbiddenError("pods", "a", "no"), 403, "Forbidden", 'pods "a" is forbidden: no'),
    (errors.ForbiddenError("pods", "", "no"), 403, "Forbidden", "pods is forbidden: no"),
    (errors.ForbiddenError("", "", "no"), 403, "Forbidden", "forbidden: no"),
    (errors.BadRequestError("bad"), 400, "BadRequest", "bad"),
    (errors.UnauthorizedError(), 401, "Unauthorized", "Unauthorized"),
    (
        errors.ExpiredError("too old resource version: 1 (2)"),
        410,
        "Expired",
        "too old resource version: 1 (2)",
    ),
    (errors.InternalError("boom"), 500, "InternalError", "Internal error occurred: boom"),
    (errors.TimeoutStatusError("late"), 504, "Timeout", "Timeout: late"),
    (
        errors.MethodNotAllowedError("pods", "patch"),
        405,
        "MethodNotAllowed",
        'patch is not supported on resources of kind "pods"',
    ),
]


@pytest.mark.parametrize(("error", "code", "reason", "message"), ERRORS, ids=lambda value: str(value)[:40])
def test_errors_speak_as_upstream(error: errors.StatusError, code: int, reason: str, message: str) -> None:
    status = error.to_status()
    assert (status["code"], status["reason"], status["message"]) == (code, reason, message)


@pytest.mark.parametrize("error", [row[0] for row in ERRORS], ids=lambda value: type(value).__name__)
def test_a_status_becomes_the_same_error_again(error: errors.StatusError) -> None:
    again = errors.from_status(error.code, error.to_status())
    assert (type(again), again.to_status()) == (type(error), error.to_status())
    assert pickle.loads(pickle.dumps(error)).to_status() == error.to_status()


def test_invalid_lists_every_error_once() -> None:
    path = Path("spec", "ports").index(0).child("name")
    error = errors.InvalidError(
        "Service", "web", [required(path), invalid(path, "A", "no"), invalid(path, "A", "no")]
    )
    assert error.message == (
        'Service "web" is invalid: '
        '[spec.ports[0].name: Required value, spec.ports[0].name: Invalid value: "A": no]'
    )
    assert error.details["causes"][0] == {
        "reason": "FieldValueRequired",
        "message": "Required value",
        "field": "spec.ports[0].name",
    }


def test_an_answer_without_a_status_still_says_what_happened() -> None:
    assert (
        errors.from_status(503, None, "x").message == "the server is currently unable to handle the request"
    )
    assert "status code 418" in errors.from_status(418, None, "teapot").message
