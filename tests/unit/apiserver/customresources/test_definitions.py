"""What definitions are refused for, what their status says, and the order of versions."""

from __future__ import annotations

from typing import Any

import pytest

from apimachinery.field import Path
from apimachinery.objects import Object, deep_copy
from apiserver.customresources.definition import by_priority, listed, resource_of
from apiserver.customresources.ending import COMPLETED, released
from apiserver.customresources.schema.structure import structural_errors
from apiserver.customresources.status import plan_status
from apiserver.customresources.validation.definition import validate_definition
from tests.unit.apiserver.customresources.builders import definition, established, obj, version

NOW = "2026-01-02T03:04:05Z"
TEXT = {"type": "string"}
AT = "spec.validation.openAPIV3Schema.properties[spec]"


def stored(made: Object, *versions: str) -> Object:
    return made | {"status": {"storedVersions": list(versions or ("v1",))}}


def with_spec(schema: Object, **more: Any) -> Object:
    return stored(definition(version(spec=schema, **more)))


SCHEMAS: list[tuple[str, Object, list[str]]] = [
    ("a good one", obj(a=TEXT), []),
    (
        "no type",
        obj(a={}),
        [f"{AT}.properties[a].type: Required value: must not be empty for specified object fields"],
    ),
    (
        "a list without items",
        obj(a={"type": "array"}),
        [f"{AT}.properties[a].items: Required value: must be specified"],
    ),
    (
        "a pattern that is none",
        obj(a={**TEXT, "pattern": "("}),
        [
            f'{AT}.properties[a].pattern: Invalid value: "(": '
            "must be a valid regular expression, but isn't: "
            "error parsing regexp: missing ): ("
        ],
    ),
    (
        "a type in an alternative",
        {**obj(a=TEXT), "anyOf": [{"properties": {"a": {"type": "string"}}}]},
        [f"{AT}.anyOf[0].properties[a].type: Forbidden: must be empty to be structural"],
    ),
    (
        "int or string may have them",
        obj(a={"x-kubernetes-int-or-string": True, "anyOf": [{"type": "integer"}, {"type": "string"}]}),
        [],
    ),
    (
        "a default that does not fit",
        obj(a={**TEXT, "default": 1}),
        [f'{AT}.properties[a].default: Invalid value: "integer":  in body must be of type string: "integer"'],
    ),
    (
        "a default with unknown fields",
        obj(a={**obj(b=TEXT), "default": {"c": 1}}),
        [f'{AT}.properties[a].default: Invalid value: {{"c":1}}: must not have unknown fields'],
    ),
    (
        "unique items",
        obj(a={"type": "array", "items": TEXT, "uniqueItems": True}),
        [
            f"{AT}.properties[a].uniqueItems: Forbidden: "
            "uniqueItems cannot be set to true since the runtime complexity "
            "becomes quadratic"
        ],
    ),
    (
        "a map list without keys",
        obj(a={"type": "array", "items": obj(n=TEXT), "x-kubernetes-list-type": "map"}),
        [
            f"{AT}.properties[a].x-kubernetes-list-map-keys: Required value: "
            "must not be empty if x-kubernetes-list-type "
            "is map"
        ],
    ),
    (
        "a key that may be left open",
        obj(
            a={
                "type": "array",
                "items": obj(n=TEXT),
                "x-kubernetes-list-type": "map",
                "x-kubernetes-list-map-keys": ["n"],
            }
        ),
        [
            f"{AT}.properties[a].items.properties[n].default: Required value: this property is in "
            "x-kubernetes-list-map-keys, so it must have a default or be a required property"
        ],
    ),
    (
        "a reference",
        obj(a={"$ref": "#/x", **TEXT}),
        [f"{AT}.properties[a].$ref: Forbidden: $ref is not supported"],
    ),
    (
        "fields and values",
        {**obj(a=TEXT), "additionalProperties": TEXT},
        [f"{AT}.additionalProperties: Forbidden: additionalProperties and properties are mutual exclusive"],
    ),
    (
        "a rule without a rule",
        {**obj(a=TEXT), "x-kubernetes-validations": [{"rule": " ", "reason": "Odd"}]},
        [
            f"{AT}.x-kubernetes-validations[0].rule: Required value: rule is not specified",
            f'{AT}.x-kubernetes-validations[0].reason: Unsupported value: "Odd": '
            'supported values: "FieldValueDuplicate", '
            '"FieldValueForbidden", "FieldValueInvalid", "FieldValueRequired"',
        ],
    ),
]


@pytest.mark.parametrize(("schema", "errors"), [pytest.param(*row[1:], id=row[0]) for row in SCHEMAS])
def test_schemas(schema: Object, errors: list[str]) -> None:
    assert [str(each) for each in validate_definition(with_spec(schema))] == errors


def test_what_only_an_alternative_knows_is_not_structural() -> None:
    schema = {**obj(a=TEXT), "allOf": [{"required": ["b"], "properties": {"b": {}}}]}
    [error] = structural_errors(schema, Path("s"))
    assert str(error) == "s.properties[b]: Required value: because it is defined in s.allOf[0].properties[b]"


PARTS: list[tuple[str, Object, list[str]]] = [
    ("group", definition(group="nodots"), ["metadata.name", "spec.group"]),
    (
        "protected group",
        definition(group="x.k8s.io"),
        ["metadata.name", "metadata.annotations[api-approved.kubernetes.io]"],
    ),
    ("no version", definition(versions=[]), ["spec.versions", "status.storedVersions[0]"]),
    (
        "names",
        definition(names={"plural": "things", "singular": "T", "kind": "Thing", "listKind": "Thing"}),
        ["spec.names.singular", "spec.names.listKind"],
    ),
    ("preserveUnknownFields", definition(preserveUnknownFields=True), ["spec.preserveUnknownFields"]),
    (
        "webhook without a client",
        definition(conversion={"strategy": "Webhook"}),
        ["spec.conversion.webhookClientConfig", "spec.conversion.conversionReviewVersions"],
    ),
    (
        "column",
        definition(version(additionalPrinterColumns=[{"name": "a", "type": "blob", "jsonPath": "x"}])),
        ["spec.additionalPrinterColumns[0].type", "spec.additionalPrinterColumns[0].JSONPath"],
    ),
    (
        "scale",
        definition(version(subresources={"scale": {"specReplicasPath": ".status.x"}})),
        ["spec.subresources.scale.specReplicasPath", "spec.subresources.scale.statusReplicasPath"],
    ),
    (
        "selectable",
        definition(
            version(
                spec=obj(a=TEXT, b=obj()),
                selectableFields=[
                    {"jsonPath": ".spec.a"},
                    {"jsonPath": ".spec.b"},
                    {"jsonPath": ".spec.c"},
                    {"jsonPath": ".spec.a"},
                ],
            )
        ),
        [f"spec.selectableFields[{index}].jsonPath" for index in (1, 2, 3)],
    ),
    (
        "different versions keep their place",
        definition(version(spec=obj(a={})), version("v2", storage=False)),
        ["spec.versions[0].schema.openAPIV3Schema.properties[spec].properties[a].type"],
    ),
    (
        "deprecation warning",
        definition(version(deprecationWarning="x")),
        ["spec.versions[0].deprecationWarning"],
    ),
]


@pytest.mark.parametrize(("made", "paths"), [pytest.param(*row[1:], id=row[0]) for row in PARTS])
def test_parts(made: Object, paths: list[str]) -> None:
    assert [each.path for each in validate_definition(stored(made))] == paths


def test_a_stored_version_cannot_be_dropped() -> None:
    made = definition(version("v2"))
    [error] = validate_definition(stored(made, "v1", "v2"), stored(deep_copy(made), "v1", "v2"))
    assert error.path == "status.storedVersions[0]"


def test_a_schema_that_was_let_in_may_stay() -> None:
    bad, worse = with_spec(obj(a={})), with_spec(obj(a={}, b={}))
    assert validate_definition(bad | {"metadata": {**bad["metadata"], "labels": {"a": "b"}}}, bad) == []
    assert len(validate_definition(worse, bad)) == 2


def test_the_first_status_accepts_all_names() -> None:
    status = plan_status(definition(), [], NOW)
    assert status["acceptedNames"] == definition()["spec"]["names"]
    assert [(each["type"], each["status"], each["reason"]) for each in status["conditions"]] == [
        ("NamesAccepted", "True", "NoConflicts"),
        ("Established", "True", "InitialNamesAccepted"),
    ]


def test_a_status_that_is_right_stays_as_it_is() -> None:
    once = definition() | {"status": plan_status(definition(), [], NOW)}
    assert plan_status(once, [], "later") == once["status"]


@pytest.mark.parametrize(
    ("names", "reason", "message"),
    [
        ({"plural": "things"}, "PluralConflict", '"things" is already in use'),
        ({"plural": "others", "shortNames": ["things"]}, "ShortNamesConflict", '"things" is already in use'),
        ({"plural": "others", "kind": "Thing"}, "KindConflict", '"Thing" is already in use'),
    ],
)
def test_names_that_are_taken(names: Object, reason: str, message: str) -> None:
    made = definition(names={"singular": "other", "kind": "Other", "listKind": "OtherList", **names})
    found = plan_status(made, [established(definition())], NOW)["conditions"]
    assert [(each["type"], each["status"], each["reason"], each["message"]) for each in found] == [
        ("NamesAccepted", "False", reason, message),
        ("Established", "False", "NotAccepted", "not all names are accepted"),
    ]


def test_who_was_established_stays_so_whatever_names_it_asks_for() -> None:
    made = established(definition(names={**definition()["spec"]["names"], "shortNames": ["x"]}))
    made["status"]["acceptedNames"] = definition()["spec"]["names"]
    rival = established(definition(names={"plural": "x", "kind": "X"}))
    found = {each["type"]: each["status"] for each in plan_status(made, [rival], NOW)["conditions"]}
    assert found == {"NamesAccepted": "False", "Established": "True"}


@pytest.mark.parametrize(
    ("annotation", "status", "reason"),
    [
        ("https://github.com/x/1", "True", "ApprovedAnnotation"),
        ("unapproved, an experiment", "False", "UnapprovedAnnotation"),
        (None, "False", "MissingAnnotation"),
        ("yes", "False", "InvalidAnnotation"),
    ],
)
def test_approval_of_the_communitys_groups(annotation: str | None, status: str, reason: str) -> None:
    made = definition(group="x.k8s.io")
    if annotation:
        made["metadata"]["annotations"] = {"api-approved.kubernetes.io": annotation}
    found = plan_status(made, [], NOW)["conditions"][-1]
    assert (found["status"], found["reason"]) == (status, reason)


def test_schemas_from_before_they_had_to_be_structural_are_told_of() -> None:
    found = plan_status(definition(version(spec=obj(a={}))), [], NOW)["conditions"][-1]
    assert (found["type"], found["reason"]) == ("NonStructuralSchema", "Violations")
    assert found["message"].startswith(
        "spec.versions[0].schema.openAPIV3Schema.properties[spec].properties[a]"
    )


def test_versions_are_ordered_as_discovery_does() -> None:
    names = ["foo1", "v1alpha1", "v2", "v1beta10", "v10", "v1", "v1beta2", "bar"]
    assert by_priority(names) == ["v10", "v2", "v1", "v1beta10", "v1beta2", "v1alpha1", "bar", "foo1"]


def test_what_is_terminating_takes_nothing_new() -> None:
    made = established(definition())
    made["status"]["conditions"].append({"type": "Terminating", "status": "True"})
    resource = resource_of(made, made["spec"]["versions"][0])
    assert set(resource.verbs) - set(listed(made, resource).verbs) == {"create", "patch", "update"}


def test_the_finalizer_goes_when_the_instances_have() -> None:
    made = definition()
    made["metadata"]["finalizers"] = ["x", "customresourcecleanup.apiextensions.k8s.io"]
    after = released(made, COMPLETED, NOW)
    assert after["metadata"]["finalizers"] == ["x"]
    assert after["status"]["conditions"][0]["reason"] == "InstanceDeletionCompleted"
