"""How a failure is told: kubectl's words on stderr, and its exit code."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from apimachinery.errors import StatusError
from client.errors import ConnectionFailed, ConnectionRefused, ConnectionTimeout
from component_base.kubeconfig import ContextNotFound, InvalidConfigError
from kubectl.arguments import UsageError

_TIMED_OUT = "net/http: request canceled (Client.Timeout exceeded while awaiting headers)"


class CommandError(Exception):
    """A failure with kubectl's own message; printed as `error: …`."""

    def __init__(self, message: str, code: int = 1) -> None:
        super().__init__(message)
        self.code = code


class PlainError(CommandError):
    """A failure that is told as it is, without `error:`."""


class MissingFieldError(CommandError):
    """No object has the field that they are to be sorted by."""


def describe(error: BaseException) -> str:
    """One message, as kubectl words it (source: kubectl/pkg/cmd/util/helpers.go, StandardErrorMessage)."""
    if isinstance(error, StatusError):
        return _status(error)
    if isinstance(error, PlainError):
        return str(error)
    if isinstance(error, ConnectionRefused):
        address = error.address
        return f"The connection to the server {address} was refused - did you specify the right host or port?"
    if isinstance(error, ConnectionTimeout):
        return f"Unable to connect to the server: {_TIMED_OUT}"
    if isinstance(error, ConnectionFailed):
        return f"Unable to connect to the server: {error}"
    if isinstance(error, ContextNotFound | InvalidConfigError):
        return f"Error in configuration: {error}"
    if isinstance(error, OSError) and error.filename:
        return f"error: open {error.filename}: {(error.strerror or '').lower()}"
    return f"error: {error}"


def _status(error: StatusError) -> str:
    if error.reason == "Unauthorized":
        return "error: You must be logged in to the server (Unauthorized)"
    if error.reason == "Invalid" and (details := error.details):
        subject = details.get("kind", "")
        causes = details.get("causes") or []
        if not error.message and not causes:
            return f"The {subject} is invalid"
        return _invalid(error, subject, details.get("name", ""), causes)
    reason = f" ({error.reason})" if error.reason else ""
    return f"Error from server{reason}: {error.message}"


def _invalid(error: StatusError, kind: str, name: str, causes: list[dict[str, str]]) -> str:
    """`The Pod "x" is invalid: spec.…: …`, with one line a cause when there are several."""
    head = f'The {kind} "{name}" is invalid' if kind else "The request is invalid"
    if not causes:
        return f"{head}: {error.message}"
    lines = list(dict.fromkeys(f"{cause.get('field', '')}: {cause.get('message', '')}" for cause in causes))
    if len(lines) == 1:
        return f"{head}: {lines[0]}"
    return "\n".join([f"{head}: ", *(f"* {line}" for line in lines)])


def _usage(error: UsageError) -> str:
    command = f"sampan {error.verb}".strip()
    return {
        "examples": f"error: {error}\nSee '{command} -h' for help and examples",
        "usage": f"error: {error}\nSee '{command} --help' for usage.",
        "plugin": f"Error: {error}",
        "none": f"error: {error}",
    }[error.hint]


def report(error: BaseException) -> int:
    """Prints the failure and returns the exit code; groups of failures are printed one by one."""
    if isinstance(error, BaseExceptionGroup):
        return max(report(_plain(each)) for each in error.exceptions)
    if isinstance(error, UsageError):
        print(_usage(error), file=sys.stderr)
        return 2 if error.verb == "diff" else 1  # 1 would say that there are differences
    if isinstance(error, BrokenPipeError):
        return 0
    told = describe(error)
    is_whole = isinstance(error, CommandError) and told.endswith("\n")
    print(told, end="" if is_whole else "\n", file=sys.stderr)
    return error.code if isinstance(error, CommandError) else 1


def _plain(error: BaseException) -> BaseException:
    """One of several is told without `error:`."""
    if type(error) is not CommandError:
        return error
    return PlainError(str(error), error.code)


def joined(failures: Sequence[Exception]) -> str:
    """Their messages within a sentence, as Go writes a list of errors."""
    messages = list(dict.fromkeys(map(str, failures)))
    return f"[{', '.join(messages)}]" if len(messages) > 1 else "".join(messages)


def raise_all(failures: Sequence[Exception]) -> None:
    """Raises the one failure, or all of them as one; nothing if there is none."""
    if failures:
        raise failures[0] if len(failures) == 1 else ExceptionGroup("failures", failures)
