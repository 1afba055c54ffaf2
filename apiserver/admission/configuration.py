"""--admission-control-config-file: what the file says to each plugin.

Source: staging/src/k8s.io/apiserver/pkg/admission/config.go of Kubernetes 1.34.
"""

from __future__ import annotations

from pathlib import Path

from apimachinery.objects import Object
from apimachinery.serialize import DecodeError, from_yaml_strict

API_VERSION = "apiserver.config.k8s.io/v1"


class ConfigurationError(Exception):
    """A file that does not say what it should; the message tells which and what."""


def load_configuration(path: str) -> dict[str, Object]:
    """Plugin names to their configurations, even those in files of their own. Raises ConfigurationError."""
    if not path:
        return {}
    file = Path(path)
    document = _read(file)
    if (document.get("apiVersion"), document.get("kind")) != (API_VERSION, "AdmissionConfiguration"):
        raise ConfigurationError(f"{file}: not an AdmissionConfiguration of {API_VERSION}")
    return {each["name"]: _configuration(file, each) for each in document.get("plugins") or ()}


def _configuration(file: Path, plugin: Object) -> Object:
    inline, path = plugin.get("configuration"), plugin.get("path")
    if inline is not None:
        return dict(inline)
    return _read(file.parent / path) if path else {}


def _read(file: Path) -> Object:
    try:
        found = from_yaml_strict(file.read_text()).value
    except (OSError, DecodeError) as error:
        raise ConfigurationError(f"{file}: {error}") from None
    if not isinstance(found, dict):
        raise ConfigurationError(f"{file}: not an object")
    return found
