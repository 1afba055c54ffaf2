"""What the API server says of a manifest that is not applied yet: a dry run of what apply would do."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from apimachinery import scheme
from apimachinery.errors import StatusError
from apimachinery.objects import Object, name_of, namespace_of
from apimachinery.schema import builtin
from apimachinery.scheme import Resource
from kubectl.applying import apply_object
from kubectl.evidence.asker import Asker
from kubectl.failures import CommandError
from kubectl.manifests import Manifest
from kubectl.resources import Mapper
from kubectl.why.diagnosis import Diagnosis
from kubectl.why.positions import Positions, positions_of
from kubectl.why.rules.manifest import NoKind, Refusal, no_such_kind, refused

_DRY: dict[str, Any] = {"dryRun": "All", "fieldValidation": "Strict"}


async def find_kind(mapper: Mapper, manifest: Manifest) -> Resource | Diagnosis:
    obj = manifest.obj
    try:
        return await mapper.by_kind(obj["apiVersion"], obj["kind"])
    except CommandError:
        served = [(each.api_version, each.kind) for each in (*scheme.BUILTIN, *await mapper.discovered())]
        return no_such_kind(NoKind(obj, manifest.source, served, _positions(manifest)))


async def try_out(
    asker: Asker, resource: Resource, manifest: Manifest
) -> tuple[Object | None, list[Diagnosis]]:
    """The object as it is now, and why the manifest would be refused."""
    obj = manifest.obj
    current = await asker.get(resource, name_of(obj), namespace_of(obj)) or None
    try:
        await apply_object(asker.client, resource, obj, current, _DRY)
    except StatusError as error:
        schema = builtin().find(obj["apiVersion"], obj["kind"])
        return current, refused(Refusal(obj, manifest.source, error, _positions(manifest), schema))
    return current, []


def _positions(manifest: Manifest) -> Positions:
    path = Path(manifest.source)
    if not path.is_file():
        return {}
    return positions_of(path.read_text(), manifest.obj.get("kind", ""), name_of(manifest.obj))
