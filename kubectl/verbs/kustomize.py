"""`kustomize`: the objects that a folder's kustomization means, printed."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from apimachinery.serialize import to_yaml
from kubectl.arguments import Flag, Words
from kubectl.failures import CommandError
from kubectl.kustomize.build import build

ROOT_ONLY, NO_LIMIT = "LoadRestrictionsRootOnly", "LoadRestrictionsNone"


def kustomize(
    words: Annotated[list[str], Words("DIR")],
    output: Annotated[
        str, Flag("--output", "-o", help="Write to this file, or one file an object to this folder.")
    ] = "",
    load_restrictor: Annotated[
        str, Flag("--load-restrictor", help=f"{ROOT_ONLY}: read no files above the folder; {NO_LIMIT}.")
    ] = ROOT_ONLY,
) -> None:
    """Build a kustomization target from a directory or URL."""
    if len(words) > 1:
        raise CommandError("specify one path to kustomization.yaml")
    if load_restrictor not in (ROOT_ONLY, NO_LIMIT):
        legal = f"legal values: ['{ROOT_ONLY}','{NO_LIMIT}']"
        raise CommandError(f"illegal flag value --load-restrictor {load_restrictor}; {legal}")
    objects = build(words[0] if words else ".", root_only=load_restrictor == ROOT_ONLY)
    if output and Path(output).is_dir():
        for obj in objects:
            api, name = obj["apiVersion"].replace("/", "_"), obj["metadata"]["name"]
            (Path(output) / f"{api}_{obj['kind']}_{name}.yaml".lower()).write_text(to_yaml(obj))
        return
    text = "---\n".join(map(to_yaml, objects))
    if output:
        Path(output).write_text(text)
    else:
        print(text, end="")
