"""Annotations that mean something to the pod: mirror pods, deletion cost, old seccomp and AppArmor notes."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from apimachinery.field import Errors, Path, forbidden, invalid
from apimachinery.objects import Object
from apimachinery.well_known import DELETION_COST, MIRROR_POD
from apiserver.registry.strategies.podspec.paths import local_path

SECCOMP_POD = "seccomp.security.alpha.kubernetes.io/pod"
SECCOMP_CONTAINER = "container.seccomp.security.alpha.kubernetes.io/"
APP_ARMOR = "container.apparmor.security.beta.kubernetes.io/"
_SECCOMP_NAMES = ("runtime/default", "docker/default", "unconfined")
_SECCOMP_VALUES = {"Unconfined": ("unconfined",), "RuntimeDefault": ("runtime/default", "docker/default")}
_APP_ARMOR_VALUES = {"Unconfined": ("unconfined",), "RuntimeDefault": ("runtime/default",)}


def validate_pod_annotations(annotations: Mapping[str, str], spec: Object, path: Path) -> Errors:
    if MIRROR_POD in annotations and not spec.get("nodeName"):
        detail = "must set spec.nodeName if mirror pod annotation is set"
        yield invalid(path.key(MIRROR_POD), annotations[MIRROR_POD], detail)
    cost = annotations.get(DELETION_COST)
    if cost is not None and not _is_int32(cost):
        yield invalid(path.key(DELETION_COST), cost, "must be a 32bit integer")
    for key, value in annotations.items():
        if key == SECCOMP_POD or key.startswith(SECCOMP_CONTAINER):
            yield from _seccomp(value, path.child(key))
        elif key.startswith(APP_ARMOR):
            yield from _app_armor(key.removeprefix(APP_ARMOR), value, spec, path.key(key))


def _is_int32(text: str) -> bool:
    return bool(re.fullmatch(r"0|-?[1-9]\d*", text)) and -(2**31) <= int(text) < 2**31


def _seccomp(value: str, path: Path) -> Errors:
    if value.startswith("localhost/"):
        yield from local_path(value.removeprefix("localhost/"), path)
    elif value not in _SECCOMP_NAMES:
        yield invalid(path, value, "must be a valid seccomp profile")


def _app_armor(container: str, value: str, spec: Object, path: Path) -> Errors:
    sorts = ("containers", "initContainers", "ephemeralContainers")
    if container not in {each.get("name") for sort in sorts for each in spec.get(sort) or ()}:
        yield invalid(path, container, "container not found")
    if value not in ("", "runtime/default", "unconfined") and not value.startswith("localhost/"):
        yield invalid(path, value, f'invalid AppArmor profile name: "{value}"')


def validate_annotation_changes(new: Mapping[str, str], old: Mapping[str, str], path: Path) -> Errors:
    for key in [*old, *(key for key in new if key not in old)]:
        if new.get(key) == old.get(key):
            continue
        change = "remove or update" if key in old else "add"
        if key.startswith(APP_ARMOR):
            yield forbidden(path.key(key), f"may not {change} AppArmor annotations")
        if key == MIRROR_POD:
            yield forbidden(path.key(key), f"may not {change} mirror pod annotation")


def validate_profile_annotations(
    annotations: Mapping[str, str], spec: Object, containers: Sequence[tuple[Object, Path]], path: Path
) -> Errors:
    """Where an old annotation and the field that took its place are both given, they must agree."""
    of_pod = spec.get("securityContext") or {}
    if of_pod.get("seccompProfile") and SECCOMP_POD in annotations:
        at = path.child("securityContext", "seccompProfile")
        yield from _agree(annotations[SECCOMP_POD], of_pod["seccompProfile"], _SECCOMP_VALUES, "seccomp", at)
    for container, where in containers:
        context, at = container.get("securityContext") or {}, where.child("securityContext")
        name = container.get("name") or ""
        seccomp = annotations.get(SECCOMP_CONTAINER + name)
        if context.get("seccompProfile") and seccomp is not None:
            profile = context["seccompProfile"]
            yield from _agree(seccomp, profile, _SECCOMP_VALUES, "seccomp", at.child("seccompProfile"))
        app_armor = annotations.get(APP_ARMOR + name)
        armour = context.get("appArmorProfile") or of_pod.get("appArmorProfile")
        if armour and app_armor is not None:
            yield from _agree(app_armor, armour, _APP_ARMOR_VALUES, "apparmor", at.child("appArmorProfile"))


def _agree(
    annotation: str, profile: Object, values: Mapping[str, tuple[str, ...]], what: str, path: Path
) -> Errors:
    sort = profile.get("type") or ""
    if sort in values and annotation not in values[sort]:
        yield forbidden(path.child("type"), f"{what} type in annotation and field must match")
    elif sort == "Localhost":
        if not annotation.startswith("localhost/"):
            yield forbidden(path.child("type"), f"{what} type in annotation and field must match")
        elif annotation.removeprefix("localhost/") != profile.get("localhostProfile"):
            detail = f"{what} profile in annotation and field must match"
            yield forbidden(path.child("localhostProfile"), detail)
