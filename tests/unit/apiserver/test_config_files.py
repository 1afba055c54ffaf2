"""A configuration file that is followed: what is told of it, and how often."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from apiserver.config_files import ConfigError, WatchedFile, misshapen

SHAPE = {"name": str, "items": [{"size": int}]}


@pytest.mark.parametrize(
    ("value", "complaints"),
    [
        ({"name": "a", "items": [{"size": 1}, {}]}, []),
        ({"name": None, "items": None}, []),
        ({"nome": "a"}, ['unknown field "nome"']),
        ({"items": {"size": 1}}, ['field "items" is of the wrong type']),
        ({"items": [{"size": "1"}]}, ['field "items[0].size" is of the wrong type']),
        ({"items": [{}, None]}, ['field "items[1]" is of the wrong type']),
    ],
)
def test_what_is_not_of_the_shape(value: object, complaints: list[str]) -> None:
    assert misshapen(value, SHAPE) == complaints


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
