"""The objects of `-f`: files, folders, URLs and standard input, YAML or JSON, Lists taken apart."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from apimachinery.errors import StatusError
from apimachinery.objects import Object, name_of, namespace_of
from apimachinery.scheme import Resource
from apimachinery.serialize import from_yaml_all
from kubectl.failures import CommandError, raise_all
from kubectl.flags import KustomizationFolder

if TYPE_CHECKING:
    from kubectl.resources import Mapper

SUFFIXES = {".json", ".yaml", ".yml"}


class Manifest(NamedTuple):
    """An object and the name of the file it came from."""

    obj: Object
    source: str


def read(
    sources: Sequence[str],
    *,
    recursive: bool = False,
    validated: bool = False,
    failures: list[Exception] | None = None,
) -> list[Manifest]:
    """Every object of the sources, in order. Raises CommandError in kubectl's words.

    What is no object keeps the others from being read unless there are `failures` to add it to; `validated`
    says in whose words.
    """
    if not sources:
        raise CommandError("must specify one of -f and -k")
    if any(isinstance(source, KustomizationFolder) for source in sources):
        return _kustomized(sources)
    words = _INVALID if validated else _UNDECODABLE
    found: list[Manifest] = []
    for name, text in (each for source in sources for each in _texts(source, recursive)):
        try:
            found.extend(Manifest(obj, name) for obj in _objects(name, text, words))
        except CommandError as error:
            if failures is None:
                raise
            failures.append(error)
    if failures and not found:
        raise_all(failures)
    return found


def _kustomized(sources: Sequence[str]) -> list[Manifest]:
    if len(sources) > 1:
        raise CommandError("only one of -f or -k can be specified")
    from kubectl.kustomize.build import build

    return [Manifest(obj, sources[0]) for obj in build(sources[0])]


def selected(found: Sequence[Manifest], selector: str) -> list[Manifest]:
    """Those whose labels fit."""
    from apimachinery.labels import parse_selector
    from apimachinery.objects import labels_of

    wanted = parse_selector(selector)
    return [each for each in found if wanted.matches(labels_of(each.obj))]


async def resource_of(mapper: Mapper, manifest: Manifest) -> Resource:
    """The resource of a manifest's kind. Raises CommandError."""
    obj = manifest.obj
    try:
        return await mapper.by_kind(obj["apiVersion"], obj["kind"])
    except CommandError as error:
        where = f'name: "{name_of(obj)}" namespace: "{namespace_of(obj)}" from "{manifest.source}"'
        raise CommandError(f"resource mapping not found for {where}: {error}") from None


def place(obj: Object, resource: Resource, namespace: str, *, enforced: bool) -> Object:
    """The object in its own namespace or the command's, which may not contradict. Raises CommandError."""
    if not resource.namespaced:
        return obj
    own = namespace_of(obj)
    if own and enforced and own != namespace:
        raise elsewhere(own, namespace)
    return {**obj, "metadata": {**(obj.get("metadata") or {}), "namespace": own or namespace}}


def elsewhere(own: str, namespace: str) -> CommandError:
    """An object is in another namespace than the flag says."""
    return CommandError(
        f'the namespace from the provided object "{own}" does not match the namespace "{namespace}". '
        f"You must pass '--namespace={own}' to perform this operation."
    )


def as_new(obj: Object) -> Object:
    """Without the version that it had where it comes from: the server takes none of a new object."""
    metadata = {key: value for key, value in (obj.get("metadata") or {}).items() if key != "resourceVersion"}
    return {**obj, "metadata": metadata}


def without_nulls(value: Any) -> Any:
    """An apply that makes an object leaves out what one that changes it would take away."""
    if isinstance(value, dict):
        return {key: without_nulls(each) for key, each in value.items() if each is not None}
    return list(map(without_nulls, value)) if isinstance(value, list) else value


def with_source(error: StatusError, doing: str, source: str) -> StatusError:
    """The error with the place it comes from, for its message."""
    error.message = f'error when {doing} "{source}": {error.message}'
    error.args = (error.message,)
    return error


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


_INVALID = (
    'error validating "{name}": error validating data: {problem}; '
    "if you choose to ignore these errors, turn validation off with --validate=false"
)
_UNDECODABLE = "unable to decode \"{name}\": Object '{missing}' is missing in '{text}'"


def _objects(name: str, text: str, words: str) -> Iterator[Object]:
    try:
        documents = _documents(text)
    except ValueError as error:
        raise CommandError(f"error parsing {name}: {error}") from None
    for document in documents:
        if not isinstance(document, dict):
            raise CommandError(f'error validating "{name}": the document is not an object')
        yield from _flatten(name, document, words)


def _documents(text: str) -> list[Any]:
    """Those of YAML, or JSON objects that follow one another without a mark. Raises ValueError."""
    import json

    if not text.lstrip().startswith("{"):
        return from_yaml_all(text)
    found, rest = [], text.strip()
    try:
        while rest:
            document, end = json.JSONDecoder().raw_decode(rest)
            found.append(document)
            rest = rest[end:].lstrip()
    except json.JSONDecodeError:
        return from_yaml_all(
            text
        )  # a flow mapping may look like JSON, and its errors are told as kubectl does
    return found


def _flatten(name: str, obj: Object, words: str) -> Iterator[Object]:
    """The object, or those of a list. `words` say that something is none."""
    kind = obj.get("kind")
    missing = [what for what, value in (("apiVersion", obj.get("apiVersion")), ("kind", kind)) if not value]
    if missing:
        problems = ", ".join(f"{what} not set" for what in missing)
        shown = problems if len(missing) == 1 else f"[{problems}]"
        which = "Kind" if not kind else "apiVersion"
        raise CommandError(words.format(name=name, problem=shown, missing=which, text=_json(obj)))
    if isinstance(kind, str) and kind.endswith("List") and isinstance(obj.get("items"), list):
        for item in obj["items"]:
            yield from _flatten(name, item, words)
        return
    yield obj


def _json(obj: Object) -> str:
    import json

    return json.dumps(obj, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
