"""Lifecycle hooks: postStart and preStop by exec, httpGet or sleep.

Source: pkg/kubelet/lifecycle/handlers.go of Kubernetes 1.34.
"""

from __future__ import annotations

import asyncio

from apimachinery.objects import Object
from client.events import WARNING
from kubelet.containers.downward import quote
from kubelet.events import Recorder
from kubelet.metrics import HTTP_FALLBACKS, SLEEPS_CUT_SHORT
from kubelet.probes.http import NOT_TLS, HttpFailed, HttpGet, follow
from kubelet.probes.prober import PortError, http_get
from kubelet.references import pod_full_name, pod_reference
from kubelet.runtime.interface import ContainerRuntimeError, Runtime

EXEC_SECONDS = 3600.0
"""A postStart hook has no limit of its own upstream; the engine's call needs one."""


class HookFailed(Exception):
    """The message is upstream's, and may hold what the hook has written: for the status, not for Events."""


class HookRunner:
    def __init__(self, runtime: Runtime, recorder: Recorder) -> None:
        self._runtime = runtime
        self._recorder = recorder

    async def run(self, hook: Object, pod: Object, container: Object, container_id: str) -> None:
        """Runs to the end. Raises HookFailed."""
        where = f'for Container "{container["name"]}" in Pod "{pod_full_name(pod)}" failed'
        if "exec" in hook:
            await self._exec(hook["exec"].get("command") or [], container_id, where)
        elif "httpGet" in hook:
            await self._http(hook["httpGet"], pod, container, where)
        elif "sleep" in hook:
            await _sleep(hook["sleep"].get("seconds") or 0)
        else:
            raise HookFailed(f"Cannot run handler: invalid handler: {' '.join(hook)}")

    async def _exec(self, command: list[str], container_id: str, where: str) -> None:
        shown = f"Exec lifecycle hook ([{' '.join(command)}]) {where}"
        try:
            result = await self._runtime.exec_sync(container_id, command, EXEC_SECONDS)
        except (ContainerRuntimeError, TimeoutError) as error:
            raise HookFailed(f'{shown} - error: {error}, message: ""') from error
        if result.exit_code:
            output = result.output.decode(errors="replace")
            why = f"command '{' '.join(command)}' exited with {result.exit_code}: {output}"
            raise HookFailed(f"{shown} - error: {why}, message: {quote(output)}")

    async def _http(self, action: Object, pod: Object, container: Object, where: str) -> None:
        try:
            request = http_get(action, container, (pod.get("status") or {}).get("podIP") or "")
            await self._get(request, pod)
        except (HttpFailed, PortError) as error:
            message = f"HTTP lifecycle hook ({action.get('path') or ''}) {where} - error: {error}"
            raise HookFailed(message) from error

    async def _get(self, request: HttpGet, pod: Object) -> None:
        """Whatever the answer. Where TLS is asked for and not spoken, plain HTTP will do, with an Event."""
        headers = (("User-Agent", "kube-lifecycle/1.34"), *request.headers)
        try:
            await follow(request.url, headers)
        except HttpFailed as error:
            if str(error) != NOT_TLS:
                raise HttpFailed(f'Get "{request.url}": {error}') from error
            await self._get_plainly(request, pod, error)

    async def _get_plainly(self, request: HttpGet, pod: Object, first: HttpFailed) -> None:
        plain = request.url.replace("https:", "http:", 1)
        headers = [each for each in request.headers if each[0].lower() != "authorization"]
        try:
            await follow(plain, (("User-Agent", "kube-lifecycle/1.34"), *headers))
        except HttpFailed:
            raise HttpFailed(f'Get "{request.url}": {first}') from first
        message = (
            f"request to HTTPS lifecycle hook {request.authority} got HTTP response, "
            "retry with HTTP succeeded"
        )
        HTTP_FALLBACKS.inc()
        self._recorder.event(pod_reference(pod), WARNING, "LifecycleHTTPFallback", message)


async def _sleep(seconds: float) -> None:
    """The container's grace may be over before."""
    try:
        await asyncio.sleep(seconds)
    except asyncio.CancelledError:
        SLEEPS_CUT_SHORT.inc()
        raise
