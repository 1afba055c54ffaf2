"""Paths that lead to no resource: discovery, the version, the issuer of tokens. Neutral between v2 and v3."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from apimachinery.objects import Object
from apimachinery.resource import version_path
from apimachinery.scheme import Resource, lookup
from apiserver.negotiation import MEDIA_TYPES
from apiserver.openapi.operations import PATCH, camel, group_title, tag_of
from component_base.version import version_info

_META = "io.k8s.apimachinery.pkg.apis.meta.v1"
_DISCOVERY = tuple(MEDIA_TYPES.values())
_JSON = (MEDIA_TYPES["json"],)
_SECURITY = {
    "description": "Bearer Token authentication",
    "in": "header",
    "name": "authorization",
    "type": "apiKey",
}
SECURITY_SCHEMES = {"BearerToken": _SECURITY}


VERSION = "io.k8s.apimachinery.pkg.version.Info"
EXTRA_DEFINITIONS: Mapping[str, Object] = {
    PATCH: {"description": "Patch is a change to an object.", "type": "object"},
    VERSION: {
        "description": "Info tells which Kubernetes this is.",
        "type": "object",
        "required": [
            name for name in version_info() if not name.startswith(("emulation", "minCompatibility"))
        ],
        "properties": {name: {"type": "string"} for name in sorted(version_info())},
    },
}
"""Those that upstream's list of definitions leaves out, since no kind has them."""


@dataclass(frozen=True, slots=True)
class Fixed:
    """A GET. `answer` names a definition, "" where it is text."""

    path: str
    document: str
    """The path of its document of v3."""
    operation_id: str
    tag: str
    description: str
    answer: str
    answer_types: tuple[str, ...] = _DISCOVERY
    body_types: tuple[str, ...] = _DISCOVERY


_ALWAYS = (
    Fixed("/api/", "api", "getCoreAPIVersions", "core", "get available API versions", f"{_META}.APIVersions"),
    Fixed("/apis/", "apis", "getAPIVersions", "apis", "get available API versions", f"{_META}.APIGroupList"),
    Fixed(
        "/version/",
        "version",
        "getCodeVersion",
        "version",
        "get the version information for this server",
        VERSION,
        _JSON,
        _JSON,
    ),
    Fixed(
        "/.well-known/openid-configuration/",
        ".well-known/openid-configuration",
        "getServiceAccountIssuerOpenIDConfiguration",
        "WellKnown",
        "get service account issuer OpenID configuration, also known as the 'OIDC discovery doc'",
        "",
        _JSON,
        (),
    ),
    Fixed(
        "/openid/v1/jwks/",
        "openid/v1/jwks",
        "getServiceAccountIssuerOpenIDKeyset",
        "openid",
        "get service account issuer OpenID JSON Web Key Set (contains public token verification keys)",
        "",
        ("application/jwk-set+json",),
        (),
    ),
)


def fixed_paths(resources: Iterable[Resource]) -> list[Fixed]:
    """Those that are always there, and of each built-in group and version that is served."""
    built_in = [each for each in resources if lookup(each.group, each.version, each.plural) is not None]
    return [*_ALWAYS, *_of_groups(built_in), *_of_versions(built_in)]


def _of_groups(resources: Sequence[Resource]) -> Iterator[Fixed]:
    for group in sorted({each.group for each in resources if each.group}):
        title = group_title(group)
        yield Fixed(
            f"/apis/{group}/",
            f"apis/{group}",
            f"get{camel(title)}APIGroup",
            title,
            "get information of a group",
            f"{_META}.APIGroup",
        )


def _of_versions(resources: Sequence[Resource]) -> Iterator[Fixed]:
    versions = {(each.group, each.version): each for each in resources}
    for (group, version), one in sorted(versions.items()):
        path = version_path(group, version)
        title = f"{camel(group_title(group))}{camel(version)}"
        yield Fixed(
            f"{path}/",
            path.removeprefix("/"),
            f"get{title}APIResources",
            tag_of(one),
            "get available resources",
            f"{_META}.APIResourceList",
        )
