"""`sampan`: the verbs of kubectl and of a cluster's life.

A command lives for less than a tenth of a second, and most of that is Python's own coming and going. So the
verb alone is imported, garbage is left where it lies, and at the end nothing is taken apart.
"""

from __future__ import annotations

import gc
import os
import sys
from contextlib import suppress
from io import TextIOWrapper
from typing import NoReturn

GARBAGE = 100_000
"""Objects after which to look for garbage: rarely, but a watch may run for days."""


def main() -> NoReturn:
    """The console script."""
    gc.set_threshold(GARBAGE)
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(line_buffering=True)  # who follows a watch in a pipe waits for its lines
    from kubectl.running import run

    code = run(sys.argv[1:])
    with suppress(BrokenPipeError):
        sys.stdout.flush()
    os._exit(code)


def why() -> NoReturn:
    """The console script `kubectl-why`, by which kubectl finds it as a plugin: `kubectl why pod/web`."""
    sys.argv.insert(1, "why")
    main()


if __name__ == "__main__":
    main()
