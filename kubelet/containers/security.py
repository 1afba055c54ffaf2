"""The securityContext of pod and container merged, and the check that runAsNonRoot holds. Pure."""

from __future__ import annotations

from pathlib import PurePath
from typing import Any

from apimachinery.objects import Object, get_path, name_of, namespace_of, uid_of
from kubelet.runtime.interface import CreateContainerConfigError, ImageRef, Security


def security_of(
    pod: Object, container: Object, image: ImageRef, *, seccomp_default: bool = False, seccomp_root: str = ""
) -> Security:
    """Raises CreateContainerConfigError where the container would run as root against its word.

    `seccomp_root` is the folder of the node's own seccomp profiles.
    """
    _verify_non_root(pod, container, image)
    own = container.get("securityContext") or {}
    shared = get_path(pod, "spec.securityContext") or {}
    privileged = bool(own.get("privileged"))
    capabilities = own.get("capabilities") or {}
    return Security(
        user=_user(pod, container, image),
        supplemental_groups=_groups(shared),
        privileged=privileged,
        read_only_root=bool(own.get("readOnlyRootFilesystem")),
        no_new_privileges=own.get("allowPrivilegeEscalation") is False and not privileged,
        add_capabilities=tuple(capabilities.get("add") or ()),
        drop_capabilities=tuple(capabilities.get("drop") or ()),
        seccomp=_seccomp(_effective(pod, container, "seccompProfile"), seccomp_root, default=seccomp_default),
        apparmor=_apparmor(_effective(pod, container, "appArmorProfile")),
        selinux=_effective(pod, container, "seLinuxOptions") or {},
        unmasked_proc=own.get("procMount") == "Unmasked",
    )


def _effective(pod: Object, container: Object, name: str) -> Any:
    """The container's word, or else the pod's."""
    own = (container.get("securityContext") or {}).get(name)
    return own if own is not None else (get_path(pod, "spec.securityContext") or {}).get(name)


def _user(pod: Object, container: Object, image: ImageRef) -> str | None:
    user, group = _effective(pod, container, "runAsUser"), _effective(pod, container, "runAsGroup")
    if user is None and group is None:
        return None
    name = str(user) if user is not None else image.user.partition(":")[0] or "0"
    return f"{name}:{group}" if group is not None else name


def _groups(shared: Object) -> tuple[int, ...]:
    groups = list(shared.get("supplementalGroups") or ())
    if shared.get("fsGroup") is not None:
        groups.append(shared["fsGroup"])
    return tuple(dict.fromkeys(groups))


def _apparmor(profile: Object | None) -> str:
    kind = (profile or {}).get("type")
    if kind == "Localhost":
        return str((profile or {}).get("localhostProfile") or "")
    return "unconfined" if kind == "Unconfined" else ""


def _seccomp(profile: Object | None, root: str, *, default: bool) -> str:
    """Without a profile a container is not confined, as upstream does unless seccompDefault is on."""
    kind = (profile or {}).get("type")
    if kind == "RuntimeDefault" or (kind is None and default):
        return ""
    if kind == "Localhost":
        return str(PurePath(root, (profile or {}).get("localhostProfile") or ""))
    return "unconfined"


def _verify_non_root(pod: Object, container: Object, image: ImageRef) -> None:
    if not _effective(pod, container, "runAsNonRoot"):
        return
    where = f'(pod: "{name_of(pod)}_{namespace_of(pod)}({uid_of(pod)})", container: {container["name"]})'
    user = _effective(pod, container, "runAsUser")
    if user is not None:
        if user == 0:
            raise CreateContainerConfigError(f"container's runAsUser breaks non-root policy {where}")
        return
    named = image.user.partition(":")[0]
    if named in ("", "0"):
        raise CreateContainerConfigError(f"container has runAsNonRoot and image will run as root {where}")
    if not named.isdigit():
        raise CreateContainerConfigError(
            f"container has runAsNonRoot and image has non-numeric user ({named}), "
            f"cannot verify user is non-root {where}"
        )
