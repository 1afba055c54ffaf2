"""A configuration file that is followed: what is told of it, and how often."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from apimachinery.objects import Object
from apiserver.config_files import (
    ConfigError,
    StrictError,
    WatchedFile,
    decode_config,
)
from component_base.config_shape import INT32, STRING, ListOf, Struct, of_type

KEPT = Struct("v1.Kept", {
    **of_type(STRING, "apiVersion kind name"),
    "items": ListOf(Struct("v1.Item", {"size": INT32, "names": ListOf(STRING)})),
})  # fmt: skip
HEAD = b"kind: Kept\napiVersion: v1\n"


@pytest.mark.parametrize(
    ("text", "config"),
    [
        (b"name: null\nitems: null", {}),
        (b"name: a\nitems: [{size: 1}, {}]", {"name": "a", "items": [{"size": 1}, {}]}),
        (b"items: [null, {names: [null, a]}]", {"items": [{}, {"names": ["", "a"]}]}),
    ],
)
def test_what_is_null_was_not_given_but_as_an_item(text: bytes, config: Object) -> None:
    assert decode_config(HEAD + text, "v1", "Kept", KEPT) == {"kind": "Kept", "apiVersion": "v1"} | config


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (b"", "Object 'Kind' is missing"),
        (b"kind: Kept # s3cret", "^Object 'apiVersion' is missing$"),
        (b"- a", "couldn't get version/kind; json parse error: json: cannot unmarshal array into Go value"),
        (b"kind: Pod\napiVersion: v1", 'no kind "Pod" is registered for version "v1"'),
        (b"kind: Kept\napiVersion: v2", 'no kind "Kept" is registered for version "v2"'),
        (b"{kind: Kept", "couldn't get version/kind; json parse error: invalid character 'k'"),
        (b"a: [", "^yaml: line 1: did not find expected node content$"),
        (b"a:\n\tb: c", "^yaml: line 2: found character that cannot start any token$"),
        (b"a: b: c", "^yaml: mapping values are not allowed in this context$"),
        (b"a: &x 1\nb: *y", "^yaml: unknown anchor 'y' referenced$"),
        (b"a: \x01", "^yaml: control characters are not allowed$"),
        (
            HEAD + b"items: {size: 1}",
            r"^json: cannot unmarshal object into Go struct field Kept.items of type \[\]v1.Item$",
        ),
        (
            HEAD + b"items: [{size: '1'}]",
            "^json: cannot unmarshal string into Go struct field Item.items.size of type int32$",
        ),
        (
            HEAD + b"nome: a\nitems: [{}, {color: null}]",
            r'^strict decoding error: unknown field "items\[1\].color", unknown field "nome"$',
        ),
        (
            b'{"kind": "Kept", "apiVersion": "v1", "name": "", "name": ""}',
            '^strict decoding error: duplicate field "name"$',
        ),
    ],
)
def test_what_is_wrong_is_told_in_the_words_of_gos_decoders(text: bytes, complaint: str) -> None:
    with pytest.raises(ConfigError, match=complaint):
        decode_config(text, "v1", "Kept", KEPT)


def test_another_kind_with_the_same_fields_will_do() -> None:
    assert decode_config(b"kind: Old\napiVersion: a/v1", "v1", "Kept", KEPT, ("a/v1", "Old"))["kind"] == "Old"


def test_who_is_lenient_passes_over_what_is_strange() -> None:
    complaint = (
        "strict decoding error: yaml: unmarshal errors:\n"
        '  line 4: key "kind" already set in map, unknown field "color"'
    )
    with pytest.raises(StrictError) as refusal:
        decode_config(HEAD + b"color: red\nkind: Kept", "v1", "Kept", KEPT)
    assert str(refusal.value) == complaint
    assert refusal.value.config["kind"] == "Kept"


async def test_a_file_is_told_again_whenever_its_text_is_another(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_bytes(b"one")
    file = WatchedFile(str(path))
    assert await file.changed() == b"one"
    path.write_bytes(b"two")
    assert await file.changed() == b"two"


async def test_a_file_that_has_gone_is_told_once_and_again_when_it_is_back(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    file = WatchedFile(str(path))
    with pytest.raises(ConfigError, match="no such file or directory"):
        await file.changed()
    waiting = asyncio.create_task(file.changed())
    await asyncio.sleep(0)
    assert not waiting.done()
    path.write_bytes(b"back")
    assert await waiting == b"back"
