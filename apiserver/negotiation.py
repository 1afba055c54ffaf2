"""What the Accept header asks for: JSON, YAML or protobuf; the object, a Table or only its metadata.

Source: pkg/endpoints/handlers/negotiation of kubernetes/apiserver 0.34 and the goautoneg that it uses; see
https://kubernetes.io/docs/reference/using-api/api-concepts/#alternate-representations-of-resources
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal, NamedTuple

from apimachinery.errors import NotAcceptableError, UnroutedAnswerError
from apimachinery.protobuf import CONTENT_TYPE

Media = Literal["json", "yaml", "protobuf"]
Form = Literal["", "Table", "PartialObjectMetadata", "PartialObjectMetadataList"]

MEDIA_TYPES: dict[Media, str] = {
    "json": "application/json",
    "yaml": "application/yaml",
    "protobuf": CONTENT_TYPE,
}
"""In the order in which they are offered to who takes anything."""
_ACCEPTED = "only the following media types are accepted: {}"
_REFUSAL = _ACCEPTED.format(", ".join(MEDIA_TYPES.values()))
_UNROUTABLE = "406: Not Acceptable\n\nAvailable representations: {}"
_STREAMS: tuple[Media, ...] = ("json", "protobuf")
STREAM_TYPES = [f"{MEDIA_TYPES[media]};stream=watch" for media in _STREAMS]
ROUTED = tuple(MEDIA_TYPES.values())
ROUTED_LISTS = (*ROUTED, *STREAM_TYPES)
"""What upstream's router is told that paths answer with."""
_STREAM_REFUSAL = _ACCEPTED.format(", ".join(STREAM_TYPES))
_META, _META_VERSIONS = "meta.k8s.io", ("v1", "v1beta1")
_PARTIAL: Mapping[str, Form] = {each: each for each in ("PartialObjectMetadata", "PartialObjectMetadataList")}


@dataclass(frozen=True, slots=True)
class Negotiated:
    media: Media = "json"
    form: Form = ""
    version: str = "v1"
    """Of meta.k8s.io, for a form."""


class Target(NamedTuple):
    """A kind that an object is to be shown as."""

    group: str
    version: str
    kind: str


class _Clause(NamedTuple):
    type: str
    subtype: str
    parameters: dict[str, str]
    quality: float


PLAIN = Negotiated()
Allows = Callable[[Media, Target | None], bool]
"""allows(media, target) says whether there is such a thing; the target is None for the object itself."""


def refuse_unroutable(accept: str, offered: tuple[str, ...] = ROUTED) -> None:
    """What a path offers must be named in the header as it is, or */*: so upstream's router finds handlers.

    Raises NotAcceptableError.
    """
    if accept and not _is_routable(accept, offered):
        raise UnroutedAnswerError(_UNROUTABLE.format(", ".join(offered)))


@lru_cache(maxsize=256)
def _is_routable(accept: str, offered: tuple[str, ...]) -> bool:
    named = {clause.partition(";")[0].strip(" ") for clause in accept.split(",")}
    return not named.isdisjoint(("*/*", *offered))


@lru_cache(maxsize=256)
def best_of(accept: str, offered: tuple[str, ...]) -> str | None:
    """The first media type that a client takes of those of a document; None if it takes none."""
    if not accept:
        return offered[0]
    for clause in _sorted_clauses(accept):
        for media in offered:
            anything_like_it = f"{media.partition('/')[0]}/*"
            if f"{clause.type}/{clause.subtype}" in (media, anything_like_it, "*/*"):
                return media
    return None


def negotiate(accept: str, *, tables: bool = True, protobuf: bool = True) -> Negotiated:
    """The first thing acceptable that we have: of objects that have `tables`, and that protobuf can tell.

    Whether the answer is a list is not known yet: see `check_form`. Raises NotAcceptableError.
    """
    if not accept or accept in ("application/json", "*/*"):
        return PLAIN
    found = _choose(accept, tables, protobuf)
    if found is None:
        raise NotAcceptableError(_REFUSAL)
    return found


def negotiate_stream(accept: str, *, protobuf: bool) -> Negotiated:
    """The same for a watch. Events carry single objects, but clients also ask for lists in the form of the
    list they follow. Raises NotAcceptableError."""
    wanted = negotiate(accept, protobuf=protobuf)
    if wanted.media not in _STREAMS:
        raise NotAcceptableError(_STREAM_REFUSAL)
    is_list = wanted.form == "PartialObjectMetadataList"
    return replace(wanted, form="PartialObjectMetadata") if is_list else wanted


def check_form(wanted: Negotiated, go_type: str, *, is_list: bool) -> None:
    """Raises NotAcceptableError where metadata of a list is wanted of one object, or the other way round."""
    if is_list and wanted.form == "PartialObjectMetadata":
        text = "you requested PartialObjectMetadata, but the requested object is a list"
    elif not is_list and wanted.form == "PartialObjectMetadataList":
        text = "you requested PartialObjectMetadataList, but the requested object is not a list"
    else:
        return
    raise NotAcceptableError(f"{text} (*{go_type})")


def required_media(accept: str) -> Media:
    """Of what has one form only, such as discovery's documents. Raises NotAcceptableError."""
    found = negotiate_media(accept)
    if found is None:
        raise NotAcceptableError(_REFUSAL)
    return found


@lru_cache(maxsize=256)
def negotiate_media(accept: str) -> Media | None:
    """The same; None if nothing is acceptable."""
    found = first_acceptable(accept, lambda media, target: target is None)
    return found[0] if found else None


@lru_cache(maxsize=256)
def _choose(accept: str, tables: bool, protobuf: bool) -> Negotiated | None:
    def allows(media: Media, target: Target | None) -> bool:
        if target is None:
            return protobuf or media != "protobuf"
        if target.group != _META or target.version not in _META_VERSIONS:
            return False
        return target.kind in _PARTIAL or (target.kind == "Table" and tables and media != "protobuf")

    found = first_acceptable(accept, allows, server_versions=("v1",))
    if found is None:
        return None
    media, target = found
    if target is None:
        return Negotiated(media)
    return Negotiated(media, _PARTIAL.get(target.kind, "Table"), target.version)


def first_acceptable(
    accept: str, allows: Allows, server_versions: tuple[str, ...] = ()
) -> tuple[Media, Target | None] | None:
    """The best of what a client takes. `server_versions` are what the parameter `sv` may be."""
    if not accept:
        return "json", None
    for clause in _sorted_clauses(accept):
        target = _target(clause.parameters)
        version = clause.parameters.get("sv", "")
        if version and version not in server_versions:
            continue
        for media in MEDIA_TYPES:
            if _matches(clause, media) and allows(media, target):
                return media, target
    return None


def _matches(clause: _Clause, media: Media) -> bool:
    stream = clause.parameters.get("stream", "")
    if stream and (stream != "watch" or media not in _STREAMS):
        return False
    type_, _, subtype = MEDIA_TYPES[media].partition("/")
    return (clause.type, clause.subtype) in ((type_, subtype), (type_, "*"), ("*", "*"))


def _target(parameters: dict[str, str]) -> Target | None:
    group, version, kind = (parameters.get(name, "") for name in ("g", "v", "as"))
    return Target(group, version, kind) if group or version or kind else None


def _sorted_clauses(header: str) -> list[_Clause]:
    """By quality, and the particular before the general: not quite an order, so it matters how it is done."""
    clauses = list(_clauses(header))
    for end in range(1, len(clauses)):
        for place in range(end, 0, -1):
            if not _is_before(clauses[place], clauses[place - 1]):
                break
            clauses[place - 1], clauses[place] = clauses[place], clauses[place - 1]
    return clauses


def _is_before(one: _Clause, other: _Clause) -> bool:
    is_particular = one.type != "*" and other.type == "*"
    return one.quality > other.quality or is_particular or (one.subtype != "*" and other.subtype == "*")


def _clauses(header: str) -> Iterator[_Clause]:
    for part in header.split(","):
        media, *rest = part.strip(" ").split(";")
        type_, _, subtype = (each.strip(" ") for each in media.partition("/"))
        if not subtype and type_ == "*":
            subtype = "*"
        if not subtype or "/" in subtype:
            continue
        pairs = [each.split("=") for each in rest]
        parameters = {pair[0].strip(" "): pair[1] for pair in pairs if len(pair) == 2 and pair[1]}
        quality = _quality(parameters.pop("q", "1"))
        yield _Clause(type_, subtype, {name: each.strip(" ") for name, each in parameters.items()}, quality)


def _quality(text: str) -> float:
    """What is no number is worth nothing."""
    try:
        return float(text) if text == text.strip() else 0.0
    except ValueError:
        return 0.0
