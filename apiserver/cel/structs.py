"""Values whose fields upstream's checker knows, so that what names others is found when it is compiled.

Source: pkg/authorization/cel/compile.go and pkg/authentication/cel/compile.go of k8s.io/apiserver 0.34.
"""

from __future__ import annotations

from collections.abc import Mapping

from google.protobuf import descriptor_pb2

_SELECTOR = {"rawSelector": "string", "requirements": "list<SelectorRequirement>"}

STRUCTS: Mapping[str, Mapping[str, str]] = {
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
        "extra": "map",
        "uid": "string",
    },
    "UserInfo": {"username": "string", "uid": "string", "groups": "list<string>", "extra": "map"},
}
"""By name: the type of each field. A map is from strings to anything."""


def add_structs(file: descriptor_pb2.FileDescriptorProto) -> None:
    """As messages of the file, for the checker only: values go in as plain JSON."""
    file.dependency.append("google/protobuf/struct.proto")
    for name, fields in STRUCTS.items():
        message = file.message_type.add(name=name)
        for number, (field, kind) in enumerate(fields.items(), 1):
            _add_field(message, field, number, kind, file.package)


def _add_field(
    message: descriptor_pb2.DescriptorProto, name: str, number: int, kind: str, package: str
) -> None:
    field = message.field.add(name=name, number=number)
    inner = kind.removeprefix("list<").removesuffix(">")
    field.label = field.LABEL_OPTIONAL if inner == kind else field.LABEL_REPEATED
    if inner == "string":
        field.type = field.TYPE_STRING
        return
    field.type = field.TYPE_MESSAGE
    field.type_name = ".google.protobuf.Struct" if inner == "map" else f".{package}.{inner}"
