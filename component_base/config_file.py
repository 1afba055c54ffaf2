"""The configuration file of a daemon: one document of YAML, or of JSON, read as Kubernetes reads it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from component_base.os_errors import in_words


def read_document(path: str) -> Any:
    """What the file says; None of an empty one. Raises DecodeError, be it because there is no file."""
    from apimachinery.serialize import DecodeError, from_yaml_strict

    try:
        return from_yaml_strict(Path(path).read_bytes()).value
    except OSError as error:
        raise DecodeError(in_words(error, "open")) from error
    except DecodeError as error:
        raise DecodeError(f"failed to load config file {path}: {error}") from None
