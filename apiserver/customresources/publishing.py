"""A version's schema as the API publishes it: with the fields that every object has.

Source: pkg/controller/openapi/builder/builder.go of k8s.io/apiextensions-apiserver.
"""

from __future__ import annotations

from apimachinery.objects import Object
from apiserver.customresources.schema.structural import EMBEDDED

_OBJECT_META = {"$ref": "#/definitions/io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"}
_API_VERSION = (
    "APIVersion defines the versioned schema of this representation of an object. Servers should convert "
    "recognized schemas to the latest internal value, and may reject unrecognized values. More info: "
    "https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#resources"
)
_KIND = (
    "Kind is a string value representing the REST resource this object represents. Servers may infer this "
    "from the endpoint the client submits requests to. Cannot be updated. In CamelCase. More info: "
    "https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#types-kinds"
)
_METADATA = (
    "Standard object's metadata. More info: "
    "https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#metadata"
)
TYPE_FIELDS: Object = {
    "apiVersion": {"type": "string", "description": _API_VERSION},
    "kind": {"type": "string", "description": _KIND},
}


def published(schema: Object, *, is_root: bool = True) -> Object:
    """A copy in which resources have apiVersion, kind and metadata; what it says of metadata is left out."""
    result = dict(schema)
    properties = {name: published(each, is_root=False) for name, each in _fields(schema).items()}
    if is_root or schema.get(EMBEDDED):
        properties |= {**TYPE_FIELDS, "metadata": {"description": _METADATA, **_OBJECT_META}}
        result.setdefault("type", "object")
    if properties:
        result["properties"] = properties
    for word in ("items", "additionalProperties"):
        if isinstance(schema.get(word), dict):
            result[word] = published(schema[word], is_root=False)
    return result


def _fields(schema: Object) -> Object:
    fields: Object = schema.get("properties") or {}
    return fields
