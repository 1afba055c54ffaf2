"""The checks of the restricted level: what a hardened pod must say, and may not.

Source: policy/check_*.go of kubernetes/pod-security-admission at 1.34.
"""

from __future__ import annotations

from apimachinery.objects import Object, get_path
from apimachinery.pods import all_containers
from apiserver.admission.pod_security.baseline import seccomp_profile, seccomp_type
from apiserver.admission.pod_security.violation import (
    Check,
    Violation,
    containers_where,
    named,
    plural,
    quoted,
    security_of,
    setters,
)

_VOLUMES = frozenset(
    ("configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "image", "persistentVolumeClaim",
     "projected", "secret")
)  # fmt: skip
_OTHER_VOLUMES = (
    "hostPath", "gcePersistentDisk", "awsElasticBlockStore", "gitRepo", "nfs", "iscsi", "glusterfs", "rbd",
    "flexVolume", "cinder", "cephfs", "flocker", "fc", "azureFile", "vsphereVolume", "quobyte", "azureDisk",
    "photonPersistentDisk", "portworxVolume", "scaleIO", "storageos",
)  # fmt: skip


def unless_windows(check: Check) -> Check:
    """A check of what Windows has not."""

    def checked(metadata: Object, spec: Object) -> Violation | None:
        return None if get_path(spec, "os.name") == "windows" else check(metadata, spec)

    return checked


def allow_privilege_escalation(metadata: Object, spec: Object) -> Violation | None:
    containers = containers_where(
        spec, lambda security: security.get("allowPrivilegeEscalation") is not False
    )
    if not containers:
        return None
    what = "must set securityContext.allowPrivilegeEscalation=false"
    return Violation("allowPrivilegeEscalation != false", f"{named(containers)} {what}")


def capabilities(metadata: Object, spec: Object) -> Violation | None:
    def added(security: Object) -> set[str]:
        return set(get_path(security, "capabilities.add") or ()) - {"NET_BIND_SERVICE"}

    keeping = containers_where(
        spec, lambda security: "ALL" not in (get_path(security, "capabilities.drop") or ())
    )
    adding = containers_where(spec, added)
    details = []
    if keeping:
        details.append(f'{named(keeping)} must set securityContext.capabilities.drop=["ALL"]')
    if adding:
        values = sorted(set[str]().union(*(added(security_of(each)) for each in all_containers(spec))))
        where = "securityContext.capabilities.add"
        details.append(f"{named(adding)} must not include {quoted(values)} in {where}")
    return Violation("unrestricted capabilities", "; ".join(details)) if details else None


def volumes(metadata: Object, spec: Object) -> Violation | None:
    bad = [each for each in spec.get("volumes") or () if not _VOLUMES & each.keys()]
    if not bad:
        return None
    types = sorted(
        {next((name for name in _OTHER_VOLUMES if each.get(name) is not None), "unknown") for each in bad}
    )
    names = quoted(each["name"] for each in bad)
    use, what = plural(len(bad), "uses", "use"), plural(len(types), "restricted volume type")
    return Violation(
        "restricted volume types", f"{plural(len(bad), 'volume')} {names} {use} {what} {quoted(types)}"
    )


def run_as_non_root(metadata: Object, spec: Object) -> Violation | None:
    of_pod = security_of(spec).get("runAsNonRoot")
    bad = containers_where(spec, lambda security: security.get("runAsNonRoot") is False)
    if of_pod is False or bad:
        what = "must not set securityContext.runAsNonRoot=false"
        return Violation("runAsNonRoot != true", f"{setters(of_pod is False, bad)} {what}")
    silent = containers_where(spec, lambda security: security.get("runAsNonRoot") is None)
    if of_pod or not silent:
        return None
    return Violation(
        "runAsNonRoot != true", f"pod or {named(silent)} must set securityContext.runAsNonRoot=true"
    )


def run_as_user(metadata: Object, spec: Object) -> Violation | None:
    def bad(security: Object) -> bool:
        return security.get("runAsUser") == 0

    pod, containers = bad(security_of(spec)), containers_where(spec, bad)
    if not pod and not containers:
        return None
    return Violation("runAsUser=0", f"{setters(pod, containers)} must not set runAsUser=0")


def seccomp(metadata: Object, spec: Object) -> Violation | None:
    """Besides what the baseline says, every container must have a profile."""
    violation = seccomp_profile(metadata, spec)
    if violation is not None:
        return violation
    silent = containers_where(spec, lambda security: seccomp_type(security) is None)
    if seccomp_type(security_of(spec)) is not None or not silent:
        return None
    what = 'must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost"'
    return Violation("seccompProfile", f"pod or {named(silent)} {what}")


CHECKS: dict[str, dict[int, Check]] = {
    "allowPrivilegeEscalation": {
        8: allow_privilege_escalation,
        25: unless_windows(allow_privilege_escalation),
    },
    "capabilities_restricted": {22: capabilities, 25: unless_windows(capabilities)},
    "restrictedVolumes": {0: volumes},
    "runAsNonRoot": {0: run_as_non_root},
    "runAsUser": {23: run_as_user},
    "seccompProfile_restricted": {19: seccomp, 25: unless_windows(seccomp)},
}
REPLACED = {
    "capabilities_restricted": "capabilities_baseline",
    "restrictedVolumes": "hostPathVolumes",
    "seccompProfile_restricted": "seccompProfile_baseline",
}
"""Which check of the baseline each of these includes."""
