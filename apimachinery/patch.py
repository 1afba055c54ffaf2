"""JSON Patch (RFC 6902) and JSON Merge Patch (RFC 7396): applied to copies, created from differences.

Documents are plain JSON values. Strategic merge patches are in `strategic`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from apimachinery.objects import Object, deep_copy
from apimachinery.serialize import DecodeError, check_depth, to_json

MAX_OPERATIONS = 10_000
MAX_COPIED = 3 * 1024 * 1024
"""Bytes that all `copy` operations of one patch may add: copies of copies double each time."""


class PatchError(ValueError):
    """The patch cannot be applied to this document, or is no patch; the message is upstream's."""


def json_patch(document: Any, operations: Sequence[Object]) -> Any:
    """The patched copy. Raises PatchError at the first operation that fails, `test` included."""
    if len(operations) > MAX_OPERATIONS:
        raise PatchError(
            f"The allowed maximum operations in a JSON patch is {MAX_OPERATIONS}, got {len(operations)}"
        )
    result = deep_copy(document)
    copied = 0
    for operation in operations:
        copied += _size_of_copy(result, operation)
        if copied > MAX_COPIED:
            raise PatchError(
                "Unable to complete the copy, the accumulated size increase of copy is "
                f"{copied}, exceeding the limit {MAX_COPIED}"
            )
        result = _apply(result, operation)
    try:
        check_depth(result)
    except DecodeError as error:
        raise PatchError(str(error)) from None
    return result


def _size_of_copy(document: Any, operation: Object) -> int:
    if operation.get("op") != "copy":
        return 0
    try:
        return len(to_json(_get(document, _from(operation, "copy"), "copy")))
    except TypeError:
        raise PatchError("exceeded max depth") from None


def _apply(document: Any, operation: Object) -> Any:
    path = operation.get("path")
    if not isinstance(path, str):
        raise PatchError("jsonpatch: missing path")
    match operation.get("op"):
        case "add":
            return _add(document, path, _value(operation, "add"))
        case "remove":
            return _remove(document, path, "remove")[0]
        case "replace":
            return _replace(document, path, _value(operation, "replace"))
        case "move":
            document, moved = _remove(document, _from(operation, "move"), "move")
            return _add(document, path, moved)
        case "copy":
            return _add(document, path, deep_copy(_get(document, _from(operation, "copy"), "copy")))
        case "test":
            return _test(document, path, operation)
    raise PatchError(f"Unexpected kind: {operation.get('op')}")


def _value(operation: Object, name: str) -> Any:
    if "value" not in operation:
        raise PatchError(f"jsonpatch {name} operation missing value")
    return deep_copy(operation["value"])


def _from(operation: Object, name: str) -> str:
    source = operation.get("from")
    if not isinstance(source, str):
        raise PatchError(f"jsonpatch {name} operation missing from")
    return source


def _tokens(path: str) -> list[str]:
    if path and not path.startswith("/"):
        raise PatchError(f"jsonpatch: invalid path {path}")
    return [token.replace("~1", "/").replace("~0", "~") for token in path.split("/")[1:]]


def _missing(name: str, path: str) -> PatchError:
    return PatchError(f"{name} operation does not apply: doc is missing path: {path}: missing value")


def _parent(document: Any, path: str, name: str) -> tuple[Any, str]:
    """The container that holds the last token of the path."""
    *upper, last = _tokens(path)
    container = document
    for token in upper:
        container = _step(container, token, name, path)
    if not isinstance(container, (dict, list)):
        raise _missing(name, path)
    return container, last


def _step(container: Any, token: str, name: str, path: str) -> Any:
    if isinstance(container, dict) and token in container:
        return container[token]
    if isinstance(container, list):
        return container[_index(container, token, name)]
    raise _missing(name, path)


def _index(items: list[Any], token: str, name: str, *, past_the_end: bool = False) -> int:
    if past_the_end and token == "-":
        return len(items)
    try:
        index = int(token)
    except ValueError:
        raise PatchError(
            f'{name} operation does not apply: strconv.Atoi: parsing "{token}": invalid syntax'
        ) from None
    if not 0 <= index < len(items) + past_the_end:
        raise PatchError(
            f"{name} operation does not apply: index {index} out of bounds: invalid index referenced"
        )
    return index


def _get(document: Any, path: str, name: str) -> Any:
    for token in _tokens(path):
        document = _step(document, token, name, path)
    return document


def _add(document: Any, path: str, value: Any) -> Any:
    if not path:
        return value
    container, last = _parent(document, path, "add")
    if isinstance(container, dict):
        container[last] = value
    else:
        container.insert(_index(container, last, "add", past_the_end=True), value)
    return document


def _remove(document: Any, path: str, name: str) -> tuple[Any, Any]:
    """The document without the value, and the value."""
    if not path:
        return None, document
    container, last = _parent(document, path, name)
    removed = _step(container, last, name, path)
    del container[last if isinstance(container, dict) else _index(container, last, name)]
    return document, removed


def _replace(document: Any, path: str, value: Any) -> Any:
    if not path:
        return value
    container, last = _parent(document, path, "replace")
    # As the library that upstream uses: in a map it need not be there.
    container[last if isinstance(container, dict) else _index(container, last, "replace")] = value
    return document


def _test(document: Any, path: str, operation: Object) -> Any:
    wanted = operation.get("value")
    try:
        found = _get(document, path, "test")
    except PatchError:
        if wanted is None:
            return document
        raise
    if found != wanted or type(found) is not type(wanted):
        raise PatchError(f"testing value {path} failed: test failed")
    return document


def merge_patch(document: Any, patch: Any) -> Any:
    """The patched copy: maps merge, null deletes, all else replaces."""
    return _merge(deep_copy(document), deep_copy(patch))


def _merge(document: Any, patch: Any) -> Any:
    if not isinstance(patch, dict):
        return patch
    result = document if isinstance(document, dict) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = _merge(result.get(key), value)
    return result


def create_merge_patch(old: Object, new: Object) -> Object:
    """The smallest merge patch that makes `new` of `old`."""
    patch: Object = {key: None for key in old if key not in new}
    for key, value in new.items():
        if key not in old:
            patch[key] = value
        elif old[key] != value or type(old[key]) is not type(value):
            both_maps = isinstance(value, dict) and isinstance(old[key], dict)
            patch[key] = create_merge_patch(old[key], value) if both_maps else value
    return patch


def create_three_way_merge_patch(original: Object, modified: Object, current: Object) -> Object:
    """What `modified` changes over `current` and deletes of `original`; for kinds without a schema."""
    changes = _without_nulls(create_merge_patch(current, modified))
    deletions = _only_nulls(create_merge_patch(original, modified))
    return _deep_update(deletions, changes)


def _without_nulls(patch: Object) -> Object:
    kept = {key: _without_nulls(value) if isinstance(value, dict) else value for key, value in patch.items()}
    return {
        key: value for key, value in kept.items() if value is not None and not (value == {} and patch[key])
    }


def _only_nulls(patch: Object) -> Object:
    kept = {key: _only_nulls(value) if isinstance(value, dict) else value for key, value in patch.items()}
    return {key: value for key, value in kept.items() if value is None or (isinstance(value, dict) and value)}


def _deep_update(base: Object, changes: Object) -> Object:
    result = dict(base)
    for key, value in changes.items():
        both_maps = isinstance(value, dict) and isinstance(result.get(key), dict)
        result[key] = _deep_update(result[key], value) if both_maps else value
    return result
