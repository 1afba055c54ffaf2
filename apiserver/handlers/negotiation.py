"""What the Accept header asks for: JSON or YAML; the object, a Table or only its metadata.

Upstream: https://kubernetes.io/docs/reference/using-api/api-concepts/#alternate-representations-of-resources
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from apimachinery.errors import NotAcceptableError

Form = Literal["", "Table", "PartialObjectMetadata"]

_MEDIA = {
    "application/json": "json", "application/*": "json", "*/*": "json", "application/yaml": "yaml",
}  # fmt: skip
_REFUSAL = (
    "only the following media types are accepted: application/json, application/yaml, "
    "application/vnd.kubernetes.protobuf"
)
_META_VERSIONS = ("v1", "v1beta1")


@dataclass(frozen=True, slots=True)
class Negotiated:
    media: str = "json"
    form: Form = ""
    version: str = "v1"
    """Of meta.k8s.io, for a form."""


PLAIN = Negotiated()


def negotiate(accept: str, *, of_list: bool, tables: bool = True) -> Negotiated:
    """The first thing acceptable that we have. `tables` says if we have tables. Raises NotAcceptableError."""
    if not accept or accept in ("application/json", "*/*"):
        return PLAIN
    found = _choose(accept, of_list, tables)
    if found is None:
        raise NotAcceptableError(_REFUSAL)
    return found


@lru_cache(maxsize=256)
def _choose(accept: str, of_list: bool, tables: bool) -> Negotiated | None:
    clauses = [_parse(clause) for clause in accept.split(",") if clause.strip()]
    for media, parameters, _ in sorted(clauses, key=lambda clause: -clause[2]):
        found = _form(_MEDIA[media], parameters, of_list) if media in _MEDIA else None
        if found is not None and (tables or found.form != "Table"):
            return found
    return None


def _parse(clause: str) -> tuple[str, dict[str, str], float]:
    media, *rest = (part.strip() for part in clause.split(";"))
    parameters = dict(part.partition("=")[::2] for part in rest)
    try:
        quality = float(parameters.pop("q", "1"))
    except ValueError:
        quality = 1.0
    return media, parameters, quality


def _form(media: str, parameters: dict[str, str], of_list: bool) -> Negotiated | None:
    """None if it is a form that we do not have."""
    name = parameters.get("as", "")
    if not name:
        return Negotiated(media)
    version = parameters.get("v", "")
    if parameters.get("g") != "meta.k8s.io" or version not in _META_VERSIONS:
        return None
    if name == "Table":
        return Negotiated(media, "Table", version)
    if name == ("PartialObjectMetadataList" if of_list else "PartialObjectMetadata"):
        return Negotiated(media, "PartialObjectMetadata", version)
    return None
