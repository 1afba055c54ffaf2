"""Takes the whole tree away, whichever driver made it."""

from __future__ import annotations

import logging

from kubelet.cgroups.drivers import CgroupfsDriver, open_own_files, open_systemd
from kubelet.cgroups.names import all_pods, parse_path

log = logging.getLogger(__name__)


def remove_cgroups(cgroup_root: str) -> None:
    """The root goes, too, if it is not the machine's and nothing else lives in it."""
    top, root = all_pods(cgroup_root), parse_path(cgroup_root)
    try:
        files = open_own_files()
        for driver in (CgroupfsDriver(files), open_systemd(files)):
            if files.exists(driver.path(top)):
                driver.remove(driver.path(top))
            if root and not files.children(driver.path(root)):
                driver.remove(driver.path(root))
    except OSError as error:
        log.warning("Cgroups of pods not removed: error=%s", error)
