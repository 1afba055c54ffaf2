"""One kind of review, put to a webhook in one of its versions."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any, Protocol

from apimachinery.errors import StatusError
from apimachinery.objects import Object
from apimachinery.schema import checker_for
from apiserver.config_files import ConfigError
from apiserver.generic_webhook import GenericWebhook, WebhookError, load_webhook_config

_BACKOFF_SECONDS = 0.5
_GATEWAY_TIMEOUT, _LATE = 504, "context deadline exceeded"
VERSIONS = ("v1", "v1beta1")


class ReviewFailed(Exception):
    """There is no answer, or none that can be understood. `result`: timeout or error."""

    def __init__(self, message: str, result: str = "error") -> None:
        super().__init__(message)
        self.result = result


class Webhook(Protocol):
    async def post(self, obj: Any) -> Any:
        """Raises StatusError, WebhookError."""
        ...


class Reviewer:
    """`write_spec` turns the spec of v1 into that of the version."""

    def __init__(
        self,
        webhook: Webhook,
        group: str,
        kind: str,
        version: str,
        write_spec: Callable[[Object], Object] = dict,
    ) -> None:
        self._webhook = webhook
        self._head = {"kind": kind, "apiVersion": f"{group}/{version}", "metadata": {}}
        self._group, self._kind = group, kind
        self._write_spec = write_spec

    async def status(self, spec: Object) -> Object:
        """Raises ReviewFailed."""
        question = {**self._head, "spec": self._write_spec(spec), "status": {}}
        try:
            answer = await self._webhook.post(question)
        except StatusError as error:
            is_late = error.code == _GATEWAY_TIMEOUT
            raise ReviewFailed(error.message, "timeout" if is_late else "error") from None
        except WebhookError as error:
            is_late = _LATE in str(error)
            raise ReviewFailed(str(error), "timeout" if is_late else "error") from None
        return self._status_of(answer)

    def _status_of(self, answer: Any) -> Object:
        """An answer need not say what it is, but it must not be anything else. Raises ReviewFailed."""
        wanted = self._kind
        kind = answer.get("kind", wanted) if isinstance(answer, dict) else "nothing"
        if kind != wanted:
            raise ReviewFailed(f"unable to decode {kind} as {wanted}")
        status = {"status": answer.get("status") or {}}
        # Both versions have the same status.
        checker = checker_for(f"{self._group}/v1", wanted)
        assert checker is not None
        for error in checker.check(status, prune=True).type_errors:
            raise ReviewFailed(f"unable to decode {wanted}: {error.message}")
        return status["status"]


class Webhooks:
    """Those that have been opened, so that they can be closed."""

    def __init__(self) -> None:
        self._opened: list[GenericWebhook] = []

    def open(self, path: str, seconds: float = 30.0) -> GenericWebhook:
        """Of a kubeconfig file; `seconds` is what one attempt may take. Raises ConfigError."""
        config, randomness = load_webhook_config(path), random.Random()
        webhook = GenericWebhook(config, backoff=_BACKOFF_SECONDS, timeout=seconds, randomness=randomness)
        self._opened.append(webhook)
        return webhook

    async def aclose(self) -> None:
        for each in self._opened:
            await each.aclose()


def check_version(version: str, what: str) -> None:
    """Raises ConfigError."""
    if version not in VERSIONS:
        known = ", ".join(f'"{each}"' for each in VERSIONS)
        raise ConfigError(f'unsupported {what} version "{version}", supported versions are {known}')
