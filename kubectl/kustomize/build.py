"""From a folder with a kustomization to the objects that it means.

Source: sigs.k8s.io/kustomize/api/internal/target/kusttarget.go.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

from apimachinery.objects import Object, annotations_of, labels_of, name_of, namespace_of
from apimachinery.serialize import from_yaml_all
from kubectl.failures import CommandError
from kubectl.kustomize import generators, kustomization, patches, references, transformers
from kubectl.kustomize.kustomization import COMPONENT
from kubectl.kustomize.order import ordered
from kubectl.kustomize.resource import Resource, matching

_LOCAL = "config.kubernetes.io/local-config"
_REMOTE = re.compile(r"^(https?://|git@|ssh://|git::|[\w.-]+\.\w+/[^/]+/)|[?&]ref=")


def build(place: str, *, root_only: bool = True) -> list[Object]:
    """The objects, in order. With `root_only` files above a kustomization's folder are not read.

    Raises CommandError, also for what is not supported here.
    """
    if _REMOTE.search(place) and not Path(place).exists():
        raise CommandError(f"kustomizations of other machines are not supported: {place}")
    folder = Path(place).resolve()
    if not folder.is_dir():
        raise CommandError(_no_folder(place, Path(place) if folder.exists() else folder))
    layer = Layer(folder, root_only=root_only)
    resources = layer.accumulate([])
    for each in resources:
        if each.needs_hash:
            suffix = generators.name_hash(each.obj)
            each.remember()
            each.rename(f"{name_of(each.obj)}-{suffix}")
    references.update(resources)
    shown = [each for each in resources if annotations_of(each.obj).get(_LOCAL, "false") == "false"]
    return [each.obj for each in ordered(shown, layer.spec.get("sortOptions"))]


def _no_folder(place: str, folder: Path) -> str:
    if folder.exists():
        return f"must build at directory: '{folder}': file is not directory"
    what = f"lstat {folder}: no such file or directory"
    return f"must build at directory: not a valid directory: evalsymlink failure on '{place}' : {what}"


class Layer:
    """One folder's kustomization."""

    def __init__(self, folder: Path, *, root_only: bool, above: tuple[Path, ...] = ()) -> None:
        """`above` are the folders that led here."""
        self._folder = folder
        self._root_only = root_only
        self._above = (*above, folder)
        self.spec = kustomization.load(folder)

    def accumulate(self, resources: list[Resource]) -> list[Resource]:
        """What was there, what the kustomization adds, all of it transformed."""
        for name in self.spec["resources"]:
            try:
                self._add(resources, name)
            except CommandError as error:
                raise CommandError(f"accumulating resources: {error}") from None
        for resource in self._generated():
            self._absorb(resources, resource)
        for name in self.spec.get("components") or ():
            try:
                resources = self._with_component(resources, name)
            except CommandError as error:
                raise CommandError(f"accumulating components: {error}") from None
        return self._transformed(resources)

    # What is added.

    def _add(self, resources: list[Resource], name: str) -> None:
        """The objects of a file, or of a folder's own kustomization."""
        path = self._folder / name
        if path.is_dir():
            self._add_folder(resources, name, path.resolve())
            return
        if not path.exists() and _REMOTE.search(name):
            raise CommandError(f"resources of other machines are not supported: {name}")
        what = f"accumulating resources from '{name}'"
        try:
            added = [Resource(obj) for obj in _objects(name, self._read(name))]
            what = f"merging resources from '{name}'"
            self._append(resources, added)
        except MalformedError as error:
            raise CommandError(f"accumulating resources from '{name}': {error}") from None
        except CommandError as error:
            no_folder = _no_folder(str(path), path.resolve())
            raise CommandError(f"accumulation err='{what}: {error}': {no_folder}") from None

    def _add_folder(self, resources: list[Resource], name: str, folder: Path) -> None:
        what = f"accumulation err='accumulating resources from '{name}': '{folder}' must resolve to a file'"
        try:
            layer = self._layer(folder)
        except CommandError as error:
            raise CommandError(f"{what}: {error}") from None
        if layer.spec["kind"] == COMPONENT:
            raise CommandError(f"{what}: expected kind != '{COMPONENT}' for path '{folder}'")
        try:
            added = layer.accumulate([])
        except CommandError as error:
            raise CommandError(f"{what}: recursed accumulation of path '{folder}': {error}") from None
        try:
            self._append(resources, added)
        except CommandError as error:
            raise CommandError(f"{what}: recursed merging from path '{folder}': {error}") from None

    def _with_component(self, resources: list[Resource], name: str) -> list[Resource]:
        path = self._folder / name
        if not path.is_dir():
            raise CommandError(f'loader.New "{_no_folder(os.path.normpath(path), path.resolve())}"')
        folder = path.resolve()
        try:
            layer = self._layer(folder)
            if layer.spec["kind"] != COMPONENT:
                kinds = f"expected kind '{COMPONENT}' for path '{folder}' but got '{layer.spec['kind']}'"
                raise CommandError(kinds)
            try:
                return layer.accumulate(resources)
            except CommandError as error:
                raise CommandError(f"recursed accumulation of path '{folder}': {error}") from None
        except CommandError as error:
            raise CommandError(f'accumulateDirectory: "{error}"') from None

    def _layer(self, folder: Path) -> Layer:
        """Of another folder. Raises CommandError, also where folders lead back to one another."""
        for visited in self._above:
            if visited.is_relative_to(folder):
                what = f"candidate root '{folder}' contains visited root '{visited}'"
                raise CommandError(f"cycle detected: {what}")
        try:
            return Layer(folder, root_only=self._root_only, above=self._above)
        except CommandError as error:
            raise CommandError(f"couldn't make target for path '{folder}': {error}") from None

    def _read(self, name: str) -> bytes:
        path = (self._folder / name).resolve()
        if not path.exists():
            where = self._folder / name
            raise CommandError(f"evalsymlink failure on '{where}' : lstat {where}: no such file or directory")
        if self._root_only and not path.is_relative_to(self._folder):
            raise CommandError(f"security; file '{path}' is not in or below '{self._folder}'")
        try:
            return path.read_bytes()
        except OSError as error:
            raise CommandError(f"open {path}: {(error.strerror or '').lower()}") from None

    def _generated(self) -> list[Resource]:
        common = self.spec.get("generatorOptions") or {}
        return [
            generators.generate(each, common, kind, self._read)
            for kind, key in (("ConfigMap", "configMapGenerator"), ("Secret", "secretGenerator"))
            for each in self.spec.get(key) or ()
        ]

    def _append(self, resources: list[Resource], added: list[Resource]) -> None:
        for each in added:
            if any(each.id.is_same(other.id) for other in resources):
                raise CommandError(f"may not add resource with an already registered id: {each.id}")
            resources.append(each)

    def _absorb(self, resources: list[Resource], added: Resource) -> None:
        """A generated object is new, or goes into the place of one that has or had its name."""
        found = list(matching(resources, added.id.is_same))
        if added.behavior in ("merge", "replace"):
            if not found:
                raise CommandError(
                    f"merging from generator: id {added.id} does not exist; cannot merge or replace"
                )
            added.inherit(found[0])
            if added.behavior == "merge":
                for key in ("data", "binaryData"):
                    pairs = {**(found[0].obj.get(key) or {}), **(added.obj.get(key) or {})}
                    if pairs:
                        added.obj[key] = pairs
            resources[resources.index(found[0])] = added
        elif found:
            raise CommandError(
                f"merging from generator: id {added.id} exists; behavior must be merge or replace"
            )
        else:
            resources.append(added)

    # What is changed.

    def _transformed(self, resources: list[Resource]) -> list[Resource]:
        """In kustomize's order, whatever the order in the file."""
        spec = self.spec
        for each in spec.get("patchesStrategicMerge") or ():
            text = each if "\n" in each else self._read(each).decode()
            resources = patches.apply_strategic(resources, [one for one in from_yaml_all(text) if one], {})
        for each in spec.get("patches") or ():
            resources = patches.apply(resources, each, self._read)
        if spec.get("namespace"):
            transformers.set_namespace(resources, spec["namespace"])
        transformers.add_affixes(resources, spec.get("namePrefix") or "", spec.get("nameSuffix") or "")
        for each in spec.get("labels") or ():
            transformers.add_labels(resources, each)
        if spec.get("commonLabels"):
            transformers.add_common_labels(resources, spec["commonLabels"])
        if spec.get("commonAnnotations"):
            transformers.add_annotations(resources, spec["commonAnnotations"])
        for each in spec.get("patchesJson6902") or ():
            resources = patches.apply(resources, patches.target_of(each), self._read)
        for each in spec.get("replicas") or ():
            transformers.set_replicas(resources, each.get("name", ""), each.get("count", 0))
        for each in spec["images"]:
            transformers.set_image(resources, each)
        return resources


class MalformedError(CommandError):
    """A file is no YAML at all."""


def _objects(name: str, content: bytes) -> list[Object]:
    """The objects of a file, Lists taken apart. Raises MalformedError, CommandError."""
    try:
        documents = [each for each in from_yaml_all(content) if each]
    except ValueError as error:
        why = str(error).removeprefix("error converting YAML to JSON: ")
        raise MalformedError(f"MalformedYAMLError: {why} in File: {name}") from None
    flat = [item for each in documents for item in (each["items"] if _is_list(each) else [each])]
    for each in flat:
        for what, there in (("metadata.name", name_of(each)), ("kind", each.get("kind"))):
            if not there:
                raise CommandError(f"missing {what} in object {_go_meta(each)}")
    return flat


def _go_meta(obj: Object) -> str:
    """As Go prints a ResourceMeta."""
    names = f"{{{name_of(obj)} {namespace_of(obj)}}}"
    labels, annotations = (
        f"map[{' '.join(f'{key}:{value}' for key, value in sorted(pairs.items()))}]"
        for pairs in (labels_of(obj), annotations_of(obj))
    )
    return f"{{{{{obj.get('apiVersion', '')} {obj.get('kind', '')}}} {{{names} {labels} {annotations}}}}}"


def _is_list(obj: Object) -> bool:
    return str(obj.get("kind", "")).endswith("List") and isinstance(obj.get("items"), list)
