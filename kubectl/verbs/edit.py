"""`edit`: an object in the user's editor; what changed goes back as a patch."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from apimachinery.errors import InvalidError, StatusError
from apimachinery.objects import Object, name_of
from apimachinery.patch import create_merge_patch
from apimachinery.schema import builtin
from apimachinery.serialize import DecodeError, from_json, from_yaml_all, to_yaml
from apimachinery.strategic import create_two_way_patch
from kubectl import session
from kubectl.arguments import Flag, Words
from kubectl.failures import CommandError, describe
from kubectl.flags import Filenames, Subresource
from kubectl.selection import Selected, Selection, resolve

if TYPE_CHECKING:
    from client.rest import Client

_HEADER = """# Please edit the object below. Lines beginning with a '#' will be ignored,
# and an empty file will abort the edit. If an error occurs while saving this file will be
# reopened with the relevant failures.
#
"""


def edit(
    words: Annotated[list[str] | None, Words("TYPE NAME | TYPE/NAME")] = None,
    filename: Filenames = None,
    output: Annotated[str, Flag("--output", "-o", help="yaml or json")] = "yaml",
    subresource: Subresource = "",
) -> None:
    """Edit a resource on the server."""
    if not words and not filename:
        raise CommandError("must specify one of -f and -k")
    selection = Selection(words or (), filename or ())

    async def run(client: Client, namespace: str) -> None:
        for one in await resolve(client, namespace, selection):
            await _edit(client, one, output, subresource or None)

    session.run(run)


async def _edit(client: Client, one: Selected, output: str, subresource: str | None) -> None:
    resource, name, namespace = one.target.resource, one.target.name, one.namespace or None
    found = await client.get(resource, name, namespace, subresource=subresource)
    original = {"apiVersion": resource.api_version, "kind": resource.kind, **found}
    original["metadata"] = {k: v for k, v in original["metadata"].items() if k != "managedFields"}
    text, problem = _encode(original, output), ""
    while True:
        edited = _run_editor(_HEADER + problem + text, output)
        changed = _strip_comments(edited)
        if problem and changed.strip() == text.strip():
            _keep(edited, output)
            raise CommandError("Edit cancelled, no valid changes were saved.")
        if changed.strip() in ("", text.strip()):
            what = "no changes made" if changed.strip() else "saved file was empty"
            print(f"Edit cancelled, {what}.", file=sys.stderr)
            return
        try:
            patch, content_type = _patch(original, _decode(changed, output))
            if not patch:
                print("Edit cancelled, no changes made.", file=sys.stderr)
                return
            await client.patch(
                resource, name, patch, namespace, patch_type=content_type, subresource=subresource,
                params={"fieldManager": "kubectl-edit", "fieldValidation": "Strict"},
            )  # fmt: skip
            print(f"{one.label} edited")
            return
        except (StatusError, DecodeError, CommandError) as error:
            print(_first_line(error, one), file=sys.stderr)
            problem, text = _as_comment(error), changed


def _first_line(error: Exception, one: Selected) -> str:
    if isinstance(error, InvalidError):
        return f'error: {one.target.resource.group_resource} "{one.target.name}" is invalid'
    return describe(error)


def _keep(edited: str, output: str) -> None:
    with tempfile.NamedTemporaryFile("w", prefix="sampan-edit-", suffix=f".{output}", delete=False) as file:
        file.write(edited)
    print(f'A copy of your changes has been stored to "{file.name}"', file=sys.stderr)


def _as_comment(error: Exception) -> str:
    lines = "".join(f"# {line}\n" for line in describe(error).splitlines())
    return f"{lines}#\n"


def _encode(obj: Object, output: str) -> str:
    if output == "json":
        import json

        return json.dumps(obj, indent=4, sort_keys=True, ensure_ascii=False) + "\n"
    return to_yaml(obj)


def _decode(text: str, output: str) -> Object:
    documents: list[Any] = [from_json(text)] if output == "json" else from_yaml_all(text)
    if len(documents) != 1 or not isinstance(documents[0], dict):
        raise CommandError("the edited file must hold one object")
    return documents[0]


def _patch(original: Object, edited: Object) -> tuple[Object, str]:
    for path in ("apiVersion", "kind"):
        if original[path] != edited.get(path):
            raise CommandError(f"At least one of apiVersion, kind and name was changed ({path})")
    if name_of(original) != name_of(edited):
        raise CommandError("At least one of apiVersion, kind and name was changed")
    schema = builtin().find(original["apiVersion"], original["kind"])
    if schema is None:
        return create_merge_patch(original, edited), "application/merge-patch+json"
    return create_two_way_patch(original, edited, schema), "application/strategic-merge-patch+json"


def _strip_comments(text: str) -> str:
    return "".join(line for line in text.splitlines(keepends=True) if not line.startswith("#"))


def _run_editor(text: str, output: str) -> str:
    """The file as the editor left it. Raises CommandError if the editor fails."""
    editor = os.environ.get("KUBE_EDITOR") or os.environ.get("EDITOR") or "vi"
    with tempfile.TemporaryDirectory(prefix="sampan-edit-") as folder:
        path = Path(folder) / f"object.{output}"
        path.write_text(text)
        try:
            code = subprocess.run([*shlex.split(editor), str(path)], check=False).returncode
        except FileNotFoundError:
            raise CommandError(f'unable to launch the editor "{editor}"') from None
        if code:
            raise CommandError(f'there was a problem with the editor "{editor}"')
        return path.read_text()
