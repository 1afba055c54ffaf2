"""KubeletConfiguration (kubelet.config.k8s.io/v1beta1).

Read from its file, merged with the flags, checked. Pure.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from component_base.config_shape import decoded, kind_problem, misfit, unknown_fields
from component_base.features import FeatureGateError, FeatureGates, parse_gates
from component_base.tls_options import TlsOptionsError, check_tls
from kubelet.configuration_checks import complaints, complaints_of_cgroups
from kubelet.configuration_defaults import ACCEPTED, DEFAULTS, ZERO_IS_DEFAULT
from kubelet.configuration_flags import settings_of
from kubelet.configuration_shape import CONFIGURATION
from kubelet.options import Options

log = logging.getLogger(__name__)

_REPLACED = ("systemReserved", "kubeReserved", "staticPodURLHeader")
"""Maps that are given as a whole."""

API_VERSION, KIND = "kubelet.config.k8s.io/v1beta1", "KubeletConfiguration"


class ConfigError(Exception):
    """The file is no KubeletConfiguration."""


def load_document(document: Any) -> dict[str, Any]:
    """What the file says. Raises ConfigError."""
    if document is None:
        return {}
    if problem := kind_problem(document, API_VERSION, KIND) or misfit(document, CONFIGURATION):
        raise ConfigError(f"failed to load kubelet config file: {problem}")
    if unknown := list(unknown_fields(document, CONFIGURATION)):
        log.warning("Ignoring unknown fields of the configuration: fields=%s", unknown)
    return {name: document[name] for name in document if name in DEFAULTS or name in ACCEPTED}


def gates_of(configuration: Mapping[str, Any]) -> FeatureGates:
    """Raises ConfigError."""
    try:
        return parse_gates(configuration["featureGates"])
    except FeatureGateError as error:
        message = f"failed to set feature gates from initial flags-based config: {error}"
        raise ConfigError(message) from None


def check(configuration: Mapping[str, Any], *, on_v1: bool = False) -> None:
    """Raises ConfigError with all that no kubelet would start with. `on_v1`: the version of cgroups."""
    try:
        check_tls(configuration["tlsMinVersion"], configuration["tlsCipherSuites"])
        found = complaints(configuration, gates_of(configuration))
        found += complaints_of_cgroups(configuration, on_v1=on_v1)
    except TlsOptionsError as error:
        raise ConfigError(str(error)) from None
    except ValueError as error:  # a duration that is none
        raise ConfigError(f"failed to load kubelet config file: {error}") from None
    if found:
        words = found[0] if len(found) == 1 else f"[{', '.join(found)}]"
        raise ConfigError(f"failed to validate kubelet configuration, error: {words}")


def merge(document: Mapping[str, Any], options: Options) -> dict[str, Any]:
    """Defaults, overlaid by the file and what follows from it, overlaid by the flags that were given."""
    given = _given(decoded(document, CONFIGURATION))
    of_file = _overlay(_overlay(DEFAULTS, ACCEPTED), {**given, **_following(given)})
    return _overlay(of_file, _of_flags(options))


def _given(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Without zero where that stands for the default."""
    return {
        key: _given(value) if isinstance(value, dict) else value
        for key, value in fields.items()
        if not (key in ZERO_IS_DEFAULT and _is_zero(value))
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
        replaces = key.startswith("eviction") or key in _REPLACED
        merged[key] = _overlay(merged[key], value) if both and not replaces else value
    return merged


def completed(options: Options, configuration: Mapping[str, Any]) -> Options:
    """Flags that all daemons have, from the file where there is none: one with its default counts as none."""
    logging = configuration["logging"]
    modules = tuple((each["filePattern"], int(each["verbosity"])) for each in logging.get("vmodule") or ())
    hidden = configuration["showHiddenMetricsForVersion"]
    return replace(
        options,
        v=options.v or int(logging.get("verbosity") or 0),
        logging_format="json" if "json" in (options.logging_format, logging.get("format")) else "text",
        vmodule=options.vmodule or modules,
        show_hidden_metrics_for_version=options.show_hidden_metrics_for_version or hidden,
    )


def _of_flags(options: Options) -> dict[str, Any]:
    gates = {"featureGates": options.feature_gates} if options.feature_gates else {}
    return settings_of(options) | gates
