"""Why a volume of a pod isn't there: the texts of FailedMount Events, in upstream's words."""

from __future__ import annotations


class MountError(Exception):
    """It cannot be set up now. The Event says `<stage> failed for volume "v" : <message>`."""

    def __init__(self, message: str, stage: str = "MountVolume.SetUp") -> None:
        super().__init__(message)
        self.stage = stage


class ClaimError(Exception):
    """The claim behind it can't be used now: it does not come to mounting."""


class VolumeError(Exception):
    """A volume of a pod could not be set up; the message is the Event's."""


def not_mounted(name: str, error: Exception) -> VolumeError:
    """`name` is the PersistentVolume's where there is one."""
    stage = error.stage if isinstance(error, MountError) else "MountVolume.SetUp"
    return VolumeError(f'{stage} failed for volume "{name}" : {error}')


def not_attached(name: str) -> VolumeError:
    return VolumeError(
        f"Unable to attach or mount volumes: unmounted volumes=[{name}], unattached volumes=[{name}], "
        "failed to process volumes=[]: context deadline exceeded"
    )


def not_processed(name: str, error: ClaimError) -> VolumeError:
    return VolumeError(
        f"Unable to attach or mount volumes: unmounted volumes=[{name}], unattached volumes=[], "
        f"failed to process volumes=[{name}]: {error}"
    )
