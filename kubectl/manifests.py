"""The objects of `-f`: files, folders, URLs and standard input, YAML or JSON, Lists taken apart."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from apimachinery.objects import Object
from apimachinery.serialize import from_yaml_all
from kubectl.failures import CommandError

SUFFIXES = {".json", ".yaml", ".yml"}


def load(sources: Sequence[str], *, recursive: bool = False) -> list[Object]:
    """Every object of the sources, in order. Raises CommandError in kubectl's words."""
    objects = [
        obj for source in sources for name, text in _texts(source, recursive) for obj in _objects(name, text)
    ]
    if not objects:
        raise (
            CommandError("no objects passed to apply")
            if sources
            else CommandError("must specify one of -f and -k")
        )
    return objects


def _texts(source: str, recursive: bool) -> Iterator[tuple[str, str]]:
    if source == "-":
        yield "STDIN", sys.stdin.read()
        return
    if source.startswith(("http://", "https://")):
        yield source, _fetch(source)
        return
    path = Path(source)
    if not path.exists():
        raise CommandError(f'the path "{source}" does not exist')
    for file in _files(path, recursive):
        yield str(file), file.read_text()


def _files(path: Path, recursive: bool) -> list[Path]:
    if not path.is_dir():
        return [path]
    found = path.rglob("*") if recursive else path.iterdir()
    files = sorted(file for file in found if file.suffix in SUFFIXES and file.is_file())
    if not files:
        raise CommandError(f"error reading [{path}]: recognized file extensions are [.json .yaml .yml]")
    return files


def _fetch(address: str) -> str:
    import httpx

    answer = httpx.get(address, follow_redirects=True)
    if answer.is_error:
        raise CommandError(
            f'unable to read URL "{address}", server reported {answer.status_code} '
            f"{answer.reason_phrase}, status code={answer.status_code}"
        )
    return answer.text


def _objects(name: str, text: str) -> Iterator[Object]:
    try:
        documents = from_yaml_all(text)
    except ValueError as error:
        raise CommandError(f"error parsing {name}: {error}") from None
    for document in documents:
        if document is None:
            continue
        if not isinstance(document, dict):
            raise CommandError(f'error validating "{name}": the document is not an object')
        yield from _flatten(name, document)


def _flatten(name: str, obj: Object) -> Iterator[Object]:
    kind = obj.get("kind")
    missing = [what for what, value in (("apiVersion", obj.get("apiVersion")), ("kind", kind)) if not value]
    if missing:
        problems = ", ".join(f"{what} not set" for what in missing)
        raise CommandError(
            f'error validating "{name}": error validating data: [{problems}]; '
            "if you choose to ignore these errors, turn validation off with --validate=false"
        )
    if isinstance(kind, str) and kind.endswith("List") and isinstance(obj.get("items"), list):
        for item in obj["items"]:
            yield from _flatten(name, item)
        return
    yield obj
