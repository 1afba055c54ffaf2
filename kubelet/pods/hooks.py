"""Lifecycle hooks: postStart and preStop by exec, httpGet or sleep."""

from __future__ import annotations

import asyncio
import ssl

from apimachinery.objects import Object
from kubelet.probes.http import HttpFailed, HttpGet, get
from kubelet.probes.prober import PortError, http_get
from kubelet.references import pod_full_name
from kubelet.runtime.interface import ContainerRuntimeError, Runtime

EXEC_SECONDS = 3600.0
"""A postStart hook has no limit of its own upstream; the engine's call needs one."""


class HookFailed(Exception):
    """The message is upstream's, and may hold what the hook has written: for the status, not for Events."""


async def run_hook(
    runtime: Runtime, hook: Object, pod: Object, container: Object, container_id: str, ip: str
) -> None:
    """Runs to the end. Raises HookFailed."""
    where = f'for Container "{container["name"]}" in Pod "{pod_full_name(pod)}" failed'
    if "exec" in hook:
        await _exec(runtime, hook["exec"].get("command") or [], container_id, where)
    elif "httpGet" in hook:
        await _http(hook["httpGet"], container, ip, where)
    elif "sleep" in hook:
        await asyncio.sleep(hook["sleep"].get("seconds") or 0)
    else:
        raise HookFailed(f"Cannot run handler: invalid handler: {' '.join(hook)}")


async def _exec(runtime: Runtime, command: list[str], container_id: str, where: str) -> None:
    shown = f"Exec lifecycle hook ([{' '.join(command)}]) {where}"
    try:
        result = await runtime.exec_sync(container_id, command, EXEC_SECONDS)
    except (ContainerRuntimeError, TimeoutError) as error:
        raise HookFailed(f'{shown} - error: {error}, message: ""') from error
    if result.exit_code:
        output = result.output.decode(errors="replace")
        why = f"command '{' '.join(command)}' exited with {result.exit_code}: {output}"
        raise HookFailed(f'{shown} - error: {why}, message: "{output}"')


async def _http(action: Object, container: Object, ip: str, where: str) -> None:
    request: HttpGet | None = None
    try:
        request = http_get(action, container, ip)
        await get(request.url, (("User-Agent", "kube-lifecycle/1.34"), *request.headers))
    except (HttpFailed, PortError, ssl.SSLError) as error:
        shown = request.path if request else action.get("path", "")
        raise HookFailed(f"HTTP lifecycle hook ({shown}) {where} - error: {error}") from error
