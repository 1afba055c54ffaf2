"""How an admission plugin says no: upstream's admission.NewForbidden."""

from __future__ import annotations

from apimachinery.errors import ForbiddenError
from apiserver.admission.attributes import Attributes


def refuse(attributes: Attributes, why: object) -> ForbiddenError:
    """`pods "web" is forbidden: why`; an object that has no name yet is named by its generateName."""
    return ForbiddenError(attributes.resource, name_for_refusal(attributes), why)


def name_for_refusal(attributes: Attributes) -> str:
    if attributes.name:
        return attributes.name
    metadata = (attributes.object or {}).get("metadata") or {}
    return metadata.get("name") or metadata.get("generateName") or "Unknown"
