"""Makes the images that a cluster cannot start without, where no registry answers.

`python -m kubelet.images.local [unix:///var/run/docker.sock]` does it by hand; `sampan up` calls
`ensure_local_images`.
"""

from __future__ import annotations

import io
import platform
import shutil
import socket
import subprocess
import sys
import tarfile
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kubelet.images.pause import pause_program
from kubelet.images.reference import DEFAULT_HOST, parse_reference

if TYPE_CHECKING:
    from docker import APIClient

PAUSE, BUSYBOX, BUSYBOX_LOCAL = "registry.k8s.io/pause:3.10", "busybox:1.36", "busybox:local"
LABEL = "sampan.io/local"
_ANSWER_LIMIT = 2.0
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_USERS = "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/home:/bin/false\n"
_GROUPS = "root:x:0:\nnogroup:x:65534:\n"


class BusyboxMissingError(Exception):
    """There is no static busybox to make an image of."""


@dataclass(frozen=True, slots=True)
class Recipe:
    name: str
    layer: Callable[[], bytes]
    changes: Sequence[str]


def ensure_local_images(docker_endpoint: str = "") -> list[str]:
    """The names of the images that were missing: pulled if their registry answers, else made here."""
    import docker

    endpoint = docker_endpoint or "unix:///var/run/docker.sock"
    with closing(docker.APIClient(base_url=endpoint, version="auto")) as engine:
        missing = [recipe for recipe in RECIPES if not _has(engine, recipe.name)]
        for recipe in missing:
            if not _pull(engine, recipe.name):
                _make(engine, recipe)
        names = [recipe.name for recipe in missing]
        return names + _alias(engine, BUSYBOX, BUSYBOX_LOCAL)


def _has(engine: APIClient, name: str) -> bool:
    return bool(engine.images(name=name, quiet=True))


def _alias(engine: APIClient, name: str, alias: str) -> list[str]:
    if _has(engine, alias):
        return []
    reference = parse_reference(alias)
    engine.tag(name, reference.familiar_name, reference.tag)
    return [alias]


def _pull(engine: APIClient, name: str) -> bool:
    from docker.errors import APIError

    reference = parse_reference(name)
    if not _answers("registry-1.docker.io" if reference.host == DEFAULT_HOST else reference.host):
        return False
    try:
        engine.pull(reference.name, tag=reference.tag)
    except APIError:
        return False
    return _has(engine, name)


def _answers(host: str) -> bool:
    try:
        socket.create_connection((host, 443), timeout=_ANSWER_LIMIT).close()
    except OSError:
        return False
    return True


def _make(engine: APIClient, recipe: Recipe) -> None:
    reference = parse_reference(recipe.name)
    engine.import_image_from_data(
        recipe.layer(),
        repository=reference.familiar_name,
        tag=reference.tag,
        changes=[*recipe.changes, f"LABEL {LABEL}=true"],
    )


def pause_layer() -> bytes:
    return _tar([_file("pause", pause_program(platform.machine()), 0o755)])


def busybox_layer() -> bytes:
    path = shutil.which("busybox", path=f"/bin:/usr/bin:{_PATH}")
    if path is None:
        raise BusyboxMissingError("busybox is missing: apt-get install busybox-static")
    with open(path, "rb") as file:
        program = file.read()
    applets = subprocess.run([path, "--list"], capture_output=True, check=True, text=True).stdout.split()
    directories = [
        _directory(name, 0o755) for name in ("bin", "etc", "root", "home", "var", "usr", "usr/bin")
    ]
    return _tar(
        [
            *directories,
            _directory("tmp", 0o1777),
            _file("etc/passwd", _USERS.encode(), 0o644),
            _file("etc/group", _GROUPS.encode(), 0o644),
            _file("bin/busybox", program, 0o755),
            *(_link(f"bin/{applet}", "bin/busybox") for applet in applets if applet != "busybox"),
            _symlink("usr/bin/env", "/bin/env"),
        ]
    )


_Entry = tuple[tarfile.TarInfo, bytes]


def _file(name: str, data: bytes, mode: int) -> _Entry:
    info = tarfile.TarInfo(name)
    info.size, info.mode = len(data), mode
    return info, data


def _directory(name: str, mode: int) -> _Entry:
    info = tarfile.TarInfo(name)
    info.type, info.mode = tarfile.DIRTYPE, mode
    return info, b""


def _link(name: str, target: str) -> _Entry:
    info = tarfile.TarInfo(name)
    info.type, info.linkname, info.mode = tarfile.LNKTYPE, target, 0o755
    return info, b""


def _symlink(name: str, target: str) -> _Entry:
    info, data = _link(name, target)
    info.type = tarfile.SYMTYPE
    return info, data


def _tar(entries: Sequence[_Entry]) -> bytes:
    """The same bytes each time: no times, owners or names of this machine."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for info, data in entries:
            archive.addfile(info, io.BytesIO(data) if data else None)
    return buffer.getvalue()


RECIPES = (
    Recipe(PAUSE, pause_layer, ('ENTRYPOINT ["/pause"]', "USER 65535:65535")),
    Recipe(BUSYBOX, busybox_layer, ('CMD ["sh"]', f"ENV PATH={_PATH}")),
)


if __name__ == "__main__":
    for made in ensure_local_images(*sys.argv[1:2]):
        print(made)
