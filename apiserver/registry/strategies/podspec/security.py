"""Security contexts of pods and containers: users, groups, profiles, sysctls, Windows options."""

from __future__ import annotations

import re
from collections.abc import Sequence

from apimachinery import names
from apimachinery.field import Errors, Path, duplicate, forbidden, invalid, not_supported, required, too_long
from apimachinery.objects import Object
from apiserver.registry.strategies.checks import MAX_INT32, between, matches, one_of
from apiserver.registry.strategies.podspec.paths import local_path

_PROFILES = ("Localhost", "RuntimeDefault", "Unconfined")
_SYSCTL_SEGMENT = "[a-z0-9]([-_a-z0-9]*[a-z0-9])?"
_SYSCTL = f"^({_SYSCTL_SEGMENT}[\\./])*{_SYSCTL_SEGMENT}$"
_IPC_SYSCTLS = ("kernel.shm", "kernel.msg", "fs.mqueue.")
_NO_WINDOWS = "cannot be set for a windows pod"
_NO_LINUX = "windows options cannot be set for a linux pod"
_WINDOWS_POD = (
    "appArmorProfile",
    "seLinuxOptions",
    "seccompProfile",
    "fsGroup",
    "fsGroupChangePolicy",
    "sysctls",
    "runAsUser",
    "runAsGroup",
    "supplementalGroups",
    "supplementalGroupsPolicy",
    "seLinuxChangePolicy",
)
_WINDOWS_CONTAINER = (
    "appArmorProfile",
    "seLinuxOptions",
    "seccompProfile",
    "capabilities",
    "readOnlyRootFilesystem",
    "privileged",
    "allowPrivilegeEscalation",
    "procMount",
    "runAsUser",
    "runAsGroup",
)


_NOT_IN_NAMESPACE = "when `hostUsers` is false"


def _ids(context: Object, path: Path, *fields: str) -> Errors:
    for field in fields:
        yield from between(context.get(field), path.child(field), 0, MAX_INT32)


def validate_pod_security(spec: Object, path: Path) -> Errors:
    """`path` is the spec's: some of these fields stand there in v1."""
    context = spec.get("securityContext") or {}
    at = path.child("securityContext")
    yield from _ids(context, at, "fsGroup", "runAsUser", "runAsGroup")
    for index, group in enumerate(context.get("supplementalGroups") or ()):
        yield from between(group, at.child("supplementalGroups").index(index), 0, MAX_INT32)
    if spec.get("shareProcessNamespace") and spec.get("hostPID"):
        detail = "ShareProcessNamespace and HostPID cannot both be enabled"
        yield invalid(at.child("shareProcessNamespace"), True, detail)
    yield from _sysctls(context.get("sysctls") or (), spec, at.child("sysctls"))
    for field, allowed in (
        ("fsGroupChangePolicy", ("Always", "OnRootMismatch")),
        ("supplementalGroupsPolicy", ("Merge", "Strict")),
        ("seLinuxChangePolicy", ("Recursive",)),  # MountOption is behind SELinuxMount
    ):
        yield from one_of(context.get(field), at.child(field), allowed, optional=True)
    yield from _profiles(context, at)


def validate_container_security(context: Object | None, path: Path, *, host_users: bool) -> Errors:
    if context is None:
        return
    yield from _ids(context, path, "runAsUser", "runAsGroup")
    mount = context.get("procMount")
    if mount is not None:
        if mount not in ("Default", "Unmasked"):
            yield not_supported(path.child("procMount"), mount, ("Default", "Unmasked"))
        if host_users and mount == "Unmasked":
            yield invalid(path.child("procMount"), mount, "`hostUsers` must be false to use `Unmasked`")
    if context.get("allowPrivilegeEscalation") is False:
        if context.get("privileged"):
            detail = "cannot set `allowPrivilegeEscalation` to false and `privileged` to true"
            yield invalid(path, context, detail)
        if "CAP_SYS_ADMIN" in ((context.get("capabilities") or {}).get("add") or ()):
            detail = "cannot set `allowPrivilegeEscalation` to false and `capabilities.Add` CAP_SYS_ADMIN"
            yield invalid(path, context, detail)
    yield from _profiles(context, path)


def _profiles(context: Object, path: Path) -> Errors:
    if context.get("seccompProfile") is not None:
        yield from _seccomp(context["seccompProfile"], path.child("seccompProfile"))
    if context.get("windowsOptions") is not None:
        yield from _windows_options(context["windowsOptions"], path.child("windowsOptions"))
    if context.get("appArmorProfile") is not None:
        yield from _app_armor(context["appArmorProfile"], path.child("appArmorProfile"))


def _profile_type(profile: Object, path: Path, name: str) -> Errors:
    if not profile.get("type"):
        yield required(path.child("type"), f"type is required when {name} is set")
    elif profile["type"] not in _PROFILES:
        yield not_supported(path.child("type"), profile["type"], _PROFILES)


def _seccomp(profile: Object, path: Path) -> Errors:
    yield from _profile_type(profile, path, "seccompProfile")
    local, at = profile.get("localhostProfile"), path.child("localhostProfile")
    if profile.get("type") == "Localhost":
        if local is None:
            yield required(at, "must be set when seccomp type is Localhost")
        else:
            yield from local_path(local, at)
    elif local is not None:
        yield invalid(at, profile, "can only be set when seccomp type is Localhost")


def _app_armor(profile: Object, path: Path) -> Errors:
    yield from _profile_type(profile, path, "appArmorProfile")
    local, at = profile.get("localhostProfile"), path.child("localhostProfile")
    if profile.get("type") == "Localhost":
        name = local or ""
        if not name.strip():
            yield required(at, "must be set when AppArmor type is Localhost")
        elif name != name.strip():
            yield invalid(at, name, "must not be padded with whitespace")
        if len(name) > 4095:
            yield too_long(at, name, 4095)
    elif profile.get("type") in _PROFILES and local is not None:
        yield invalid(at, local, "can only be set when AppArmor type is Localhost")


def _sysctls(sysctls: Sequence[Object], spec: Object, path: Path) -> Errors:
    seen: set[str] = set()
    for index, sysctl in enumerate(sysctls):
        at, name = path.index(index).child("name"), sysctl.get("name") or ""
        if not name:
            yield required(at)
        elif len(name) > 253 or not re.match(_SYSCTL, name):
            yield invalid(at, name, f"must have at most 253 characters and match regex {_SYSCTL}")
        elif name in seen:
            yield duplicate(at, name)
        seen.add(name)
        dotted = name.replace("/", ".")
        if spec.get("hostNetwork") and dotted.startswith("net."):
            yield invalid(at, name, "may not be specified when 'hostNetwork' is true")
        elif spec.get("hostIPC") and (dotted == "kernel.sem" or dotted.startswith(_IPC_SYSCTLS)):
            yield invalid(at, name, "may not be specified when 'hostIPC' is true")


def _windows_options(options: Object, path: Path) -> Errors:
    if options.get("gmsaCredentialSpecName") is not None:
        at = path.child("gmsaCredentialSpecName")
        yield from matches(options["gmsaCredentialSpecName"], at, names.is_dns1123_subdomain)
    spec, at = options.get("gmsaCredentialSpec"), path.child("gmsaCredentialSpec")
    if spec == "":
        yield invalid(at, spec, "gmsaCredentialSpec cannot be an empty string")
    elif spec is not None and len(spec) > 64 * 1024:
        yield invalid(at, spec, "gmsaCredentialSpec size must be under 64 KiB")
    if options.get("runAsUserName") is not None:
        yield from matches(options["runAsUserName"], path.child("runAsUserName"), _windows_user)


def _windows_user(name: str) -> list[str]:
    parts = name.split("\\")
    if not name:
        return ["runAsUserName cannot be an empty string"]
    if re.search(r"[\x00-\x1f\x7f]", name):
        return ["runAsUserName cannot contain control characters"]
    if len(parts) > 2:
        return ["runAsUserName cannot contain more than one backslash"]
    user = parts[-1]
    wrong = _windows_domain(parts[0]) if len(parts) == 2 else []
    if not user:
        wrong.append("runAsUserName's User cannot be empty")
    elif len(user) > 104:
        wrong.append("runAsUserName's User length must not be longer than 104 characters")
    if re.fullmatch(r"[. ]+", user):
        wrong.append("runAsUserName's User cannot contain only periods or spaces")
    if re.search(r'["/\\:;|=,+*?<>@\[\]]', user):
        wrong.append("runAsUserName's User cannot contain the following characters: \"/\\:;|=,+*?<>@[]")
    return wrong


def _windows_domain(domain: str) -> list[str]:
    label = "[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?"
    netbios = r'[^\\/:*?"<>|.][^\\/:*?"<>|]{0,14}'
    wrong = []
    if len(domain) >= 256:
        wrong.append("runAsUserName's Domain length must be under 256 characters")
    if not re.fullmatch(rf"{netbios}|{label}(?:\.{label})*", domain):
        wrong.append("runAsUserName's Domain doesn't match the NetBios nor the DNS format")
    return wrong


def validate_os(spec: Object, containers: Sequence[tuple[Object, Path]], path: Path) -> Errors:
    """What a pod for Linux or for Windows may not ask for; `containers` are all of them with their paths."""
    name, at = (spec.get("os") or {}).get("name"), path.child("os")
    if not name:
        yield required(at.child("name"))
    elif name not in ("linux", "windows"):
        yield not_supported(at, name, ("linux", "windows"))
    elif name == "linux":
        for holder, where in [(spec, path), *containers]:
            if ((holder.get("securityContext") or {}).get("windowsOptions")) is not None:
                yield forbidden(where.child("securityContext", "windowsOptions"), _NO_LINUX)
    else:
        yield from _refused_on_windows(spec, containers, path)


def _refused_on_windows(spec: Object, containers: Sequence[tuple[Object, Path]], path: Path) -> Errors:
    for field in ("hostUsers", "shareProcessNamespace"):
        if spec.get(field) is not None:
            yield forbidden(path.child(field), _NO_WINDOWS)
    for field in ("hostPID", "hostIPC"):
        if spec.get(field):
            yield forbidden(path.child(field), _NO_WINDOWS)
    holders = [(spec, path, _WINDOWS_POD), *((c, at, _WINDOWS_CONTAINER) for c, at in containers)]
    for holder, at, fields in holders:
        context = holder.get("securityContext") or {}
        for field in fields:
            if context.get(field) is not None:
                yield forbidden(at.child("securityContext", field), _NO_WINDOWS)


def validate_host_process(spec: Object, containers: Sequence[tuple[Object, Path]], path: Path) -> Errors:
    """Windows HostProcess containers: all or none, and only on the host's network."""
    of_pod = _host_process(spec)
    inside = 0
    for container, at in containers:
        own = _host_process(container)
        if own is not None and of_pod is not None and own != of_pod:
            was = str(of_pod).lower()
            detail = f"pod hostProcess value must be identical if both are specified, was {was}"
            yield invalid(at.child("securityContext", "windowsOptions", "hostProcess"), own, detail)
        inside += bool(of_pod if own is None else own)
    if not inside:
        return
    if inside != len(containers):
        detail = (
            "If pod contains any hostProcess containers then all containers must be HostProcess containers"
        )
        yield invalid(path, "", detail)
    if not spec.get("hostNetwork"):
        detail = "hostNetwork must be true if pod contains any hostProcess containers"
        yield invalid(path.child("hostNetwork"), False, detail)


def _host_process(holder: Object) -> bool | None:
    options = (holder.get("securityContext") or {}).get("windowsOptions") or {}
    value = options.get("hostProcess")
    return None if value is None else bool(value)


def validate_host_users(spec: Object, containers: Sequence[tuple[Object, Path]], path: Path) -> Errors:
    if spec.get("hostUsers") is not False:
        return
    for field, shown in (("hostNetwork", "hostNetwork"), ("hostPID", "HostPID"), ("hostIPC", "HostIPC")):
        if spec.get(field):
            yield forbidden(path.child(shown), _NOT_IN_NAMESPACE)
    for container, at in containers:
        if container.get("volumeDevices"):
            yield forbidden(at.child("volumeDevices"), _NOT_IN_NAMESPACE)
