"""Admission plugins of one's own: Python modules that --admission-plugins-from names.

A module has a function `plugins(cluster)` that gives a list of Plugins; docs/admission.md shows one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from apimachinery.objects import Object
from apiserver.admission.attributes import Plugin
from apiserver.config_files import ConfigError
from apiserver.storage.cached import Lookup
from component_base.own_modules import ModuleError, load_module


@dataclass(frozen=True, slots=True)
class Cluster:
    """What a plugin may look at: objects as this server's cache knows them, the caller's own to keep."""

    get: Lookup
    """get(resource, namespace, name): the object, or None."""
    list: Callable[..., list[Object]]
    """list(resource) or list(resource, namespace)."""
    configuration: Callable[[str], Object]
    """configuration(plugin's name): its part of --admission-control-config-file; {} if there is none."""


def load_plugins(sources: tuple[str, ...], cluster: Cluster) -> list[Plugin]:
    """The plugins of modules (`package.module`) and files (`/path/to/file.py`). Raises ConfigError."""
    return [plugin for source in sources for plugin in _plugins_of(source, cluster)]


def _plugins_of(source: str, cluster: Cluster) -> list[Plugin]:
    try:
        make = getattr(load_module(source), "plugins", None)
    except ModuleError as error:
        raise ConfigError(f"--admission-plugins-from {source}: {error}") from error
    if make is None:
        raise ConfigError(f"--admission-plugins-from {source}: there is no function plugins(cluster)")
    found: list[Plugin] = list(make(cluster))
    for each in found:
        if not getattr(each, "name", ""):
            raise ConfigError(f"--admission-plugins-from {source}: {each!r} has no name")
    return found
