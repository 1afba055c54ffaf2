"""The kubelet's configuration as files say it: that of --config, overlaid by the drop-ins of --config-dir."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

from apimachinery.decoding import DecodeError
from apimachinery.patch import merge_patch
from component_base.config_file import read_document
from kubelet.configuration import ConfigError, load_document


def read_configuration(config: str, config_dir: str) -> dict[str, Any]:
    """Either may be "". Raises ConfigError, DecodeError, OSError."""
    document = load_document(read_document(config) if config else None)
    for path in _drop_ins(config_dir):
        document = merge_patch(document, _read_drop_in(path))
    return document


def _drop_ins(config_dir: str) -> list[Path]:
    """In the order in which Go walks the folder."""
    if not config_dir:
        return []
    folder = Path(config_dir)
    if not folder.is_dir():
        text = f"lstat {config_dir}: {os.strerror(errno.ENOENT).lower()}"
        raise ConfigError(f'failed to walk through kubelet dropin directory "{config_dir}": {text}')
    return sorted((each for each in folder.rglob("*.conf") if each.is_file()), key=lambda each: each.parts)


def _read_drop_in(path: Path) -> dict[str, Any]:
    try:
        return load_document(read_document(str(path)) or {})
    except (ConfigError, DecodeError, OSError) as error:
        raise ConfigError(f"failed to load kubelet dropin file, path: {path}, error: {error}") from None
