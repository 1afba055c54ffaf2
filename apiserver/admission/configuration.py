"""--admission-control-config-file: what the file says to each plugin.

Source: staging/src/k8s.io/apiserver/pkg/admission/config.go of Kubernetes 1.34.
"""

from __future__ import annotations

from pathlib import Path

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
    return {each["name"]: _configuration(Path(path), each) for each in document.get("plugins") or ()}


def _configuration(main: Path, plugin: Object) -> Object:
    inline, path = plugin.get("configuration"), plugin.get("path")
    if inline is not None:
        return dict(inline)
    if not path:
        return {}
    try:
        found = from_yaml_strict(read_file(str(main.parent / path))).value
    except DecodeError as error:
        raise ConfigError(f"{path}: {error}") from None
    if not isinstance(found, dict):
        raise ConfigError(f"{path}: not an object")
    return found
