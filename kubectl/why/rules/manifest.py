"""A manifest that the API server does not take: which field, on which line, and what may have been meant."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from shlex import quote

from apimachinery.errors import StatusError
from apimachinery.objects import Object, name_of
from apimachinery.schema.node import SchemaNode
from kubectl.why.diagnosis import Cause, Confidence, Diagnosis, Evidence, Fix
from kubectl.why.positions import Positions, line_of

_UNKNOWN = re.compile(r'unknown field "([^"]+)"')
_PART = re.compile(r"[^.\[\]]+|\[\d+\]")
_IMMUTABLE = re.compile(
    r"immutable|may not change|updates? to .* (?:are|is) forbidden|pod updates may not", re.I
)


@dataclass(frozen=True, slots=True)
class Refusal:
    """What was sent, and what came back."""

    obj: Object
    source: str
    error: StatusError
    positions: Positions = field(default_factory=dict)
    schema: SchemaNode | None = None

    @property
    def label(self) -> str:
        return f"{self.obj.get('kind', '').lower()}/{name_of(self.obj)}"


@dataclass(frozen=True, slots=True)
class NoKind:
    """A kind that the server does not serve in that version."""

    obj: Object
    source: str
    served: Sequence[tuple[str, str]]
    """(apiVersion, kind) of everything that is served."""
    positions: Positions = field(default_factory=dict)


def refused(refusal: Refusal) -> list[Diagnosis]:
    unknown = _UNKNOWN.findall(refusal.error.message)
    if unknown:
        return [_unknown(refusal, path) for path in dict.fromkeys(unknown)]
    causes = refusal.error.details.get("causes") or []
    if causes:
        return [_invalid(refusal, each) for each in causes]
    return [_other(refusal)]


def _unknown(refusal: Refusal, path: str) -> Diagnosis:
    name = path.rpartition(".")[2]
    known = fields_at(refusal.schema, path.rpartition(".")[0])
    meant = get_close_matches(name, known, n=1, cutoff=0.5)
    hint = f"; did you mean {meant[0]}?" if meant else ""
    return Diagnosis(
        cause=Cause.SPEC,
        headline=f"{_where(refusal, path)}: there is no {path}{hint}",
        evidence=(_said(refusal),),
        fix=_rename(refusal, path, name, meant[0]) if meant else Fix(f"leave {name} out"),
    )


def fields_at(schema: SchemaNode | None, path: str) -> list[str]:
    """The fields there are at a path."""
    node = schema
    for part in _PART.findall(path):
        if node is None:
            return []
        node = node.items if part.startswith("[") else node.child(part)
    return list(node.fields) if node is not None else []


def _rename(refusal: Refusal, path: str, name: str, meant: str) -> Fix:
    line = line_of(refusal.positions, path)
    if not line or not Path(refusal.source).is_file():
        return Fix(f"write {meant} instead of {name}")
    return Fix(
        f"write {meant} instead of {name}",
        f"sed -i {quote(f'{line}s/{name}/{meant}/')} {quote(refusal.source)}",
    )


def _invalid(refusal: Refusal, cause: Object) -> Diagnosis:
    path, message = cause.get("field") or "", cause.get("message") or ""
    return Diagnosis(
        cause=Cause.SPEC,
        headline=f"{_where(refusal, path)}: {path} {_shortened(message)}",
        evidence=(_said(refusal),),
        fix=_fix_of(refusal, message),
    )


def _shortened(message: str) -> str:
    """Immutable values are printed whole, and nobody reads them."""
    return re.sub(r"(Invalid value): \{.*\}: ", r"\1: ", message, flags=re.S)


def _fix_of(refusal: Refusal, message: str) -> Fix:
    if _IMMUTABLE.search(message):
        what = "it can't be changed: delete the object and create it anew"
        return Fix(what, f"kubectl replace --force -f {quote(refusal.source)}")
    return Fix(f"correct {refusal.source}")


def _other(refusal: Refusal) -> Diagnosis:
    message = refusal.error.message
    if _IMMUTABLE.search(message):
        return Diagnosis(
            cause=Cause.SPEC,
            headline=f"{refusal.label} cannot be changed like that: {_shortened(message)}",
            evidence=(_said(refusal),),
            fix=_fix_of(refusal, message),
        )
    is_allowed = refusal.error.code == 403
    return Diagnosis(
        cause=Cause.SECURITY if is_allowed else Cause.SPEC,
        headline=f"{refusal.label} is not taken: {message}",
        confidence=Confidence.CERTAIN,
        evidence=(_said(refusal),),
        fix=Fix("ask for the permission" if is_allowed else f"correct {refusal.source}"),
    )


def no_such_kind(found: NoKind) -> Diagnosis:
    version, kind = found.obj.get("apiVersion", ""), found.obj.get("kind", "")
    versions = [served for served, name in found.served if name == kind]
    line = line_of(found.positions, "apiVersion" if versions else "kind")
    where = f"{found.source}, line {line}" if line else found.source
    if versions:
        what = f"{kind} is served in {versions[0]}, not in {version}"
        old, new = version, versions[0]
    else:
        alike = get_close_matches(kind, [name for _, name in found.served], n=1, cutoff=0.6)
        what = f"there is no kind {kind} in {version}{f'; did you mean {alike[0]}?' if alike else ''}"
        old, new = kind, alike[0] if alike else ""
    rename = f"sed -i {quote(f'{line}s|{old}|{new}|')} {quote(found.source)}" if line and new else ""
    return Diagnosis(
        cause=Cause.SPEC,
        headline=f"{where}: {what}",
        evidence=(Evidence(found.source, "apiVersion, kind", f"{version}, {kind}"),),
        fix=Fix(
            f"write {new}" if new else "install what brings this kind, a CustomResourceDefinition", rename
        ),
    )


def _where(refusal: Refusal, path: str) -> str:
    line = line_of(refusal.positions, path)
    return f"{refusal.source}, line {line}" if line else refusal.source


def _said(refusal: Refusal) -> Evidence:
    error = refusal.error
    return Evidence("apiserver", f"{error.code} {error.reason}", _shortened(error.message))
