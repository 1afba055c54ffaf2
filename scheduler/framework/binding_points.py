"""What plugins have to do with a pod once its node is chosen: reserve, permit, preBind, bind, postBind.

Source: pkg/scheduler/framework/runtime/framework.go of Kubernetes 1.34.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from apimachinery.errors import StatusError
from client.errors import ConnectionFailed
from scheduler.framework.interface import (
    SKIP,
    BindPlugin,
    PermitPlugin,
    Plugin,
    PostBindPlugin,
    PreBindError,
    PreBindPlugin,
    ReservePlugin,
    States,
    Verdict,
    Wait,
)
from scheduler.node_info import NodeInfo
from scheduler.pod_info import PodInfo

log = logging.getLogger(__name__)

DEFAULT_BINDER = "DefaultBinder"

# What each plugin has set aside for a pod.
Reservations = dict[str, Any]
_FAILURES = (PreBindError, StatusError, ConnectionFailed)


class BindingPoints:
    """The plugins of one profile. `plugins`: by name; `points`: extension point -> their names in order."""

    def __init__(self, plugins: Mapping[str, Plugin], points: Mapping[str, Sequence[str]]) -> None:
        def at(point: str) -> dict[str, Plugin]:
            return {name: plugins[name] for name in points[point] if name in plugins}

        self._reserving = {name: it for name, it in at("reserve").items() if isinstance(it, ReservePlugin)}
        self._permitting = {name: it for name, it in at("permit").items() if isinstance(it, PermitPlugin)}
        self._pre_binding = {name: it for name, it in at("preBind").items() if isinstance(it, PreBindPlugin)}
        self._post_binding = [it for it in at("postBind").values() if isinstance(it, PostBindPlugin)]
        self._binders = points["bind"]
        self._binding = {name: it for name, it in at("bind").items() if isinstance(it, BindPlugin)}
        # Those that set nothing aside have something to do for every pod.
        self._always_waits = any(name not in self._reserving for name in self._pre_binding)

    def reserve(self, pod: PodInfo, node: NodeInfo, states: States, reserved: Reservations) -> Verdict | None:
        """Adds to `reserved` what each plugin sets aside, until one says no."""
        for name, plugin in self._reserving.items():
            if states.get(name) is SKIP:
                continue
            found = plugin.reserve(pod, node, states.get(name))
            if isinstance(found, Verdict):
                return found
            if found is not None:
                reserved[name] = found
        return None

    def unreserve(self, pod: PodInfo, reserved: Reservations) -> None:
        """A plugin that breaks keeps neither the others from it nor the pod's room."""
        for name, found in reversed(reserved.items()):
            try:
                self._reserving[name].unreserve(pod, found)
            except Exception:
                log.exception("Unreserving failed: plugin=%s pod=%s", name, pod.key)

    def permit(self, pod: PodInfo, node: NodeInfo) -> dict[str, float] | Verdict:
        """How long each plugin that wants the pod to wait lets it wait; or a plugin's no."""
        seconds: dict[str, float] = {}
        for name, plugin in self._permitting.items():
            answer = plugin.permit(pod, node)
            if isinstance(answer, Verdict):
                return answer
            if isinstance(answer, Wait):
                seconds[name] = answer.seconds
        return seconds

    def takes_long(self, reserved: Reservations) -> bool:
        """Whether something has to be got ready before the pod is bound."""
        return bool(reserved) or self._always_waits

    async def pre_bind(self, pod: PodInfo, reserved: Reservations) -> None:
        """Has everything ready. Raises PreBindError with the plugin's name."""
        for name, plugin in self._pre_binding.items():
            if name in self._reserving and name not in reserved:
                continue
            try:
                await plugin.pre_bind(pod, reserved.get(name))
            except _FAILURES as error:
                raise PreBindError(f'running PreBind plugin "{name}": {error}') from error

    async def bind(self, pod: PodInfo, default: Callable[[], Awaitable[None]]) -> None:
        """By the first plugin that does it; `default` is the scheduler's own. Raises PreBindError."""
        for name in self._binders:
            try:
                if name == DEFAULT_BINDER:
                    return await default()
                if await self._binding[name].bind(pod):
                    return None
            except _FAILURES as error:
                raise PreBindError(f'running Bind plugin "{name}": {error}') from error
        raise PreBindError("no Bind plugin has bound the pod")

    def post_bind(self, pod: PodInfo) -> None:
        for plugin in self._post_binding:
            plugin.post_bind(pod)
