"""Patches of a kustomization: strategic ones, or JSON patches, to one object or to all that a target selects.

Source: sigs.k8s.io/kustomize/api/internal/builtins/PatchTransformer.go.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

from apimachinery.labels import parse_selector
from apimachinery.objects import Object, annotations_of, labels_of, name_of, namespace_of
from apimachinery.patch import PatchError, json_patch
from apimachinery.schema import builtin
from apimachinery.serialize import DecodeError, from_yaml_all, to_yaml
from kubectl.failures import CommandError
from kubectl.kustomize.generators import Read
from kubectl.kustomize.merging import merged
from kubectl.kustomize.resource import Resource, id_of, matching

_GVK = ("group", "version", "kind")


def apply(resources: list[Resource], entry: Object, read: Read) -> list[Resource]:
    """One entry of `patches`; what a patch deletes is left out. Raises CommandError."""
    try:
        text, source = _text(entry, read)
        documents = _documents(text, source)
    except CommandError as error:
        config = f"`\n{to_yaml(entry)}`"
        raise CommandError(
            f"trouble configuring builtin PatchTransformer with config: {config}: {error}"
        ) from None
    target = entry.get("target")
    if isinstance(documents[0], list):
        if target is None:
            raise CommandError(f"must specify a target for JSON patch {source}")
        return _apply_json(resources, documents[0], selected(resources, target))
    if target is None:
        return apply_strategic(resources, documents, entry.get("options") or {})
    if len(documents) > 1:
        raise CommandError(
            "Multiple Strategic-Merge Patches in one `patches` entry is not allowed to set "
            f"`patches.target` field: {source}"
        )
    for each in selected(resources, target):
        resources = _apply_one(resources, each, documents[0], entry.get("options") or {})
    return resources


def _text(entry: Object, read: Read) -> tuple[str, str]:
    """The patch itself, and how messages name it."""
    inline, path = (entry.get("patch") or "").strip(), entry.get("path") or ""
    if bool(inline) == bool(path):
        what = (
            "patch and path can't be set at the same time" if path else "must specify one of patch and path"
        )
        raise CommandError(f"{what} in\n{to_yaml(entry)}")
    if inline:
        return inline, f"[patch: {json.dumps(inline)}]"
    try:
        return read(path).decode(), f'[path: "{path}"]'
    except CommandError as error:
        raise CommandError(f"failed to get the patch file from path({path}): {error}") from None


def _documents(text: str, source: str) -> list[Any]:
    try:
        documents = [each for each in from_yaml_all(text) if each]
    except DecodeError:
        documents = []
    if not documents or not all(_is_object(each) for each in documents if not isinstance(each, list)):
        raise CommandError(f"unable to parse SM or JSON patch from {source}")
    return documents


def _is_object(document: Any) -> bool:
    return isinstance(document, dict) and bool(document.get("kind")) and "apiVersion" in document


def apply_strategic(resources: list[Resource], patches: Sequence[Object], options: Object) -> list[Resource]:
    """To the objects that the patches name."""
    for patch in patches:
        wanted = id_of(patch)
        found = list(matching(resources, wanted.is_same))
        if len(found) != 1:
            how = "no matches for" if not found else "multiple matches for"
            ids = "; failed to find unique target for patch " + str(wanted) if not found else ""
            raise CommandError(
                f'no resource matches strategic merge patch "{wanted}": {how} Id {wanted}{ids}'
            )
        resources = _apply_one(resources, found[0], patch, options)
    return resources


def _apply_one(resources: list[Resource], target: Resource, patch: Object, options: Object) -> list[Resource]:
    """Name, namespace and kind stay, unless the options let them change."""
    obj = target.obj
    schema = builtin().find(obj["apiVersion"], obj["kind"])
    result = merged(obj, {**patch, "apiVersion": obj["apiVersion"]}, schema)
    if not result:
        return [each for each in resources if each is not target]
    if options.get("allowNameChange") or options.get("allowKindChange"):
        target.remember()
    if not options.get("allowKindChange"):
        result["kind"] = obj["kind"]
    metadata = {**(result.get("metadata") or {})}
    if not options.get("allowNameChange"):
        metadata["name"] = name_of(obj)
    metadata.pop("namespace", None)
    if namespace := namespace_of(obj):
        metadata["namespace"] = namespace
    target.obj = {**result, "metadata": metadata}
    return resources


def _apply_json(
    resources: list[Resource], operations: list[Object], targets: Sequence[Resource]
) -> list[Resource]:
    for each in targets:
        each.remember()
        try:
            each.obj = json_patch(each.obj, operations)
        except PatchError as error:
            raise CommandError(str(error)) from None
    return resources


def selected(resources: Sequence[Resource], target: Object) -> list[Resource]:
    """Those that every field of the target fits; names are whole expressions. Raises CommandError."""
    try:
        labels = parse_selector(target.get("labelSelector") or "")
        annotations = parse_selector(target.get("annotationSelector") or "")
    except ValueError as error:
        raise CommandError(str(error)) from None
    return [
        each
        for each in resources
        if _names_fit(each, target)
        and labels.matches(labels_of(each.obj))
        and annotations.matches(annotations_of(each.obj))
    ]


def _names_fit(each: Resource, target: Object) -> bool:
    ids = (each.original, each.id)
    return (
        any(_fits(target.get("namespace"), id.effective_namespace) for id in ids)
        and any(_fits(target.get("name"), id.name) for id in ids)
        and all(_fits(target.get(key), getattr(each.id, key)) for key in _GVK)
    )


def _fits(pattern: str | None, text: str) -> bool:
    return not pattern or re.fullmatch(pattern, text) is not None


def target_of(entry: Object) -> Object:
    """An entry of `patchesJson6902`, whose target is one object, not a pattern."""
    target = entry.get("target") or {}
    literal = {key: re.escape(value) for key, value in target.items() if isinstance(value, str)}
    return {**entry, "target": literal or None}
