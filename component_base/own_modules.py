"""Python modules of one's own, which a daemon's flag names."""

from __future__ import annotations

import importlib
import importlib.util
from pathlib import Path
from types import ModuleType


class ModuleError(Exception):
    """A module that cannot be loaded."""


def load_module(source: str) -> ModuleType:
    """A module on the path (`package.module`) or a file (`/path/to/file.py`). Raises ModuleError."""
    try:
        if not source.endswith(".py"):
            return importlib.import_module(source)
        spec = importlib.util.spec_from_file_location(Path(source).stem, source)
        assert spec is not None, "it ends in .py"
        assert spec.loader is not None, "so it has a loader"
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    except (ImportError, OSError, SyntaxError) as error:
        raise ModuleError(str(error)) from error
    return module
