"""`alpha`: verbs that are not settled yet, of which there are none."""

from __future__ import annotations

import sys


def alpha() -> None:
    """Commands for features in alpha."""
    print("No alpha commands are available in this version of kubectl", file=sys.stderr)
