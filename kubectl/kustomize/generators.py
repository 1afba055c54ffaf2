"""ConfigMaps and Secrets out of literals and files, and the hash that their names end with.

Source: sigs.k8s.io/kustomize/api/internal/generators, api/kv, api/hasher.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from hashlib import sha256
from typing import Any

from apimachinery.objects import Object
from kubectl.failures import CommandError
from kubectl.kustomize.resource import Resource

_LINE = 70
_LETTERS = str.maketrans({"0": "g", "1": "h", "3": "k", "a": "m", "e": "t"})

Read = Callable[[str], bytes]
"""The content of a file by its path within the kustomization."""


def generate(arguments: Object, common: Object, kind: str, read: Read) -> Resource:
    """`kind` is ConfigMap or Secret, `common` the generatorOptions of all. Raises CommandError."""
    if not arguments.get("name"):
        raise CommandError("a configmap must have a name")
    options = _merged_options(arguments.get("options") or {}, common)
    metadata: Object = {"name": arguments["name"]}
    metadata |= {key: arguments[key] for key in ("namespace",) if arguments.get(key)}
    metadata |= {key: options[key] for key in ("labels", "annotations") if options.get(key)}
    obj: Object = {"apiVersion": "v1", "kind": kind, "metadata": metadata}
    pairs = _pairs(arguments, read)
    if kind == "Secret":
        obj |= {"type": arguments.get("type") or "Opaque"}
        obj["data"] = {key: _base64(value) for key, value in pairs.items()}
    else:
        obj |= _config_map_data(pairs)
    if options.get("immutable"):
        obj["immutable"] = True
    needs_hash = not options.get("disableNameSuffixHash")
    return Resource(obj, behavior=arguments.get("behavior") or "create", needs_hash=needs_hash)


def _merged_options(own: Object, common: Object) -> Object:
    """What is common adds to maps, and its true is stronger than a false of its own."""
    merged = {key: {**(common.get(key) or {}), **(own.get(key) or {})} for key in ("labels", "annotations")}
    flags = {key: bool(own.get(key) or common.get(key)) for key in ("disableNameSuffixHash", "immutable")}
    return {**merged, **flags}


def _config_map_data(pairs: dict[str, bytes]) -> Object:
    data: dict[str, str] = {}
    binary: dict[str, str] = {}
    for key, value in pairs.items():
        try:
            data[key] = value.decode()
        except UnicodeDecodeError:
            binary[key] = _base64(value)
    return ({"data": data} if data else {}) | ({"binaryData": binary} if binary else {})


def _base64(value: bytes) -> str:
    """In lines of 70 letters, where one is not enough."""
    text = base64.b64encode(value).decode()
    if len(text) < _LINE:
        return text
    return "".join(f"{text[start : start + _LINE]}\n" for start in range(0, len(text), _LINE))


def _pairs(arguments: Object, read: Read) -> dict[str, bytes]:
    env_files = [*(arguments.get("envs") or ()), *([arguments["env"]] if arguments.get("env") else ())]
    files = arguments.get("files") or ()
    found: dict[str, bytes] = {}
    try:
        env_pairs = [pair for name in env_files for pair in _env_lines(read(name))]
    except CommandError as error:
        raise CommandError(f"loading KV pairs: env source files: [{' '.join(env_files)}]: {error}") from None
    literals = [_literal(each) for each in arguments.get("literals") or ()]
    try:
        file_pairs = [_file(each, read) for each in files]
    except CommandError as error:
        raise CommandError(f"loading KV pairs: file sources: [{' '.join(files)}]: {error}") from None
    sources = [*env_pairs, *literals, *file_pairs]
    for key, value in sources:
        if key in found:
            raise CommandError(f"configmap {arguments['name']} illegally repeats the key `{key}`")
        found[key] = value
    return found


def _env_lines(content: bytes) -> Iterator[tuple[str, bytes]]:
    """A name alone has an empty value."""
    for line in content.decode("utf-8-sig").splitlines():
        stripped = line.lstrip()
        if stripped and not stripped.startswith("#"):
            key, _, value = stripped.partition("=")
            yield key, value.encode()


def _literal(source: str) -> tuple[str, bytes]:
    key, equals, value = source.partition("=")
    if not key or not equals:
        what = f"invalid literal source {source}, expected key=value"
        raise CommandError(f"loading KV pairs: literal sources [{source}]: {what}")
    if len(value) > 1 and value[0] == value[-1] and value[0] in "\"'":
        value = value[1:-1]
    return key, value.encode()


def _file(source: str, read: Read) -> tuple[str, bytes]:
    key, equals, path = source.partition("=")
    if source.count("=") > 1:
        raise CommandError(f"source \"{source}\" key name or file path contains '='")
    if equals and not (key and path):
        what = "file path for key name" if key else "key name for file path"
        raise CommandError(f'missing {what} "{key or path}" in source "{source}"')
    return (key, read(path)) if equals else (source.rpartition("/")[2], read(source))


def name_hash(obj: Object, *, name: str = "") -> str:
    """The ten letters after the name of what is generated; for kustomize the name itself does not count."""
    data = obj.get("data", {} if name else "")
    fields: dict[str, Any] = {"kind": obj["kind"], "name": name, "data": data}
    if obj["kind"] == "Secret":
        fields["type"] = obj.get("type", "")
    extra = "stringData" if obj["kind"] == "Secret" else "binaryData"
    if extra in obj:
        fields[extra] = obj[extra]
    return sha256(_go_json(fields)).hexdigest()[:10].translate(_LETTERS)


def _go_json(value: Any) -> bytes:
    """As encoding/json writes it: keys in order, and what HTML might misread escaped."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    for letter in "<>&\u2028\u2029":
        text = text.replace(letter, f"\\u{ord(letter):04x}")
    return text.encode()
