"""An image's files out of what `docker save` writes."""

from __future__ import annotations

import io
import json
import os
import tarfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from kubelet.runtime.docker.layers import ArchiveError, unpack_image

Layer = Sequence[tuple[str, bytes | str | None]]
"""Name and content: bytes of a file, `-> target` of a soft link, `= target` of a hard one, None: a folder."""


def tar(entries: Layer) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, content in entries:
            info = tarfile.TarInfo(name)
            info.uid, info.gid, info.mtime = os.getuid(), os.getgid(), 1_000_000
            info.mode = 0o755 if content is None else 0o640
            if content is None:
                info.type = tarfile.DIRTYPE
            elif isinstance(content, str):
                kind, _, info.linkname = content.partition(" ")
                info.type = tarfile.SYMTYPE if kind == "->" else tarfile.LNKTYPE
            else:
                info.size = len(content)
            archive.addfile(info, io.BytesIO(content) if isinstance(content, bytes) else None)
    return buffer.getvalue()


def saved(folder: Path, *layers: Layer) -> Path:
    names = [f"{number}/layer.tar" for number in range(len(layers))]
    manifest = json.dumps([{"Config": "c.json", "Layers": names}]).encode()
    pieces = [("manifest.json", manifest), *zip(names, map(tar, layers), strict=True)]
    archive = folder / "image.tar"
    archive.write_bytes(tar(pieces))
    return archive


def unpacked(folder: Path, *layers: Layer) -> Mapping[str, str]:
    """Each path with its content, `-> target`, or `/` for a folder."""
    target = folder / "files"
    target.mkdir()
    unpack_image(saved(folder, *layers), target)
    found = {}
    for path in sorted(target.rglob("*")):
        name = str(path.relative_to(target))
        if path.is_symlink():
            found[name] = f"-> {os.readlink(path)}"
        else:
            found[name] = "/" if path.is_dir() else path.read_text()
    return found


@pytest.mark.parametrize(
    ("layers", "expected"),
    [
        pytest.param([[("a", None), ("a/b", b"1")]], {"a": "/", "a/b": "1"}, id="one layer"),
        pytest.param([[("a", b"1")], [("a", b"2")]], {"a": "2"}, id="a file again"),
        pytest.param(
            [[("a", b"1"), ("b", b"2")], [(".wh.a", b"")]], {"b": "2"}, id="a file that is taken away"
        ),
        pytest.param(
            [[("d", None), ("d/old", b"1")], [("d", None), ("d/new", b"2"), ("d/.wh..wh..opq", b"")]],
            {"d": "/", "d/new": "2"},
            id="a folder that begins anew, whatever comes first",
        ),
        pytest.param([[("d", None), (".wh.d", b"")]], {}, id="a folder that is taken away at once"),
        pytest.param(
            [[("d", None), ("d/x", b"1")], [("d", b"2")]], {"d": "2"}, id="a file in a folder's place"
        ),
        pytest.param(
            [[("d", None), ("d/x", b"1")], [("d", None), ("d/y", b"2")]],
            {"d": "/", "d/x": "1", "d/y": "2"},
            id="a folder that goes on",
        ),
        pytest.param(
            [[("a", b"1"), ("s", "-> /a"), ("h", "= a")]], {"a": "1", "h": "1", "s": "-> /a"}, id="links"
        ),
        pytest.param(
            [[("s", "-> /etc/passwd"), ("h", "= s")]],
            {"h": "-> /etc/passwd", "s": "-> /etc/passwd"},
            id="a soft link with two names",
        ),
        pytest.param([[("./", None), ("./a", b"1")]], {"a": "1"}, id="names with a dot before them"),
        pytest.param(
            [[("/d", None), ("/d/a", b"1"), ("/h", "= /d/a")]],
            {"d": "/", "d/a": "1", "h": "1"},
            id="names from the root, which is the image's",
        ),
    ],
)
def test_layers_lie_on_one_another(tmp_path: Path, layers: list[Layer], expected: dict[str, str]) -> None:
    assert unpacked(tmp_path, *layers) == expected


def test_modes_and_times_are_the_images(tmp_path: Path) -> None:
    unpacked(tmp_path, [("d", None), ("d/f", b"1")])
    for name, mode in (("d", 0o755), ("d/f", 0o640)):
        seen = (tmp_path / "files" / name).stat()
        assert (seen.st_mode & 0o7777, seen.st_mtime) == (mode, 1_000_000)


@pytest.mark.parametrize(
    "layers",
    [
        pytest.param([[("../x", b"1")]], id="a name that goes up"),
        pytest.param([[("out", "-> {outside}")], [("out/x", b"1")]], id="a file behind a link"),
        pytest.param([[("out", "-> {outside}")], [("out/.wh.kept", b"")]], id="a file gone behind a link"),
        pytest.param([[("out", "-> {outside}"), ("h", "= out/kept")]], id="a hard link behind a link"),
        pytest.param([[("d", None), ("d/.wh...", b"")]], id="what is above gone"),
    ],
)
def test_nothing_happens_outside_of_the_folder(tmp_path: Path, layers: list[Layer]) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "kept").write_text("1")
    meant = [
        [(name, c.format(outside=outside) if isinstance(c, str) else c) for name, c in layer]
        for layer in layers
    ]
    with pytest.raises(ArchiveError, match="is outside of it"):
        unpacked(tmp_path, *meant)
    assert [each.name for each in outside.iterdir()] == ["kept"]
    assert not (tmp_path / "files" / "h").exists()


@pytest.mark.parametrize(
    "layer",
    [
        pytest.param([("{outside}/kept", b"2")], id="a file"),
        pytest.param([("{outside}", None), ("{outside}/kept", "-> /etc")], id="a soft link"),
    ],
)
def test_no_name_from_the_root_is_the_machines(tmp_path: Path, layer: Layer) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "kept").write_text("1")
    unpacked(tmp_path, [(name.format(outside=outside), content) for name, content in layer])
    assert (outside / "kept").read_text() == "1"


def test_no_file_of_the_machine_is_linked_to(tmp_path: Path) -> None:
    (tmp_path / "kept").write_text("1")
    with pytest.raises(ArchiveError, match="cannot unpack the image"):
        unpacked(tmp_path, [("h", f"= {tmp_path}/kept")])
    assert not (tmp_path / "files" / "h").exists()


@pytest.mark.parametrize(
    "layer",
    [
        pytest.param([("h", "= gone")], id="of a file that is not there"),
        pytest.param([("h", "= h")], id="of itself"),
        pytest.param([("a", b"1"), ("b", "= a"), ("b", "= b"), ("h", "= b")], id="of a link of itself"),
        pytest.param([("a", "= b"), ("b", "= a")], id="in a circle"),
    ],
)
def test_hard_links_that_lead_nowhere_are_told(tmp_path: Path, layer: Layer) -> None:
    with pytest.raises(ArchiveError, match="cannot unpack the image"):
        unpacked(tmp_path, layer)


def test_a_link_to_the_machine_leaves_the_machines_file_as_it_is(tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    kept.write_text("1")
    kept.chmod(0o600)
    unpacked(tmp_path, [("s", f"-> {kept}"), ("h", "= s")])
    assert kept.stat().st_mode & 0o777 == 0o600


def test_a_folder_that_becomes_a_link_leaves_the_machines_folder_as_it_is(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    before = outside.stat().st_mtime
    unpacked(tmp_path, [("d", None), ("d", f"-> {outside}")])
    assert outside.stat().st_mtime == before


def test_what_is_no_image_is_told(tmp_path: Path) -> None:
    (tmp_path / "image.tar").write_bytes(b"no tar")
    with pytest.raises(ArchiveError, match="cannot unpack the image"):
        unpack_image(tmp_path / "image.tar", tmp_path)
