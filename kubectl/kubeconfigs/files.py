"""The kubeconfig files of a command: read as one, changed each on its own."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from apimachinery.objects import Object
from apimachinery.serialize import from_yaml_all, to_yaml
from component_base.kubeconfig import config_files, merge
from kubectl import session
from kubectl.kubeconfigs.entries import SECTIONS, as_written, named

EMPTY: Object = {
    "apiVersion": "v1", "kind": "Config", "preferences": {},
    "clusters": [], "contexts": [], "users": [], "current-context": "",
}  # fmt: skip

Change = Callable[[Object], Object]


def paths() -> list[Path]:
    """The files that are asked for, there or not."""
    chosen = session.kubeconfig_path()
    return [Path(chosen)] if chosen else config_files(os.environ)


def read(path: Path) -> Object:
    """One file; nothing in it is an empty configuration."""
    documents = from_yaml_all(path.read_text()) if path.exists() else []
    return {**EMPTY, **(documents[0] if documents and isinstance(documents[0], dict) else {})}


def merged() -> Object:
    """All files as one, as the client reads them."""
    both = merge([read(path) for path in paths() if path.is_file()])
    lists = {
        section: [{inner: entry, "name": name} for name, entry in both[section].items()]
        for section, inner in SECTIONS.items()
    }
    return {**EMPTY, **both, **lists}


def default_path() -> Path:
    """Where new entries go: the first file that is there."""
    listed = paths()
    return next((path for path in listed if path.exists()), listed[-1])


def path_of(section: str, name: str) -> Path:
    """The file that has the entry, or the one where it would go."""
    return next((path for path in paths() if name in named(read(path), section)), default_path())


def current_path() -> Path:
    """The file that says which context is the current one, or the one that would."""
    return next((path for path in paths() if read(path)["current-context"]), default_path())


def change(path: Path, how: Change) -> None:
    """Rewrites a file; made anew, only its owner can read it."""
    result = how(read(path))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o600)
    path.write_text(to_yaml(as_written(result)))
