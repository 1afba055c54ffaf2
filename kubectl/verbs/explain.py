"""`explain`: what the fields of a kind mean, out of upstream's own schema."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Annotated, Any

from apimachinery import scheme
from apimachinery.schema import SchemaSet, raw_definitions
from apimachinery.schema.node import SchemaNode
from apimachinery.scheme import Resource
from kubectl import session
from kubectl.arguments import Flag, Words
from kubectl.failures import CommandError, PlainError
from kubectl.resources import Mapper, matches

if TYPE_CHECKING:
    from client.rest import Client

_WIDTH = 80


def explain(
    paths: Annotated[list[str], Words("TYPE [--recursive=FALSE|TRUE] [--api-version=api-version-group]")],
    recursive: Annotated[bool, Flag("--recursive", help="Name the fields of fields, too.")] = False,
    api_version: Annotated[str, Flag("--api-version", help="Of this group and version: apps/v1.")] = "",
    output: Annotated[
        str, Flag("--output", "-o", help="plaintext or plaintext-openapiv2, which are the same here.")
    ] = "plaintext",
) -> None:
    """Get documentation for a resource."""
    if not paths:
        raise CommandError(
            'You must specify the type of resource to explain. Use "sampan api-resources" for a '
            "complete list of supported resources."
        )
    if len(paths) > 1:
        raise CommandError("We accept only this format: explain RESOURCE\n")
    if output not in ("plaintext", "plaintext-openapiv2"):
        raise CommandError(f"unrecognized format: {output}")
    kind, *fields = paths[0].split(".")
    resource = _find(kind, api_version)
    node = _schema(resource)
    print(head(resource), end="")
    print(render(node, fields, recursive=recursive), end="")


def _find(word: str, api_version: str) -> Resource:
    """Raises CommandError, and PlainError for what no server knows."""
    known = [each for each in scheme.BUILTIN if matches(each, word)]
    chosen = next((each for each in known if api_version in ("", each.api_version)), None)
    if chosen is not None:
        return chosen
    if known:
        which = f"{api_version}, Resource={known[0].plural}"
        raise CommandError(f'couldn\'t find resource for "{which}"')

    async def run(client: Client, _: str) -> Resource:
        return await Mapper(client).find(word)

    try:
        return session.run(run)
    except CommandError as error:
        raise PlainError(str(error)) from None


def _schema(resource: Resource) -> SchemaNode:
    node = SchemaSet(raw_definitions()).find(resource.api_version, resource.kind)
    if node is not None:
        return node
    return session.run(lambda client, _: _served_schema(client, resource))


async def _served_schema(client: Client, resource: Resource) -> SchemaNode:
    """Of a kind that is not built in: from the server's OpenAPI."""
    served = await client.document("/openapi/v2")
    node = SchemaSet(served["definitions"]).find(resource.api_version, resource.kind)
    if node is None:
        raise CommandError(f'couldn\'t find resource for "{resource.api_version}, Kind={resource.kind}"')
    return node


def head(resource: Resource) -> str:
    group = f"GROUP:      {resource.group}\n" if resource.group else ""
    return f"{group}KIND:       {resource.kind}\nVERSION:    {resource.version}\n\n"


def render(node: SchemaNode, fields: list[str], *, recursive: bool = False) -> str:
    """What comes after the head. Raises CommandError for a field that does not exist."""
    for name in fields:
        child = _element(node).child(name)
        if child is None:
            raise CommandError(f'field "{name}" does not exist')
        node = child
    lines = [f"FIELD: {fields[-1]} <{type_name(node)}>", "", ""] if fields else []
    lines += ["DESCRIPTION:", *_description(node), "    "]
    inner = _element(node)
    if inner.fields:
        lines += ["FIELDS:", *_fields(inner, 1, recursive=recursive, seen=frozenset())]
    return "\n".join([*lines, ""]) + "\n"


def _element(node: SchemaNode) -> SchemaNode:
    """What a list or map holds."""
    while not node.fields and (node.items or node.values):
        inner = node.items or node.values
        assert inner is not None
        node = inner
    return node


def type_name(node: SchemaNode) -> str:
    """`string`, `[]Container`, `map[string]string`, `PodSpec`."""
    if node.definition_name:
        name = node.struct_name
        return name if node.fields or node.type == "object" else {"Time": "string", "MicroTime": "string",
            "Quantity": "string", "IntOrString": "string"}.get(name, name)  # fmt: skip
    if node.items is not None:
        return f"[]{type_name(node.items)}"
    if node.values is not None:
        return f"map[string]{type_name(node.values)}"
    return {"object": "Object"}.get(node.type, node.type or "any")


def _description(node: SchemaNode) -> list[str]:
    """The place's own words, and those of its type."""
    texts = [each for each in (node.place.get("description"), node.raw.get("description")) if each]
    shown: list[Any] = list(dict.fromkeys(texts)) or ["<empty>"]
    return [line for text in shown for line in _wrapped(text, "    ")]


def _wrapped(text: str, indent: str) -> list[str]:
    lines: list[str] = []
    for paragraph in text.split("\n"):
        wrapped = textwrap.wrap(
            paragraph, _WIDTH - len(indent), break_on_hyphens=False, break_long_words=False
        )
        lines += [indent + line for line in wrapped] or [indent]
    return lines


def _fields(node: SchemaNode, level: int, *, recursive: bool, seen: frozenset[str]) -> list[str]:
    lines: list[str] = []
    required = set(node.raw.get("required") or ())
    for name in sorted(node.fields):
        child = node.child(name)
        assert child is not None
        mark = " -required-" if name in required else ""
        lines.append(f"{'  ' * level}{name}\t<{type_name(child)}>{mark}")
        if recursive:
            inner = _element(child)
            if inner.fields and inner.definition_name not in seen:
                seen_now = seen | {inner.definition_name}
                lines += _fields(inner, level + 1, recursive=True, seen=seen_now)
        else:
            lines += [*_description_of_field(child, "  " * (level + 1)), ""]
    return lines


def _description_of_field(node: SchemaNode, indent: str) -> list[str]:
    text = node.place.get("description") or node.raw.get("description") or "<no description>"
    return _wrapped(text, indent)
