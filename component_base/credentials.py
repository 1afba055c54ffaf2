"""The Authorization header: a token, a token file that rotates, a password, or what an exec plugin says."""

from __future__ import annotations

import asyncio
import base64
import logging
import os
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import orjson

from apimachinery.objects import Object, get_path
from apimachinery.times import parse_time
from component_base.clock import now as real_now
from component_base.kubeconfig import ClientConfig, ConfigError

log = logging.getLogger(__name__)

_REREAD = timedelta(minutes=1)


class Credentials:
    """Gives the header value for a request; reads files and runs plugins no more often than needed.

    A plugin is not asked where there is a token, a password or a certificate, of a flag for instance.
    """

    def __init__(self, config: ClientConfig, now: Callable[[], datetime] = real_now) -> None:
        self._config, self._now = config, now
        self._value: bytes | None = _fixed(config)
        has_own = self._value is not None or config.client_cert is not None
        self._plugin = None if has_own else config.exec
        self._until: datetime | None = None
        self._lock = asyncio.Lock()
        self.is_fixed = not (config.token_file or self._plugin)

    async def header(self) -> bytes | None:
        """Raises ConfigError if a plugin fails, OSError if there has never been a token in the file."""
        if self.is_fixed:
            return self._value
        async with self._lock:
            if self._until is None or self._now() >= self._until:
                await self._renew()
            return self._value

    def expire(self) -> None:
        """The server did not accept what we sent: ask anew next time."""
        self._until = None

    async def _renew(self) -> None:
        if self._config.token_file:
            self._value = await asyncio.to_thread(_read_token, self._config.token_file, self._value)
            self._until = self._now() + _REREAD
            return
        status = await run_plugin(self._plugin or {})
        if not status.get("token"):
            raise ConfigError(
                "the exec plugin gave no token; client certificates from plugins are not supported"
            )
        self._value = _bearer(status["token"])
        expiry = status.get("expirationTimestamp")
        self._until = parse_time(expiry) if expiry else datetime.max.replace(tzinfo=self._now().tzinfo)


def _fixed(config: ClientConfig) -> bytes | None:
    if config.token:
        return _bearer(config.token)
    if config.username:
        pair = f"{config.username}:{config.password or ''}"
        return b"Basic " + base64.b64encode(pair.encode())
    return None


def _bearer(token: str) -> bytes:
    return b"Bearer " + token.encode()


def _read_token(file: str, last: bytes | None) -> bytes:
    """Of a file that cannot be read any more the last token goes on. Raises OSError if there was none.

    A file without a token is being written.
    """
    try:
        token = Path(file).read_text().strip()
        if not token:
            raise OSError(f'read empty token from file "{file}"')
        return _bearer(token)
    except OSError as error:
        if last is None:
            raise
        log.warning("Token not read again, going on with the old one: file=%s error=%s", file, error)
        return last


_NOT_INSTALLED = """

It looks like you are trying to use a client-go credential plugin that is not installed.

To learn more about this feature, consult the documentation available at:
      https://kubernetes.io/docs/reference/access-authn-authz/authentication/#client-go-credential-plugins"""


async def run_plugin(spec: Object) -> Object:
    """Runs a client-go credential plugin; the status of the ExecCredential it prints."""
    api_version = spec.get("apiVersion", "client.authentication.k8s.io/v1")
    request = {"apiVersion": api_version, "kind": "ExecCredential", "spec": {"interactive": False}}
    variables = {each["name"]: each["value"] for each in spec.get("env") or ()}
    environ = {**os.environ, **variables, "KUBERNETES_EXEC_INFO": orjson.dumps(request).decode()}
    command = [spec.get("command", ""), *(spec.get("args") or ())]
    try:
        child = await asyncio.create_subprocess_exec(
            *command, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, env=environ
        )
    except FileNotFoundError:
        hint = f"\n\n{spec['installHint']}" if spec.get("installHint") else ""
        what = f"executable {command[0]} not found{_NOT_INSTALLED}{hint}"
        raise ConfigError(f"getting credentials: exec: {what}") from None
    except OSError as error:
        raise ConfigError(f"getting credentials: exec: {error}") from error
    output, _ = await child.communicate()
    if child.returncode != 0:
        raise ConfigError(
            f"getting credentials: exec: executable {command[0]} failed with exit code {child.returncode}"
        )
    return _status_of(output, api_version)


def _status_of(output: bytes, api_version: str) -> Object:
    from apimachinery.serialize import DecodeError, from_json

    try:
        credential: Any = from_json(output)
    except DecodeError as error:
        what = f"couldn't get version/kind; json parse error: {error}"
        raise ConfigError(f"getting credentials: decoding stdout: {what}") from error
    if (told := get_path(credential, "apiVersion")) != api_version:
        raise ConfigError(
            f"getting credentials: exec plugin is configured to use API version {api_version}, "
            f"plugin returned version {told or 'client.authentication.k8s.io/__internal'}"
        )
    status = get_path(credential, "status")
    if not isinstance(status, dict):
        raise ConfigError("getting credentials: exec plugin didn't return a status")
    return status
