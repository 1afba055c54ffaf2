"""Why a volume of a pod isn't there: the texts of FailedMount Events, in upstream's words."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum, auto

from component_base.os_errors import in_words


class MountError(Exception):
    """It cannot be set up now. The Event says `<stage> failed for volume "v" : <message>`."""

    def __init__(self, message: str, stage: str = "MountVolume.SetUp") -> None:
        super().__init__(message)
        self.stage = stage


class ClaimError(Exception):
    """What is behind it can't be used now, a claim or its kind: it does not come to mounting."""


class Lacking(Enum):
    """What a volume waits for: that it can be understood, attached, mounted."""

    CLAIM = auto()
    ATTACHMENT = auto()
    MOUNT = auto()


class VolumeError(Exception):
    """The volume that its pod calls `volume` could not be set up."""

    def __init__(self, volume: str, lacking: Lacking, message: str) -> None:
        super().__init__(message)
        self.volume = volume
        self.lacking = lacking


class VolumesError(Exception):
    """Some of a pod's volumes could not be set up."""

    def __init__(self, errors: Sequence[VolumeError]) -> None:
        super().__init__("; ".join(map(str, errors)))
        self.errors = errors


def not_mounted(volume: str, error: Exception, persistent: str = "") -> VolumeError:
    """`persistent` is the PersistentVolume's name where there is one."""
    stage = error.stage if isinstance(error, MountError) else "MountVolume.SetUp"
    reason = in_words(error) if isinstance(error, OSError) else str(error)
    message = f'{stage} failed for volume "{persistent or volume}" : {reason}'
    return VolumeError(volume, Lacking.MOUNT, message)


def complaints(errors: Sequence[VolumeError]) -> list[str]:
    """What Events say of a pod whose volumes are not all there.

    Each that cannot be mounted speaks for itself. Those that do not come to it are told of together, with all
    that lacks. Of a volume that is not attached yet only who attaches it may complain.
    """
    mounts = [str(each) for each in errors if each.lacking is Lacking.MOUNT]
    claims = [str(each) for each in errors if each.lacking is Lacking.CLAIM]
    if not claims:
        return mounts
    reason = "; ".join(claims)
    everything = (
        f"Unable to attach or mount volumes: unmounted volumes={_names(errors, *Lacking)}, "
        f"unattached volumes={_names(errors, Lacking.ATTACHMENT)}, "
        f"failed to process volumes={_names(errors, Lacking.CLAIM)}: {reason}"
    )
    return [*mounts, everything]


def lacks_claims(errors: Sequence[VolumeError]) -> bool:
    """Whether it is nothing but what stands behind volumes, so that nothing was tried in vain."""
    return all(each.lacking is Lacking.CLAIM for each in errors)


def _names(errors: Sequence[VolumeError], *lacking: Lacking) -> str:
    return f"[{' '.join(sorted(each.volume for each in errors if each.lacking in lacking))}]"
