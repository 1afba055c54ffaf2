"""A behaviour in Python: `--hollow-behaviour=module:function` says who plays the containers.

```python
async def play(container: Play) -> int | None:
    if container.pod.startswith("flaky-"):
        container.log("about to fail")
        await asyncio.sleep(30)
        return 1
    return None
```

The function runs as long as its container does. What it returns is the exit code; None lets the container go
on as its annotations and its command say. An exception ends it with 1, and its log tells which.
"""

from __future__ import annotations

import importlib
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import cast


@dataclass(frozen=True, slots=True)
class Play:
    """A running container as its script sees it."""

    namespace: str
    pod: str
    container: str
    attempt: int
    """How often it has been restarted."""
    command: tuple[str, ...]
    annotations: Mapping[str, str]
    """Those of the pod that begin with hollow.sampan.io/."""
    log: Callable[[str], None]
    """Writes a line to stdout."""
    use: Callable[[str, str], None]
    """Memory and cpu as quantities: what its use is from now on."""
    answer: Callable[[bool], None]
    """Whether http, tcp and grpc probes succeed from now on."""


Script = Callable[[Play], Awaitable[int | None]]


class ScriptError(ValueError):
    """There is no such function."""


def load_script(name: str) -> Script:
    """Of `module:function`. Raises ScriptError."""
    module, _, function = name.partition(":")
    try:
        found = getattr(importlib.import_module(module), function)
    except (ImportError, AttributeError, ValueError) as error:
        raise ScriptError(f'cannot load hollow behaviour "{name}": {error}') from error
    return cast(Script, found)
