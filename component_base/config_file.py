"""The configuration file of a daemon: one document of YAML, or of JSON, read as Kubernetes reads it."""

from __future__ import annotations

from pathlib import Path
from typing import Any


def read_document(path: str) -> Any:
    """What the file says; None of an empty one. Raises OSError, DecodeError."""
    from apimachinery.serialize import DecodeError, from_yaml_strict

    try:
        return from_yaml_strict(Path(path).read_bytes()).value
    except DecodeError as error:
        raise DecodeError(f"failed to load config file {path}: {error}") from None
