"""PodSecurityConfiguration: the policy of namespaces that say nothing, and who is exempt."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from apimachinery.objects import Object
from apimachinery.serialize import Decoded
from apiserver.admission.pod_security.policy import MODES, Policy, Standard, parse_level, parse_version
from apiserver.config_files import ConfigError, fit
from component_base.config_shape import STRING, ListOf, Struct, of_type

_VERSIONS = tuple(f"pod-security.admission.config.k8s.io/{each}" for each in ("v1", "v1beta1", "v1alpha1"))

_SHAPE = Struct("v1.PodSecurityConfiguration", {
    **of_type(STRING, "apiVersion kind"),
    "defaults": Struct("v1.PodSecurityDefaults", {
        name: STRING for mode in MODES for name in (mode, f"{mode}-version")
    }),
    "exemptions": Struct(
        "v1.PodSecurityExemptions", of_type(ListOf(STRING), "usernames namespaces runtimeClasses")
    ),
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Configuration:
    defaults: Policy = field(default_factory=Policy)
    usernames: frozenset[str] = frozenset()
    namespaces: frozenset[str] = frozenset()
    runtime_classes: frozenset[str] = frozenset()


def parse_configuration(document: Object) -> Configuration:
    """Of the plugin's part of the file; an empty one is the defaults. Raises ConfigError."""
    if not document:
        return Configuration()
    if document.get("kind") != "PodSecurityConfiguration" or document.get("apiVersion") not in _VERSIONS:
        raise ConfigError(f"PodSecurity: not a PodSecurityConfiguration of {_VERSIONS[0]}")
    try:
        document = fit(Decoded(document), _SHAPE)
    except ConfigError as error:
        raise ConfigError(f"PodSecurity: {error}") from None
    said, exempt = document.get("defaults") or {}, document.get("exemptions") or {}

    def read(name: str, parse: Callable[[str], Any], default: str) -> Any:
        try:
            return parse(said.get(name) or default)
        except ValueError as error:
            raise ConfigError(f"PodSecurity: defaults.{name}: {error}") from None

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
