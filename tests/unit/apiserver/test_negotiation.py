"""What Accept headers ask for, where there is everything, and where there are no tables or no protobuf."""

from __future__ import annotations

from contextlib import nullcontext

import pytest

from apimachinery.errors import NotAcceptableError
from apiserver.negotiation import (
    PLAIN,
    ROUTED_LISTS,
    Negotiated,
    best_of,
    negotiate,
    negotiate_media,
    negotiate_stream,
    refuse_unroutable,
)

JSON, PROTOBUF = "application/json", "application/vnd.kubernetes.protobuf"
META = "g=meta.k8s.io;v=v1"
TABLE = f"{JSON};as=Table;v=v1;g=meta.k8s.io"
PROTO = Negotiated("protobuf")


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        ("", PLAIN),
        ("*/*", PLAIN),
        ("*", PLAIN),
        ("application/*", PLAIN),
        ("application/*;stream=watch", PLAIN),
        ("application/yaml", Negotiated("yaml")),
        (PROTOBUF, PROTO),
        (f"{PROTOBUF},{JSON}", PROTO),
        (f"{JSON},{PROTOBUF}", PLAIN),
        (f"{PROTOBUF};q=0.8,{JSON}", PLAIN),
        (f"{JSON};q=0.5, {PROTOBUF};q=0.6", PROTO),
        (f"{PROTOBUF};q=x,{JSON};q=0.1", PLAIN),
        (f"{JSON};q=0", PLAIN),
        (f"*/*,{PROTOBUF};q=0.1", PROTO),
        (f"*/*;q=0.9,{PROTOBUF};q=0.1,{JSON};q=0.2", PLAIN),
        (f"text/html,{PROTOBUF}", PROTO),
        ("application/json; charset=utf-8", PLAIN),
        (f"{PROTOBUF};stream=watch", PROTO),
        (f"{PROTOBUF};stream=tail,{JSON}", PLAIN),
        (f"application/yaml;stream=watch,{PROTOBUF}", PROTO),
        (f"{PROTOBUF};sv=v1", PROTO),
        (f"{PROTOBUF};sv=v2,{JSON}", PLAIN),
        (f"{PROTOBUF};as=Table;{META},{TABLE}", Negotiated("json", "Table")),
        (f"{PROTOBUF};as=PartialObjectMetadata;{META}", Negotiated("protobuf", "PartialObjectMetadata")),
        (
            f"{PROTOBUF};as=PartialObjectMetadata;g=meta.k8s.io;v=v1beta1",
            Negotiated("protobuf", "PartialObjectMetadata", "v1beta1"),
        ),
        (f"{JSON};v=v1,{PROTOBUF}", PROTO),
        (f"{JSON};as=Poster;{META},{PROTOBUF}", PROTO),
        ("application", None),
        ("application/json/x", None),
        ("text/html", None),
        (f"{PROTOBUF};as=Table;{META}", None),
    ],
)
def test_the_best_of_what_a_client_takes(accept: str, expected: Negotiated | None) -> None:
    if expected is None:
        with pytest.raises(NotAcceptableError, match="only the following media types are accepted"):
            negotiate(accept)
    else:
        assert negotiate(accept) == expected


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        ("", PLAIN),
        (f"{TABLE},application/yaml", Negotiated("yaml")),
        (TABLE, None),
    ],
)
def test_what_has_no_table_is_answered_otherwise_or_not_at_all(
    accept: str, expected: Negotiated | None
) -> None:
    if expected is None:
        with pytest.raises(NotAcceptableError):
            negotiate(accept, tables=False)
    else:
        assert negotiate(accept, tables=False) == expected


def test_custom_resources_have_metadata_in_protobuf_but_nothing_else() -> None:
    metadata = f"{PROTOBUF};as=PartialObjectMetadataList;{META}"
    assert negotiate(f"{PROTOBUF},{JSON}", protobuf=False) == PLAIN
    assert negotiate(metadata, protobuf=False) == Negotiated("protobuf", "PartialObjectMetadataList")
    with pytest.raises(NotAcceptableError):
        negotiate(PROTOBUF, protobuf=False)


def test_a_watch_is_of_single_objects_and_never_yaml() -> None:
    metadata = f"{PROTOBUF};as=PartialObjectMetadataList;{META}"
    assert negotiate_stream(metadata, protobuf=True) == Negotiated("protobuf", "PartialObjectMetadata")
    with pytest.raises(NotAcceptableError, match=f"accepted: {JSON};stream=watch, {PROTOBUF};stream=watch"):
        negotiate_stream("application/yaml", protobuf=True)


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        ("", "json"),
        (PROTOBUF, "protobuf"),
        (f"{TABLE},application/yaml", "yaml"),
        (TABLE, None),
        ("a/b", None),
    ],
)
def test_errors_have_one_form(accept: str, expected: str | None) -> None:
    assert negotiate_media(accept) == expected


@pytest.mark.parametrize(
    ("accept", "is_routed"),
    [
        ("", True),
        ("*/*", True),
        ("text/html, application/json;q=0.5", True),
        ("application/json;as=Table;v=v1;g=meta.k8s.io", True),
        ("application/*", False),
        ("text/html", False),
    ],
)
def test_a_path_must_be_asked_for_what_it_offers(accept: str, is_routed: bool) -> None:
    with nullcontext() if is_routed else pytest.raises(NotAcceptableError, match=r"^406: Not Acceptable"):
        refuse_unroutable(accept, ROUTED_LISTS)


@pytest.mark.parametrize(
    ("accept", "media"),
    [
        ("", "application/json"),
        ("*/*", "application/json"),
        ("text/html, application/*;q=0.5", "application/json"),
        ("application/json;q=0.1, application/x", "application/x"),
        ("text/html", None),
        ("application/xml", None),
    ],
)
def test_the_media_type_of_a_document_is_the_best_that_is_offered(accept: str, media: str | None) -> None:
    assert best_of(accept, ("application/json", "application/x")) == media
