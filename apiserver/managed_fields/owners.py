"""The conflicts of a server-side apply in upstream's words: which fields others own."""

from __future__ import annotations

from collections.abc import Iterable

from apimachinery.errors import StatusError
from apimachinery.merge.fields import path_text
from apimachinery.objects import Object
from apiserver.managed_fields.applying import Conflict
from apiserver.managed_fields.book import UPDATE


def conflict_error(conflicts: Iterable[Conflict]) -> StatusError:
    """409, with a cause for each field."""
    found = [(owner_text(owner), path_text(path)) for owner, path in conflicts]
    causes = [
        {"reason": "FieldManagerConflict", "message": f"conflict with {owner}", "field": path}
        for owner, path in found
    ]
    return StatusError(_message(found), details={"causes": causes}, code=409, reason="Conflict")


def _message(found: list[tuple[str, str]]) -> str:
    if len(found) == 1:
        owner, path = found[0]
        return f"Apply failed with 1 conflict: conflict with {owner}: {path}"
    paths: dict[str, list[str]] = {}
    for owner, path in found:
        paths.setdefault(owner, []).append(path)
    listed = "\n".join(
        line
        for owner, each in sorted(paths.items())
        for line in (f"conflicts with {owner}:", *(f"- {path}" for path in each))
    )
    return f"Apply failed with {len(found)} conflicts: {listed}"


def owner_text(entry: Object) -> str:
    """`"kubelet" with subresource "status" using v1`"""
    text = f'"{entry.get("manager") or ""}"'
    if entry.get("subresource"):
        text += f' with subresource "{entry["subresource"]}"'
    return f"{text} using {entry['apiVersion']}" if entry["operation"] == UPDATE else text
