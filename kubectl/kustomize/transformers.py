"""What a kustomization does to all of its objects: namespace, names, labels, annotations, replicas, images.

Source: sigs.k8s.io/kustomize/api/internal/builtins, api/filters.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial
from typing import Any

from apimachinery.objects import Object, name_of
from kubectl.failures import CommandError
from kubectl.kustomize import fields
from kubectl.kustomize.fields import Field, change
from kubectl.kustomize.resource import Id, Resource, matching

_NAMES_KEPT = (
    Id("", "", "CustomResourceDefinition", "", ""),
    Id("apiregistration.k8s.io", "", "APIService", "", ""),
)
_TAG = r"(:[a-zA-Z0-9_.{}-]*)?(@sha256:[a-zA-Z0-9_.{}-]*)?"


def set_namespace(resources: list[Resource], namespace: str) -> None:
    """Raises CommandError if two objects become one."""
    for each in resources:
        each.remember()
        id = each.id
        if not id.is_cluster_scoped:
            each.obj["metadata"] = {**(each.obj.get("metadata") or {}), "namespace": namespace}
        if id.kind in ("RoleBinding", "ClusterRoleBinding"):
            for subject in each.obj.get("subjects") or ():
                if subject.get("name") == "default":
                    subject["namespace"] = namespace
        change(each.obj, fields.NAMESPACES, id, lambda _: namespace)
        same = [other.id for other in resources if other.id.is_same(each.id)]
        if len(same) != 1:
            listed = " ".join(str(other) for other in same)
            raise CommandError(f"namespace transformation produces ID conflict: [{listed}]")


def add_affixes(resources: list[Resource], prefix: str, suffix: str) -> None:
    for each in resources:
        if each.original.kind == "Namespace" or any(
            each.original.is_of(kept.kind, kept.group) for kept in _NAMES_KEPT
        ):
            continue
        if prefix:
            each.prefixes.append(prefix)
            each.remember()
            each.rename(prefix + name_of(each.obj))
        if suffix:
            each.suffixes.append(suffix)
            each.remember()
            each.rename(name_of(each.obj) + suffix)


def add_labels(resources: list[Resource], entry: Object) -> None:
    """One entry of `labels`: to the object, and if asked for to templates and selectors."""
    own = [
        Field(
            each["path"],
            each.get("kind", ""),
            each.get("group", ""),
            each.get("version", ""),
            bool(each.get("create")),
        )
        for each in entry.get("fields") or ()
    ]
    if entry.get("includeSelectors"):
        wanted = fields.LABELS
    else:
        wanted = fields.TEMPLATE_LABELS if entry.get("includeTemplates") else fields.OWN_LABELS
    _add_pairs(resources, [*own, *wanted], entry.get("pairs") or {})


def add_common_labels(resources: list[Resource], labels: Object) -> None:
    _add_pairs(resources, fields.LABELS, labels)


def add_annotations(resources: list[Resource], annotations: Object) -> None:
    _add_pairs(resources, fields.ANNOTATIONS, annotations)


def _add_pairs(resources: list[Resource], where: list[Field], pairs: Object) -> None:
    for each in resources:
        change(each.obj, where, each.id, lambda value: {**(value or {}), **pairs})


def set_replicas(resources: list[Resource], name: str, count: int) -> None:
    """Of every object that has or had this name. Raises CommandError if there is none."""

    def is_meant(field: Field, id: Id) -> bool:
        return id.name == name and field.is_in(id)

    found = False
    for field in fields.REPLICAS:
        for each in matching(resources, partial(is_meant, field)):
            found = True
            change(each.obj, [field], each.id, lambda _: count)
    if not found:
        kinds = " ".join(f"{field.kind}.[noVer].[noGrp]" for field in fields.REPLICAS)
        raise CommandError(
            f"resource with name {name} does not match a config with the following GVK [{kinds}]"
        )


def set_image(resources: list[Resource], entry: Object) -> None:
    """An entry of `images`, in every container that runs it."""
    for each in resources:
        if each.id.kind != "CustomResourceDefinition":
            for container in _containers(each.obj):
                if isinstance(container.get("image"), str):
                    container["image"] = new_image(container["image"], entry)


def _containers(node: Any) -> Iterator[Object]:
    """Whatever stands in a list of this name, wherever that is."""
    if isinstance(node, list):
        for item in node:
            yield from _containers(item)
    elif isinstance(node, dict):
        for key, value in node.items():
            yield from _containers(value)
            if key in ("containers", "initContainers") and isinstance(value, list):
                yield from (item for item in value if isinstance(item, dict))


def new_image(image: str, entry: Object) -> str:
    """The image as the entry wants it; unchanged if the entry is about another."""
    if not re.fullmatch(f"{entry.get('name', '')}{_TAG}", image):
        return image
    name, tag, digest = split_image(image)
    name = entry.get("newName") or name
    new_tag, new_digest = str(entry.get("newTag") or ""), entry.get("digest") or ""
    if new_tag or new_digest:
        tag, digest = new_tag, new_digest
    elif entry.get("tagSuffix"):
        tag, digest = tag + entry["tagSuffix"], ""
    return f"{name}{f':{tag}' if tag else ''}{f'@{digest}' if digest else ''}"


def split_image(image: str) -> tuple[str, str, str]:
    """Name, tag and digest; a port of the registry is of the name."""
    rest, _, digest = image.partition("@")
    registry, slash, path = rest.partition("/")
    last, _, tag = (path if slash else rest).partition(":")
    return f"{registry}/{last}" if slash else last, tag, digest
