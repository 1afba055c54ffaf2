"""What a resource is: its names, its URL paths, its storage keys, and what its subresources speak.

The table of the built-in ones is `scheme`, which everybody imports; this is its vocabulary.
"""

from __future__ import annotations

from dataclasses import dataclass

ADMISSION = "admissionregistration.k8s.io"
APIEXTENSIONS = "apiextensions.k8s.io"
APIREGISTRATION = "apiregistration.k8s.io"
AUTHENTICATION = "authentication.k8s.io"
AUTHORIZATION = "authorization.k8s.io"
CERTIFICATES = "certificates.k8s.io"
COORDINATION = "coordination.k8s.io"
DISCOVERY = "discovery.k8s.io"
EVENTS_GROUP = "events.k8s.io"
FLOWCONTROL = "flowcontrol.apiserver.k8s.io"
NETWORKING = "networking.k8s.io"
NODE_GROUP = "node.k8s.io"
RBAC = "rbac.authorization.k8s.io"
RESOURCE = "resource.k8s.io"
SCHEDULING = "scheduling.k8s.io"
STORAGE = "storage.k8s.io"

GROUP_ORDER: tuple[str, ...] = (
    "",
    APIREGISTRATION,
    "apps",
    EVENTS_GROUP,
    AUTHENTICATION,
    AUTHORIZATION,
    "autoscaling",
    "batch",
    CERTIFICATES,
    NETWORKING,
    "policy",
    RBAC,
    STORAGE,
    ADMISSION,
    APIEXTENSIONS,
    SCHEDULING,
    COORDINATION,
    NODE_GROUP,
    DISCOVERY,
    RESOURCE,
    FLOWCONTROL,
)
"""The groups in the order in which upstream's discovery lists them; kubectl resolves short names in it."""


def version_path(group: str, version: str) -> str:
    """The URL path of what a version of a group serves."""
    return f"/apis/{group}/{version}" if group else f"/api/{version}"


_BUILTIN_GROUPS = frozenset(GROUP_ORDER)

ALL_VERBS = ("create", "delete", "deletecollection", "get", "list", "patch", "update", "watch")
CREATE_ONLY = ("create",)


@dataclass(frozen=True, slots=True)
class Resource:
    """One resource as discovery lists it. Subresources are names; `subresource_of` tells more."""

    group: str
    version: str
    plural: str
    kind: str
    namespaced: bool
    singular: str = ""
    short_names: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    verbs: tuple[str, ...] = ALL_VERBS
    subresources: tuple[str, ...] = ()
    list_kind: str = ""
    """The kind of lists, where that is not the kind with `List` at its end."""

    def __hash__(self) -> int:
        """By its name: resources are looked up all the time, and hashing the rest of it takes long."""
        return hash((self.group, self.plural))

    @property
    def kind_of_list(self) -> str:
        return self.list_kind or f"{self.kind}List"

    @property
    def api_version(self) -> str:
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def gvk(self) -> tuple[str, str, str]:
        return (self.group, self.version, self.kind)

    @property
    def group_resource(self) -> str:
        """`pods` or `deployments.apps`: the name in errors and RBAC-like texts."""
        return f"{self.plural}.{self.group}" if self.group else self.plural

    @property
    def group_kind(self) -> str:
        """`Pod` or `Deployment.apps`."""
        return f"{self.kind}.{self.group}" if self.group else self.kind

    def path(
        self, namespace: str | None = None, name: str | None = None, subresource: str | None = None
    ) -> str:
        """The URL path of an object, or of the collection if no name is given."""
        parts = [version_path(self.group, self.version)]
        if namespace and self.namespaced:
            parts += ["namespaces", namespace]
        parts.append(self.plural)
        parts += [part for part in (name, subresource) if part]
        return "/".join(parts)

    @property
    def storage_prefix(self) -> str:
        """Upstream's etcd prefix, with a slash at the end. All versions of a resource share it."""
        return f"/registry/{_STORAGE_NAMES.get(self.group_resource) or self._default_storage_name}/"

    @property
    def _default_storage_name(self) -> str:
        """Custom resources, CRDs and APIServices are kept under group and plural, others under the plural."""
        grouped = self.group not in _BUILTIN_GROUPS or self.group in _GROUPED_STORAGE
        return f"{self.group}/{self.plural}" if grouped else self.plural

    def storage_key(self, namespace: str, name: str) -> str:
        """The key of one object."""
        return (
            f"{self.storage_prefix}{namespace}/{name}" if self.namespaced else f"{self.storage_prefix}{name}"
        )


@dataclass(frozen=True, slots=True)
class Subresource:
    """What a subresource speaks: the group, version and kind of its bodies, and its verbs."""

    name: str
    group: str
    version: str
    kind: str
    verbs: tuple[str, ...]


_STORAGE_NAMES = {
    "replicationcontrollers": "controllers",
    "endpoints": "services/endpoints",
    "services": "services/specs",
    "nodes": "minions",
    "ingresses.networking.k8s.io": "ingress",
}
_GROUPED_STORAGE = {"apiextensions.k8s.io", "apiregistration.k8s.io"}
