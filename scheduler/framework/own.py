"""Scheduler plugins of one's own: Python modules that --plugins-from names.

A module has a list PLUGINS of classes, which profiles enable by name; docs/scheduler.md shows one.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from client.rest import Client
from component_base.own_modules import ModuleError, load_module
from scheduler.cache import Cache
from scheduler.config import ConfigError
from scheduler.framework.interface import EventKind, Hints, Normalize, always
from scheduler.framework.waiting import WaitingPods
from scheduler.node_info import NodeInfo
from scheduler.pod_info import PodInfo

FLAG = "--plugins-from"


@dataclass(frozen=True, slots=True)
class Handle:
    """What a plugin may use: nodes and pods as the scheduler sees them, not to be changed; pods that wait for
    leave to be bound; and the API."""

    cache: Cache
    waiting: WaitingPods
    client: Client


class OwnPlugin:
    """To be inherited from: a plugin has the extension points that it has methods for, `filter` and so on.

    Any event lets pods be tried again that it rejected; scores are taken as they are, 0 to 100.
    """

    name = ""
    is_static = False
    normalize = Normalize.NONE
    hints: Hints = dict.fromkeys(EventKind, always)

    def __init__(self, args: dict[str, Any], handle: Handle) -> None:
        """`args`: what pluginConfig of the profile says."""
        self.args, self.handle = args, handle

    def replace_node(self, pod: PodInfo, state: Any, old: NodeInfo, new: NodeInfo) -> Any:
        """See PreFilterPlugin."""
        return state


def load_plugins(sources: Iterable[str]) -> tuple[type[OwnPlugin], ...]:
    """The plugins of modules (`package.module`) and files (`/path/to/file.py`). Raises ConfigError."""
    return tuple(plugin for source in sources for plugin in _plugins_of(source))


def _plugins_of(source: str) -> list[type[OwnPlugin]]:
    try:
        found = getattr(load_module(source), "PLUGINS", None)
    except ModuleError as error:
        raise ConfigError(f"{FLAG} {source}: {error}") from error
    if found is None:
        raise ConfigError(f"{FLAG} {source}: there is no list PLUGINS")
    for each in found:
        if not (isinstance(each, type) and issubclass(each, OwnPlugin) and each.name):
            raise ConfigError(f"{FLAG} {source}: {each!r} is no OwnPlugin with a name")
    return list(found)
