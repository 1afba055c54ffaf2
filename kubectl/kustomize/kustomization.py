"""The file that says what becomes of the others: read, checked, brought to today's form.

Source: sigs.k8s.io/kustomize/api/types/kustomization.go.
"""

from __future__ import annotations

import sys
from pathlib import Path

from apimachinery.go_values import json_kind
from apimachinery.objects import Object
from apimachinery.serialize import from_yaml_all
from kubectl.failures import CommandError

NAMES = ("kustomization.yaml", "kustomization.yml", "Kustomization")
COMPONENT = "Component"
_KNOWN = (
    "apiVersion", "bases", "commonAnnotations", "commonLabels", "components", "configMapGenerator",
    "generatorOptions", "imageTags", "images", "kind", "labels", "metadata", "namePrefix", "nameSuffix",
    "namespace", "patches", "patchesJson6902", "patchesStrategicMerge", "replicas", "resources",
    "secretGenerator", "sortOptions",
)  # fmt: skip
_UNSUPPORTED = (
    "buildMetadata", "configurations", "crds", "generators", "helmChartInflationGenerator", "helmCharts",
    "helmGlobals", "openapi", "replacements", "transformers", "validators", "vars",
)  # fmt: skip
_FIELDS = {name.lower(): name for name in (*_KNOWN, *_UNSUPPORTED)}
"""Go's JSON finds fields whatever the case of their letters."""
_DEPRECATED = {
    "bases": "resources",
    "commonLabels": "labels",
    "imageTags": "images",
    "patchesJson6902": "patches",
    "patchesStrategicMerge": "patches",
}


_STRINGS, _MAP, _TEXT = "[]string", "map[string]string", "string"
_TYPES = {
    "bases": _STRINGS, "components": _STRINGS, "resources": _STRINGS,
    "commonAnnotations": _MAP, "commonLabels": _MAP,
    "namePrefix": _TEXT, "nameSuffix": _TEXT, "namespace": _TEXT,
    "configMapGenerator": "[]types.ConfigMapArgs", "secretGenerator": "[]types.SecretArgs",
    "images": "[]types.Image", "imageTags": "[]types.Image", "labels": "[]types.Label",
    "patches": "[]types.Patch", "patchesJson6902": "[]types.Patch", "replicas": "[]types.Replica",
    "patchesStrategicMerge": "[]types.PatchStrategicMerge",
    "generatorOptions": "types.GeneratorOptions", "sortOptions": "types.SortOptions",
}  # fmt: skip
"""Of fields, by Go's names, which messages tell."""


def load(folder: Path) -> Object:
    """The kustomization of a folder. Raises CommandError, also for fields that are not served here."""
    found = [folder / name for name in NAMES if (folder / name).is_file()]
    if not found:
        names = [f"'{name}'" for name in NAMES]
        listed = f"{', '.join(names[:-1])} or {names[-1]}"
        raise CommandError(f"unable to find one of {listed} in directory '{folder}'")
    if len(found) > 1:
        raise CommandError(f"Found multiple kustomization files under: {folder}\n")
    return _checked(_parsed(found[0]), folder)


def _parsed(file: Path) -> Object:
    try:
        documents = from_yaml_all(file.read_text())
    except ValueError as error:
        why = str(error).removeprefix("error converting YAML to JSON: ")
        raise CommandError(f"invalid Kustomization: {why}") from None
    raw: Object = documents[0] if documents and isinstance(documents[0], dict) else {}
    return {_FIELDS.get(key.lower(), key): value for key, value in raw.items()}


def _checked(raw: Object, folder: Path) -> Object:
    for key in raw:
        if key in _UNSUPPORTED:
            raise CommandError(f"kustomizations with {key!r} are not supported: {folder}")
        if key not in _KNOWN:
            raise CommandError(f'invalid Kustomization: json: unknown field "{key}"')
        _check_type(key, raw[key])
    if not {key for key, value in raw.items() if value} - {"apiVersion", "kind"}:
        raise CommandError("kustomization.yaml is empty")
    for key, instead in _DEPRECATED.items():
        if raw.get(key) is not None:
            what = f"# Warning: '{key}' is deprecated. Please use '{instead}' instead."
            fix = "Run 'kustomize edit fix' to update your Kustomization automatically."
            print(f"{what} {fix}", file=sys.stderr)
    kind = raw.get("kind") or "Kustomization"
    expected = f"kustomize.config.k8s.io/{'v1alpha1' if kind == COMPONENT else 'v1beta1'}"
    problems = []
    if kind not in ("Kustomization", COMPONENT):
        problems.append("kind should be Kustomization or Component")
    if raw.get("apiVersion", expected) != expected:
        problems.append(f"apiVersion for {kind} should be {expected}")
    if problems:
        listed = "\n".join(problems)
        raise CommandError(f"Failed to read kustomization file under {folder}:\n{listed}")
    return {
        **raw,
        "kind": kind,
        "resources": [*(raw.get("resources") or ()), *(raw.get("bases") or ())],
        "images": [*(raw.get("images") or ()), *(raw.get("imageTags") or ())],
    }


def _check_type(key: str, value: object) -> None:
    """Raises CommandError for a value that Go could not read into the field."""
    wanted = _TYPES.get(key, "")
    if value is None or not wanted:
        return
    inside = list if wanted.startswith("[]") else str if wanted == _TEXT else dict
    if not isinstance(value, inside):
        field = f"Go struct field Kustomization.{key} of type {wanted}"
        raise CommandError(f"invalid Kustomization: json: cannot unmarshal {json_kind(value)} into {field}")
