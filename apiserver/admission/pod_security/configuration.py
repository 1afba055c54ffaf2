"""PodSecurityConfiguration: the policy of namespaces that say nothing, and who is exempt."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from apimachinery.objects import Object
from apiserver.admission.configuration import ConfigurationError
from apiserver.admission.pod_security.policy import MODES, Policy, Standard, parse_level, parse_version

_VERSIONS = tuple(f"pod-security.admission.config.k8s.io/{each}" for each in ("v1", "v1beta1", "v1alpha1"))


@dataclass(frozen=True, slots=True)
class Configuration:
    defaults: Policy = field(default_factory=Policy)
    usernames: frozenset[str] = frozenset()
    namespaces: frozenset[str] = frozenset()
    runtime_classes: frozenset[str] = frozenset()


def parse_configuration(document: Object) -> Configuration:
    """Of the plugin's part of the file; an empty one is the defaults. Raises ConfigurationError."""
    if not document:
        return Configuration()
    if document.get("kind") != "PodSecurityConfiguration" or document.get("apiVersion") not in _VERSIONS:
        raise ConfigurationError(f"PodSecurity: not a PodSecurityConfiguration of {_VERSIONS[0]}")
    said, exempt = document.get("defaults") or {}, document.get("exemptions") or {}

    def read(name: str, parse: Callable[[str], Any], default: str) -> Any:
        try:
            return parse(said.get(name) or default)
        except ValueError as error:
            raise ConfigurationError(f"PodSecurity: defaults.{name}: {error}") from None

    standards = {
        mode: Standard(
            read(mode, parse_level, "privileged"), read(f"{mode}-version", parse_version, "latest")
        )
        for mode in MODES
    }
    return Configuration(
        Policy(**standards),
        frozenset(exempt.get("usernames") or ()),
        frozenset(exempt.get("namespaces") or ()),
        frozenset(exempt.get("runtimeClasses") or ()),
    )
