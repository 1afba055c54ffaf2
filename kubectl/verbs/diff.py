"""`diff`: what `apply` would change, as a unified diff of the live objects and the merged ones."""

from __future__ import annotations

import os
import random
import shlex
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from apimachinery.errors import NotFoundError
from apimachinery.objects import Object, name_of, namespace_of
from apimachinery.scheme import Resource
from apimachinery.serialize import to_yaml
from kubectl import last_applied, manifests, pruning, session
from kubectl.applying import CLIENT_SIDE
from kubectl.arguments import Flag
from kubectl.failures import CommandError, report
from kubectl.flags import FieldManager, Filenames, Recursive, Selector
from kubectl.pruning import Place
from kubectl.resources import Mapper
from kubectl.server_side import MANAGER, apply

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from client.rest import Client

    Versions = Callable[[Client, Resource, Object], Awaitable[tuple[Object | None, Object]]]

FAILED = 2
"""The exit code of what could not be compared; 1 says that something differs."""


def diff(
    filename: Filenames = None,
    recursive: Recursive = False,
    selector: Selector = "",
    server_side: Annotated[bool, Flag("--server-side", help="As apply --server-side would.")] = False,
    force_conflicts: Annotated[bool, Flag("--force-conflicts", help="Also fields that others own.")] = False,
    field_manager: FieldManager = "",
    prune: Annotated[bool, Flag("--prune", help="Show what apply --prune would delete, too.")] = False,
    allowlist: Annotated[
        list[str] | None, Flag("--prune-allowlist", help="The kinds to prune: group/version/kind.")
    ] = None,
) -> None:
    """Diff the live version against a would-be applied version."""
    if force_conflicts and not server_side:
        raise CommandError("--force-conflicts only works with --server-side", FAILED)
    params = {"dryRun": "All", "fieldValidation": "Strict"}
    if server_side:
        params |= {"fieldManager": field_manager or MANAGER, "force": str(force_conflicts).lower()}
    else:
        params["fieldManager"] = field_manager or CLIENT_SIDE
    versions = partial(_versions_on_server if server_side else _versions, params)
    with _no_difference():
        found = manifests.selected(manifests.read(filename or (), recursive=recursive), selector)

    async def _write_all(client: Client, namespace: str, live: Path, merged: Path) -> None:
        kept = await _write(client, namespace, found, live, merged, versions)
        if prune:
            await _write_outdated(client, allowlist or (), selector, kept, live)

    number = random.randrange(10**8, 10**10)  # as kubectl names its folders
    with tempfile.TemporaryDirectory(prefix="sampan-diff-") as folder:
        live, merged = (Path(folder) / f"{word}-{number}" for word in ("LIVE", "MERGED"))
        live.mkdir()
        merged.mkdir()
        with _no_difference():
            session.run(lambda client, namespace: _write_all(client, namespace, live, merged))
        program = shlex.split(os.environ.get("KUBECTL_EXTERNAL_DIFF") or "diff -u -N")
        code = subprocess.run([*program, str(live), str(merged)], check=False).returncode
    if code:
        raise SystemExit(code)


@contextmanager
def _no_difference() -> Iterator[None]:
    """What fails ends with 2 at least: 1 says that there are differences."""
    try:
        yield
    except Exception as error:  # whatever it is, as in the outermost place
        raise SystemExit(max(report(error), FAILED)) from None


async def _write(
    client: Client,
    namespace: str,
    found: list[manifests.Manifest],
    live: Path,
    merged: Path,
    versions: Versions,
) -> set[Place]:
    """What was compared."""
    mapper = Mapper(client)
    kept = set()
    for manifest in found:
        resource = await manifests.resource_of(mapper, manifest)
        enforced = bool(session.options().namespace)
        obj = manifests.place(manifest.obj, resource, namespace, enforced=enforced)
        before, after = await versions(client, resource, obj)
        kept.add(pruning.place_of(resource, obj))
        for folder, version in ((live, before), (merged, after)):
            if version is not None:
                (folder / _file_name(resource, obj)).write_text(to_yaml(_shown(version)))
    return kept


async def _write_outdated(
    client: Client, allowlist: Sequence[str], selector: str, kept: set[Place], live: Path
) -> None:
    resources = await pruning.allowed(Mapper(client), allowlist) or pruning.by_default()
    namespaces = {each.namespace for each in kept if each.namespace}
    async for resource, obj in pruning.outdated(client, resources, namespaces, selector, kept):
        shown = _shown(obj) if obj["kind"] == "Secret" else obj  # with managed fields, as kubectl shows it
        (live / _file_name(resource, obj)).write_text(to_yaml(shown))


def _file_name(resource: Resource, obj: Object) -> str:
    group = f"{resource.group}." if resource.group else ""
    return f"{group}{resource.version}.{resource.kind}.{namespace_of(obj)}.{name_of(obj)}"


async def _versions(
    params: dict[str, str], client: Client, resource: Resource, obj: Object
) -> tuple[Object | None, Object]:
    """The object now (None: not there), and as it would be."""
    modified = last_applied.bare(obj)
    kind = {"apiVersion": obj["apiVersion"], "kind": obj["kind"]}
    try:
        current = {**kind, **await client.get(resource, name_of(obj), namespace_of(obj))}
    except NotFoundError:
        return None, await client.create(resource, modified, params=params)
    patch, content_type = last_applied.patch_for(modified, current)
    if not patch:
        return current, current
    after = await client.patch(
        resource, name_of(obj), patch, namespace_of(obj), patch_type=content_type, params=params
    )
    return current, after


async def _versions_on_server(
    params: dict[str, str], client: Client, resource: Resource, obj: Object
) -> tuple[Object | None, Object]:
    current: Object | None
    try:
        kind = {"apiVersion": obj["apiVersion"], "kind": obj["kind"]}
        current = {**kind, **await client.get(resource, name_of(obj), namespace_of(obj))}
    except NotFoundError:
        current = None
    return current, await apply(client, resource, obj, params)


def _shown(obj: Object) -> Object:
    """Without managed fields, and with secrets hidden."""
    metadata = {key: value for key, value in obj["metadata"].items() if key != "managedFields"}
    shown = {**obj, "metadata": metadata}
    if obj["kind"] == "Secret" and obj.get("data"):
        shown["data"] = dict.fromkeys(obj["data"], "***")
    return shown
