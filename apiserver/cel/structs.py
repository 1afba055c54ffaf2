"""Objects whose fields the checker knows: what expressions see beside an object of some kind.

Source: pkg/authorization/cel/compile.go, pkg/authentication/cel/compile.go and
pkg/admission/plugin/cel/compile.go of k8s.io/apiserver 0.34.
"""

from __future__ import annotations

from collections.abc import Mapping

from apiserver.cel.types import Struct, Type, parse_type

_SELECTOR = {"rawSelector": "string", "requirements": "list<SelectorRequirement>"}
_FIELDS: Mapping[str, Mapping[str, str]] = {
    "SelectorRequirement": {"key": "string", "operator": "string", "values": "list<string>"},
    "FieldSelectorAttributes": _SELECTOR,
    "LabelSelectorAttributes": _SELECTOR,
    "ResourceAttributes": {
        **dict.fromkeys(
            ("namespace", "verb", "group", "version", "resource", "subresource", "name"), "string"
        ),
        "fieldSelector": "FieldSelectorAttributes",
        "labelSelector": "LabelSelectorAttributes",
    },
    "NonResourceAttributes": {"path": "string", "verb": "string"},
    "SubjectAccessReviewSpec": {
        "resourceAttributes": "ResourceAttributes",
        "nonResourceAttributes": "NonResourceAttributes",
        "user": "string",
        "groups": "list<string>",
        "extra": "map<string,list<string>>",
        "uid": "string",
    },
    "UserInfo": {
        "username": "string",
        "uid": "string",
        "groups": "list<string>",
        "extra": "map<string,list<string>>",
    },
    "GroupVersionKind": dict.fromkeys(("group", "version", "kind"), "string"),
    "GroupVersionResource": dict.fromkeys(("group", "version", "resource"), "string"),
    "AdmissionRequest": {
        **dict.fromkeys(("kind", "requestKind"), "GroupVersionKind"),
        **dict.fromkeys(("resource", "requestResource"), "GroupVersionResource"),
        **dict.fromkeys(
            ("subResource", "requestSubResource", "name", "namespace", "operation"), "string"
        ),
        "userInfo": "UserInfo",
        "dryRun": "bool",
        "options": "dyn",
    },
    "NamespaceMetadata": {
        **dict.fromkeys(("name", "generateName", "namespace", "UID", "resourceVersion"), "string"),
        **dict.fromkeys(("labels", "annotations"), "map<string,string>"),
        **dict.fromkeys(("creationTimestamp", "deletionTimestamp"), "timestamp"),
        **dict.fromkeys(("deletionGracePeriodSeconds", "generation"), "int"),
        "finalizers": "list<string>",
    },
    "NamespaceSpec": {"finalizers": "list<string>"},
    "NamespaceCondition": {
        **dict.fromkeys(("status", "type", "message", "reason"), "string"),
        "lastTransitionTime": "timestamp",
    },
    "NamespaceStatus": {"conditions": "list<NamespaceCondition>", "phase": "string"},
    "Namespace": {"metadata": "NamespaceMetadata", "spec": "NamespaceSpec", "status": "NamespaceStatus"},
}  # fmt: skip


def _structs() -> Mapping[str, Struct]:
    """Those that others name come first in the table."""
    made: dict[str, Struct] = {}

    def resolved(kind: Type) -> Type:
        if kind.name in made:
            return made[kind.name]
        return Type(kind.name, tuple(map(resolved, kind.parameters)))

    for name, fields in _FIELDS.items():
        kinds = {field: resolved(parse_type(kind)) for field, kind in fields.items()}
        made[name] = Struct(f"kubernetes.{name}", fields=kinds)
    return made


STRUCTS = _structs()
"""By name, without the package."""
