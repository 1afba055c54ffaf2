"""The one structural walker: unknown fields, wrong types, nulls; compiled from a schema to closures.

A compiled check takes a value and returns None if all is well, else its findings. Findings carry the
way back to the root from the inside out, so that a clean object costs no paths.

The walk also makes of an object what Go's types would write of it. It drops nulls, and empty lists, maps and
zeros that Go leaves out; replaces unusual spellings; adds the fields that Go always writes (`written`); and
drops unknown fields when asked.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from apimachinery.objects import Object
from apimachinery.protobuf import unwritten_zeros
from apimachinery.schema.findings import NULL, SPELLING, TYPE, UNKNOWN, Check, Finding, MapKey, gather
from apimachinery.schema.node import SchemaNode
from apimachinery.schema.scalars import FORMATS, PLAIN_TYPES, Fault, Replacement, check_quantity, mismatch
from apimachinery.schema.unions import UNIONS, union
from apimachinery.schema.written import written_always

_QUANTITY = "io.k8s.apimachinery.pkg.api.resource.Quantity"

WRITTEN_EMPTY: dict[str, tuple[str, ...]] = {
    "AllocatedDeviceStatus": ("conditions",),
    "ClusterRole": ("rules",),
    "ContainerImage": ("names",),
    "CSINodeDriver": ("topologyKeys",),
    "CustomResourceDefinitionStatus": ("conditions", "storedVersions"),
    "DeviceClaim": ("requests",),
    "EndpointSlice": ("ports",),
    "HorizontalPodAutoscalerStatus": ("currentMetrics",),
    "ObjectMeta": ("managedFields",),  # an empty list takes all managers away
    "ProjectedVolumeSource": ("sources",),
    "ResourcePolicyRule": ("namespaces",),
    "Role": ("rules",),
}
"""The optional lists that Go's types write even if they are empty."""


@dataclass(frozen=True, slots=True)
class TypeProblem:
    """A value of a type that the field cannot hold, as a decoder tells it and as a converter does."""

    path: str
    message: str
    conversion: str = ""


@dataclass(frozen=True, slots=True)
class Checked:
    """What a check found; `unknown` are paths of fields that the schema does not have."""

    type_errors: list[TypeProblem] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)

    @property
    def unknown_messages(self) -> list[str]:
        """In the words of strict decoding."""
        return [f'unknown field "{path}"' for path in self.unknown]

    @property
    def is_clean(self) -> bool:
        return not self.type_errors and not self.unknown


CLEAN = Checked()

Leaf = tuple[frozenset[type], str]
"""Python types that are fine and the Go type to name otherwise: checked in line, without a call."""


class Checker:
    """A compiled schema."""

    def __init__(self, check: Check) -> None:
        self._check = check

    def check(self, obj: Object, *, prune: bool = False) -> Checked:
        """Every finding. Mends in place: see above; drops unknown fields if asked."""
        findings = self._check(obj)
        if not findings:
            return CLEAN
        for finding in findings:
            _mend(finding, prune)
        return Checked(
            type_errors=[
                TypeProblem(each.path, each.message, each.conversion)
                for each in findings
                if each.kind == TYPE
            ],
            unknown=[each.path for each in findings if each.kind == UNKNOWN],
        )


def _mend(finding: Finding, prune: bool) -> None:
    if finding.kind == NULL or (finding.kind == UNKNOWN and prune):
        finding.holder.pop(finding.key, None)
    elif finding.kind == SPELLING:
        finding.holder[finding.key] = finding.value


def compile_checker(node: SchemaNode) -> Checker:
    """Definitions that several kinds share are compiled once for their SchemaSet."""
    compiler: Compiler = node.schemas.compiled.setdefault("checker", Compiler())
    return Checker(_as_check(compiler.compile(node)))


class Compiler:
    """Turns nodes into checks, each definition once; definitions may contain themselves."""

    def __init__(self) -> None:
        self._definitions: dict[str, Check | Leaf | None] = {}

    def compile(self, node: SchemaNode) -> Check | Leaf | None:
        """A check, a Leaf, or None where anything goes."""
        name = node.definition_name
        if not name:
            return self._compile(node)
        if name not in self._definitions:
            # A definition that meets itself while being compiled is looked up when it is needed.
            self._definitions[name] = lambda value: _as_check(self._definitions[name])(value)
            self._definitions[name] = self._compile(node)
        return self._definitions[name]

    def _compile(self, node: SchemaNode) -> Check | Leaf | None:
        if node.definition_name == _QUANTITY:
            return _scalar(check_quantity)
        if node.struct_name in UNIONS:
            of_schema = node.schemas.definition(node.definition_name.partition("Or")[0])

            def check_schema(value: Any) -> list[Finding] | None:
                return _as_check(self.compile(of_schema))(value)

            return union(UNIONS[node.struct_name], check_schema, _list(check_schema, "", None))
        if node.extension("int-or-string"):
            return _scalar(FORMATS["string", "int-or-string"])
        match node.type:
            case "object":
                return self._object(node)
            case "array":
                return self._array(node)
            case "":
                return None
        check = FORMATS.get((node.type, node.format))
        return _scalar(check) if check else PLAIN_TYPES[node.type]

    def _object(self, node: SchemaNode) -> Check | Leaf:
        if node.fields:
            fields = {name: self.compile(child) for name in node.fields if (child := node.child(name))}
            return _struct(node, fields)
        if node.values is not None:
            return _map(self.compile(node.values), _go_type(node), _zero_of(node.values))
        return (frozenset((dict,)), _go_type(node))

    def _array(self, node: SchemaNode) -> Check:
        items = self.compile(node.items) if node.items else None
        return _list(items, _go_type(node), _zero_of(node.items))


def _scalar(check: Callable[[Any], Fault | Replacement | None]) -> Check:
    def run(value: Any) -> list[Finding] | None:
        result = check(value)
        if result is None:
            return None
        if isinstance(result, Replacement):
            return [Finding(SPELLING, value=result.value)]
        return [Finding(TYPE, fault=result)]

    return run


def _as_check(compiled: Check | Leaf | None) -> Check:
    if compiled is None:
        return lambda value: None
    if not isinstance(compiled, tuple):
        return compiled
    types, go_type = compiled

    def run(value: Any) -> list[Finding] | None:
        return None if type(value) in types else [Finding(TYPE, fault=mismatch(value, go_type))]

    return run


def _struct(node: SchemaNode, fields: dict[str, Check | Leaf | None]) -> Check:
    struct, go_type, keeps_unknown = (
        node.struct_name,
        _go_type(node),
        bool(node.extension("preserve-unknown-fields")),
    )
    types = {name: check[0] for name, check in fields.items() if isinstance(check, tuple)}
    checks = {name: _as_check(check) for name, check in fields.items()}
    collections = _optional_collections(node)
    zeros = unwritten_zeros(node.definition_name.removeprefix("io.k8s."))
    written = written_always(node)
    always = frozenset(written)

    def run(value: Any) -> list[Finding] | None:
        if type(value) is not dict:
            return [Finding(TYPE, fault=mismatch(value, go_type))]
        found: list[Finding] | None = None
        for name, each in value.items():
            # Most fields are plain strings or booleans: no call for those.
            if (
                (allowed := types.get(name)) is not None
                and type(each) in allowed
                and (each or name not in zeros)
            ):
                continue
            if (check := checks.get(name)) is None:
                if keeps_unknown:
                    continue
                more: list[Finding] | None = [Finding(UNKNOWN, value, name)]
            elif each is None and name in always:
                more = None if written[name] is None else _added(value, name, written[name], check)
            elif each is None or (
                not each and (collections.get(name) is type(each) or _is_zero(each, zeros.get(name)))
            ):
                more = [Finding(NULL, value, name)]
            else:
                more = check(each)
            if more:
                found = gather(found, more, value, name, struct)
        if always and not value.keys() >= always:
            for name in written:
                if name not in value:
                    found = gather(
                        found, _added(value, name, written[name], checks[name]), value, name, struct
                    )
        return found

    return run


def _added(holder: Object, name: str, zero: Any, check: Check) -> list[Finding]:
    """What mends a field that is missing: its zero, and what is always written within it."""
    new = {} if zero == {} else zero
    return [Finding(SPELLING, holder, name, value=new), *_within(new, check)]


def _within(new: Any, check: Check) -> list[Finding]:
    """What is missing of a struct that was missing itself."""
    return (check(new) or []) if new == {} else []


def _is_zero(value: Any, zero: Any) -> bool:
    return value == zero and type(value) is type(zero)


def _optional_collections(node: SchemaNode) -> dict[str, type]:
    """The lists and maps that are left out when they are empty, as Go's types are written (omitempty)."""
    kept = {*node.raw.get("required", ()), *WRITTEN_EMPTY.get(node.struct_name, ())}
    sorts = {name: _collection(child) for name in node.fields if (child := node.child(name))}
    return {name: sort for name, sort in sorts.items() if sort and name not in kept}


def _collection(node: SchemaNode) -> type | None:
    if node.type == "array":
        return list
    return dict if node.type == "object" and node.values is not None and not node.fields else None


def _zero_of(node: SchemaNode | None) -> Any:
    """What a null among such values is to Go; None if it is no scalar."""
    if node is None or node.extension("int-or-string"):
        return None
    if node.definition_name == _QUANTITY:
        return "0"
    return {"string": "", "integer": 0, "number": 0, "boolean": False}.get(node.type)


def _map(values: Check | Leaf | None, go_type: str, zero: Any) -> Check:
    types = values[0] if isinstance(values, tuple) else frozenset[type]()
    check = _as_check(values)

    def run(value: Any) -> list[Finding] | None:
        if type(value) is not dict:
            return [Finding(TYPE, fault=mismatch(value, go_type))]
        found: list[Finding] | None = None
        for name, each in value.items():
            if type(each) in types:
                continue
            if each is None:
                nothing = Finding(NULL) if zero is None else Finding(SPELLING, value=zero)
                more: list[Finding] | None = [nothing]
            else:
                more = check(each)
            if more:
                found = gather(found, more, value, MapKey(name), "")
        return found

    return run


def _list(items: Check | Leaf | None, go_type: str, zero: Any) -> Check:
    types = items[0] if isinstance(items, tuple) else frozenset[type]()
    check = _as_check(items)

    def run(value: Any) -> list[Finding] | None:
        if type(value) is not list:
            return [Finding(TYPE, fault=mismatch(value, go_type))]
        found: list[Finding] | None = None
        for index, each in enumerate(value):
            if type(each) in types:
                continue
            if each is None:
                new = {} if zero is None else zero
                more: list[Finding] | None = [Finding(SPELLING, value=new), *_within(new, check)]
            else:
                more = check(each)
            if more:
                found = gather(found, more, value, index, "")
        return found

    return run


def _go_type(node: SchemaNode) -> str:
    """The Go type upstream would name: `v1.PodSpec`, `[]v1.Container`, `map[string]string`."""
    if node.definition_name:
        version, _, name = node.definition_name.rpartition(".")
        return f"{version.rpartition('.')[2]}.{name}"
    if node.items is not None:
        return f"[]{_go_type(node.items)}"
    if node.values is not None:
        return f"map[string]{_go_type(node.values)}"
    return {"integer": node.format or "int64", "boolean": "bool", "object": "map[string]interface {}"}.get(
        node.type, node.type or "interface {}"
    )
