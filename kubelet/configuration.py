"""KubeletConfiguration (kubelet.config.k8s.io/v1beta1).

Read from its file, merged with the flags, checked. Pure.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from apimachinery.durations import parse_duration
from component_base.features import FeatureGateError, FeatureGates, parse_gates
from component_base.tls_options import TlsOptionsError, check_tls
from kubelet.configuration_checks import complaints
from kubelet.configuration_defaults import ACCEPTED, DEFAULTS, ZERO_IS_DEFAULT
from kubelet.configuration_flags import settings_of
from kubelet.options import Options

log = logging.getLogger(__name__)

API_VERSION, KIND = "kubelet.config.k8s.io/v1beta1", "KubeletConfiguration"


class ConfigError(Exception):
    """The file is no KubeletConfiguration."""


def load_document(document: Any) -> dict[str, Any]:
    """What the file says. Raises ConfigError."""
    if document is None:
        return {}
    if not isinstance(document, dict):
        raise ConfigError("failed to load kubelet config file: not an object")
    version, kind = document.get("apiVersion"), document.get("kind")
    if (version, kind) != (API_VERSION, KIND):
        raise ConfigError(f'no kind "{kind}" is registered for version "{version}" in scheme')
    fields = {key: value for key, value in document.items() if key not in ("apiVersion", "kind")}
    unknown = [each for each in fields if each not in DEFAULTS and each not in ACCEPTED]
    if unknown:
        log.warning("Ignoring unknown fields of the configuration: fields=%s", unknown)
    known = {key: value for key, value in fields.items() if key not in unknown}
    if problem := next(filter(None, map(_why_unreadable, known, known.values())), ""):
        raise ConfigError(f"failed to load kubelet config file: {problem}")
    return known


_KINDS = {bool: "bool", int: "number", float: "number", str: "string", list: "array", dict: "object"}
_GO_TYPES = {
    bool: "bool", int: "int32", float: "float64", str: "string", list: "[]string", dict: "map[string]string",
}  # fmt: skip
_LONG = ("maxOpenFiles", "podPidsLimit")
_STRINGS = ("allowedUnsafeSysctls", "clusterDNS", "enforceNodeAllocatable", "tlsCipherSuites")


def _why_unreadable(name: str, value: Any) -> str:
    """What Go says of a value of another type than the field's, or ""; not of all that is in it."""
    default = {**DEFAULTS, **ACCEPTED}[name]
    if value is None or default is None:
        return ""
    if _KINDS.get(type(value)) != _KINDS[type(default)]:
        return _mismatch(name, value, "int64" if name in _LONG else _GO_TYPES[type(default)])
    for item in value if name in _STRINGS else ():
        if not isinstance(item, str):
            return _mismatch(name, item, "string")
    return _why_no_duration(value) if isinstance(default, str) and not _why_no_duration(default) else ""


def _mismatch(name: str, value: Any, wanted: str) -> str:
    field = f"Go struct field KubeletConfiguration.{name} of type {wanted}"
    return f"json: cannot unmarshal {_KINDS.get(type(value), 'string')} into {field}"


def _why_no_duration(text: str) -> str:
    try:
        parse_duration(text)
    except ValueError as error:
        return str(error)
    return ""


def gates_of(configuration: Mapping[str, Any]) -> FeatureGates:
    """Raises ConfigError."""
    try:
        return parse_gates(configuration["featureGates"])
    except FeatureGateError as error:
        message = f"failed to set feature gates from initial flags-based config: {error}"
        raise ConfigError(message) from None


def check(configuration: Mapping[str, Any]) -> None:
    """Raises ConfigError with all that no kubelet would start with."""
    try:
        check_tls(configuration["tlsMinVersion"], configuration["tlsCipherSuites"])
        found = complaints(configuration, gates_of(configuration))
    except TlsOptionsError as error:
        raise ConfigError(str(error)) from None
    except ValueError as error:  # a duration that is none
        raise ConfigError(f"failed to load kubelet config file: {error}") from None
    if found:
        words = found[0] if len(found) == 1 else f"[{', '.join(found)}]"
        raise ConfigError(f"failed to validate kubelet configuration, error: {words}")


def merge(document: Mapping[str, Any], options: Options) -> dict[str, Any]:
    """Defaults, overlaid by the file and what follows from it, overlaid by the flags that were given."""
    given = _given(document)
    of_file = _overlay(_overlay(DEFAULTS, ACCEPTED), {**given, **_following(given)})
    return _overlay(of_file, _of_flags(options))


def _given(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Without what says that it is not given: null, and zero where that stands for the default."""
    return {
        key: _given(value) if isinstance(value, dict) else value
        for key, value in fields.items()
        if value is not None and not (key in ZERO_IS_DEFAULT and _is_zero(value))
    }


def _is_zero(value: int | str) -> bool:
    """Of a number, a duration, a string."""
    return not str(value).strip("0hms")


def _following(given: Mapping[str, Any]) -> dict[str, Any]:
    """Fields whose default depends on others that are given."""
    found: dict[str, Any] = {}
    if (given.get("maxParallelImagePulls") or 1) > 1:
        found["serializeImagePulls"] = given.get("serializeImagePulls", False)
    if "nodeStatusUpdateFrequency" in given:
        period = given["nodeStatusUpdateFrequency"]
        found["nodeStatusReportFrequency"] = given.get("nodeStatusReportFrequency", period)
    if given.get("mergeDefaultEvictionSettings"):
        found["evictionHard"] = {**DEFAULTS["evictionHard"], **given.get("evictionHard", {})}
    return found


def _overlay(under: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(under)
    for key, value in over.items():
        both = isinstance(value, dict) and isinstance(merged.get(key), dict)
        replaces = key.startswith("eviction") or key in ("systemReserved", "kubeReserved")
        merged[key] = _overlay(merged[key], value) if both and not replaces else value
    return merged


def _of_flags(options: Options) -> dict[str, Any]:
    gates = {"featureGates": options.feature_gates} if options.feature_gates else {}
    return settings_of(options) | gates
