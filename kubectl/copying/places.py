"""Where a file is: on this machine, or in a container. Source: kubectl/pkg/cmd/cp/cp.go, filespec.go."""

from __future__ import annotations

from typing import NamedTuple

from kubectl.failures import CommandError


class Place(NamedTuple):
    """A path; on this machine if no pod is named."""

    path: str
    pod: str = ""
    namespace: str = ""


def parse(text: str) -> Place:
    """`path`, `pod:path`, `namespace/pod:path`. Raises CommandError."""
    pod, colon, path = text.partition(":")
    if not colon:
        return Place(text)
    if not pod:
        raise CommandError("filespec must match the canonical format: [[namespace/]pod:]file/path")
    first, slash, rest = pod.partition("/")
    if not slash:
        return Place(path, pod)
    if not first or not rest or "/" in rest:
        raise CommandError("filespec must match the canonical format: [[namespace/]pod:]file/path")
    return Place(path, rest, first)


def check(source: Place, destination: Place) -> None:
    """Exactly one side is in a container. Raises CommandError."""
    if source.pod and destination.pod:
        raise CommandError("one of src or dest must be a local file specification")
    if not source.pod and not destination.pod:
        raise CommandError("one of src or dest must be a remote file specification")
    if not source.path or not destination.path:
        raise CommandError("filepath can not be empty")
