"""--admission-control-config-file: what the file says to each plugin.

Source: staging/src/k8s.io/apiserver/pkg/admission/config.go of Kubernetes 1.34.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from apimachinery.objects import Object
from apimachinery.serialize import DecodeError, from_yaml_strict
from apiserver.config_files import ConfigError, decode_config, read_file
from component_base.config_shape import ANY, STRING, ListOf, Struct, of_type

_SHAPE = Struct("v1.AdmissionConfiguration", {
    **of_type(STRING, "apiVersion kind"),
    "plugins": ListOf(Struct("v1.AdmissionPluginConfiguration", {
        **of_type(STRING, "name path"), "configuration": ANY,
    })),
})  # fmt: skip


def load_configuration(path: str) -> dict[str, Object]:
    """Plugin names to their configurations, even those in files of their own. Raises ConfigError."""
    if not path:
        return {}
    document = decode_config(read_file(path), "apiserver.config.k8s.io/v1", "AdmissionConfiguration", _SHAPE)
    plugins = document.get("plugins") or ()
    return {each.get("name", ""): _configuration(Path(path), each) for each in plugins}


def _configuration(main: Path, plugin: Object) -> Object:
    found, path = plugin.get("configuration"), plugin.get("path") or ""
    if found is None and not path:
        return {}
    if found is None:
        found = _read(path, main.parent)
    if not isinstance(found, dict):
        raise ConfigError(f"{path or plugin.get('name', '')}: not an object")
    return found


def _read(path: str, folder: Path) -> Any:
    """Raises ConfigError."""
    try:
        return from_yaml_strict(read_file(str(folder / path))).value
    except DecodeError as error:
        raise ConfigError(f"{path}: {error}") from None
