"""How soon the kernel kills this process when memory runs out: `--oom-score-adj`."""

from __future__ import annotations

import logging
from pathlib import Path

log = logging.getLogger(__name__)


def set_oom_score(adjustment: int) -> None:
    """Of this process, and of what it starts. To lower it takes a right that a container may lack."""
    try:
        Path("/proc/self/oom_score_adj").write_text(str(adjustment))
    except OSError as error:
        log.warning("OOM score not adjusted: adjustment=%d error=%s", adjustment, error)
