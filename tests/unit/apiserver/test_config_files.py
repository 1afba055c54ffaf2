"""A configuration file that is followed: what is told of it, and how often."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from apiserver.config_files import (
    ConfigError,
    StrictError,
    WatchedFile,
    decode_config,
    misfits,
    unknown_fields,
)

SHAPE = {"name": str, "items": [{"size": int}]}


@pytest.mark.parametrize(
    ("value", "complaints"),
    [
        ({"name": "a", "items": [{"size": 1}, {}]}, []),
        ({"name": None, "items": None}, []),
        ({"items": {"size": 1}}, ['field "items" is of the wrong type']),
        ({"items": [{"size": "1"}]}, ['field "items[0].size" is of the wrong type']),
        ({"items": [{}, None]}, []),
    ],
)
def test_what_is_not_of_the_shape(value: object, complaints: list[str]) -> None:
    assert misfits(value, SHAPE) == complaints


def test_fields_that_nobody_knows() -> None:
    value = {"nome": "a", "items": [{}, {"size": 1, "color": None}, None]}
    assert unknown_fields(value, SHAPE) == ['unknown field "nome"', 'unknown field "items[1].color"']


def test_who_is_lenient_passes_over_what_is_strange() -> None:
    text = b"{kind: Kept, apiVersion: v1, color: red, kind: Kept}"
    complaint = 'strict decoding error: duplicate field "kind", unknown field "color"'
    with pytest.raises(StrictError, match=complaint) as refusal:
        decode_config(text, "v1", "Kept", {"apiVersion": str, "kind": str})
    assert refusal.value.config == {"kind": "Kept", "apiVersion": "v1"}


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (b"", "Object 'Kind' is missing"),
        (b"kind: Kept", "Object 'apiVersion' is missing"),
        (b"- a", "couldn't get version/kind; json parse error"),
        (b"kind: Pod\napiVersion: v1", 'no kind "Pod" is registered for version "v1"'),
        (b"kind: Kept\napiVersion: v2", 'no kind "Kept" is registered for version "v2"'),
    ],
)
def test_another_kind_is_told_without_the_text(text: bytes, complaint: str) -> None:
    with pytest.raises(ConfigError, match=complaint) as refusal:
        decode_config(text + b"\n# s3cret", "v1", "Kept", {"apiVersion": str, "kind": str})
    assert "s3cret" not in str(refusal.value)


def test_items_that_are_null_are_empty_ones() -> None:
    shape = {"apiVersion": str, "kind": str, "items": [{"names": [str]}]}
    text = b"{kind: Kept, apiVersion: v1, items: [null, {names: [null, a]}]}"
    assert decode_config(text, "v1", "Kept", shape)["items"] == [{}, {"names": ["", "a"]}]


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
    with pytest.raises(ConfigError, match="No such file or directory"):
        await file.changed()
    waiting = asyncio.create_task(file.changed())
    await asyncio.sleep(0)
    assert not waiting.done()
    path.write_bytes(b"back")
    assert await waiting == b"back"
