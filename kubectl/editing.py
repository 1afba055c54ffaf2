"""An object in the user's editor, until it is saved as it should be or given up.

Source: k8s.io/kubectl/pkg/cmd/util/editor/editoptions.go.
"""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from apimachinery.errors import InvalidError, StatusError
from apimachinery.objects import Object
from apimachinery.serialize import DecodeError, from_json, from_yaml_all, to_yaml
from kubectl.failures import CommandError, describe

HEADER = """# Please edit the object below. Lines beginning with a '#' will be ignored,
# and an empty file will abort the edit. If an error occurs while saving this file will be
# reopened with the relevant failures.
#
"""

Save = Callable[[Object], Awaitable[None]]
"""Does what the editing is for. What it raises is shown in the editor, which opens again."""


async def edit(original: Object, output: str, save: Save, *, name: str = "", header: str = HEADER) -> None:
    """`output` is yaml or json; `name` says in messages what is edited. Raises CommandError.

    Without a name, what the server refuses is not edited again: StatusError is raised.
    """
    text, problem = _encode(original, output), ""
    while True:
        edited = _run_editor(header + problem + text, output)
        changed = _strip_comments(edited)
        if problem and changed.strip() == text.strip():
            _keep(edited, output)
            raise CommandError("Edit cancelled, no valid changes were saved.")
        if changed.strip() in ("", text.strip()):
            what = "no changes made" if changed.strip() else "saved file was empty"
            print(f"Edit cancelled, {what}.", file=sys.stderr)
            return
        try:
            await save(_decode(changed, output))
            return
        except (StatusError, DecodeError, CommandError) as error:
            if isinstance(error, StatusError) and not name:
                _keep(edited, output)
                raise
            is_invalid = isinstance(error, InvalidError)
            print(f"error: {name} is invalid" if is_invalid else describe(error), file=sys.stderr)
            problem, text = _as_comment(error), changed


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
