"""How many files this process may have open: `--max-open-files`."""

from __future__ import annotations

import logging
import resource

log = logging.getLogger(__name__)


def set_open_files(number: int) -> None:
    """Of this process, and of what it starts. To raise the hard limit takes a right that it may lack."""
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (number, number))
    except (OSError, ValueError) as error:
        log.warning("Limit of open files not set: limit=%d error=%s", number, error)
