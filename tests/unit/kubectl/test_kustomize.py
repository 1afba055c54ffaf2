"""Parts of kustomizations that are pure: images, merging, hashes, order, fields, references."""

from pathlib import Path
from typing import Any

import pytest

from apimachinery.schema import builtin
from kubectl.failures import CommandError
from kubectl.kustomize import order, patches, references
from kubectl.kustomize.build import build
from kubectl.kustomize.fields import Field, change
from kubectl.kustomize.generators import generate, name_hash
from kubectl.kustomize.merging import merged
from kubectl.kustomize.resource import Resource, id_of
from kubectl.kustomize.transformers import new_image


@pytest.mark.parametrize(
    ("image", "entry", "expected"),
    [
        ("nginx", {"name": "nginx", "newTag": "2"}, "nginx:2"),
        ("nginx:1@sha256:a", {"name": "nginx", "newTag": "2"}, "nginx:2"),
        ("nginx:1", {"name": "nginx", "digest": "sha256:b"}, "nginx@sha256:b"),
        ("r.io:5000/a/b:1", {"name": "r.io:5000/a/b", "newName": "c"}, "c:1"),
        ("r.io:5000/a/b", {"name": "r.io:5000/a/b", "tagSuffix": "-x"}, "r.io:5000/a/b:-x"),
        ("nginx-more:1", {"name": "nginx", "newTag": "2"}, "nginx-more:1"),
        ("x/nginx:1", {"name": "nginx", "newTag": "2"}, "x/nginx:1"),
    ],
)
def test_an_image_changes_where_its_name_is_meant(image: str, entry: dict[str, Any], expected: str) -> None:
    assert new_image(image, entry) == expected


def pod(*containers: dict[str, Any]) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "p"},
        "spec": {"containers": [*containers]},
    }


@pytest.mark.parametrize(
    ("patch", "expected"),
    [
        ([{"name": "c", "image": "3"}], [("c", "3"), ("a", "1"), ("b", "2")]),
        ([{"name": "b", "image": "3"}], [("b", "3"), ("a", "1")]),
        ([{"name": "a", "$patch": "delete"}], [("b", "2")]),
        ([{"$patch": "replace"}, {"name": "c", "image": "3"}], [("c", "3")]),
    ],
)
def test_what_a_patch_names_comes_first(patch: Any, expected: Any) -> None:
    original = pod({"name": "a", "image": "1"}, {"name": "b", "image": "2"})
    result = merged(original, pod(*patch), builtin().find("v1", "Pod"))
    assert result is not None
    assert [(each["name"], each["image"]) for each in result["spec"]["containers"]] == expected


def test_ports_are_told_apart_by_number_and_protocol() -> None:
    ports = [{"containerPort": 80}, {"containerPort": 80, "protocol": "UDP"}]
    original = pod({"name": "a", "ports": ports})
    patch = pod(
        {"name": "a", "ports": [{"containerPort": 81}, {"containerPort": 80, "protocol": "UDP", "name": "u"}]}
    )
    result = merged(original, patch, builtin().find("v1", "Pod"))
    assert result is not None
    assert result["spec"]["containers"][0]["ports"][0] == {"containerPort": 81}


@pytest.mark.parametrize("patch", [{"$patch": "delete"}, {"spec": None}])
def test_what_a_patch_takes_away_is_gone(patch: Any) -> None:
    result = merged({"kind": "Thing", "spec": {"a": 1}}, patch, None)
    assert result in (None, {"kind": "Thing"})


def test_hashes_are_kustomizes() -> None:
    made = generate({"name": "m", "literals": ["a=1", "b='<x>'"]}, {}, "ConfigMap", lambda _: b"")
    assert made.obj["data"] == {"a": "1", "b": "<x>"}
    other = generate({"name": "n", "literals": ["a=1", "b='<x>'"]}, {}, "ConfigMap", lambda _: b"")
    assert name_hash(made.obj) == name_hash(other.obj)
    assert len(name_hash(made.obj)) == 10
    assert not set(name_hash(made.obj)) & set("013ae")


def test_long_secrets_are_in_lines() -> None:
    made = generate({"name": "s", "files": ["k=f"]}, {}, "Secret", lambda _: b"x" * 60)
    first, second, rest = made.obj["data"]["k"].split("\n")
    assert (len(first), len(second), rest) == (70, 10, "")


@pytest.mark.parametrize("source", ["=x", "novalue"])
def test_literals_have_a_key_and_a_value(source: str) -> None:
    with pytest.raises(CommandError, match="expected key=value"):
        generate({"name": "m", "literals": [source]}, {}, "ConfigMap", lambda _: b"")


def test_fields_are_made_only_where_they_may_be() -> None:
    obj: dict[str, Any] = {"apiVersion": "v1", "kind": "X", "metadata": {}, "spec": {"list": [{"a": 1}, {}]}}
    change(
        obj,
        [Field("metadata/x", create=True), Field("spec/list/a"), Field("no/where")],
        id_of(obj),
        lambda _: 2,
    )
    assert obj["metadata"] == {"x": 2}
    assert obj["spec"] == {"list": [{"a": 2}, {}]}
    assert "no" not in obj


def renamed(kind: str, name: str, to: str, **fields: Any) -> Resource:
    resource = Resource({"apiVersion": "v1", "kind": kind, "metadata": {"name": name}, **fields})
    resource.remember()
    resource.rename(to)
    return resource


def test_a_name_follows_what_it_means_and_nothing_else() -> None:
    claim = {"name": "v", "persistentVolumeClaim": {"claimName": "a"}}
    user = Resource({**pod(), "spec": {"volumes": [claim, {"name": "w", "configMap": {"name": "a"}}]}})
    references.update([user, renamed("ConfigMap", "a", "a-1"), renamed("Service", "a", "a-2")])
    assert user.obj["spec"]["volumes"] == [claim, {"name": "w", "configMap": {"name": "a-1"}}]


def test_a_name_that_may_mean_two_objects_is_refused() -> None:
    user = Resource({**pod(), "spec": {"serviceAccountName": "a"}})
    with pytest.raises(CommandError, match="found multiple possible referrals"):
        references.update([user, renamed("ServiceAccount", "a", "x"), renamed("ServiceAccount", "a", "y")])


@pytest.mark.parametrize(
    ("target", "names"),
    [
        ({"kind": "Pod"}, ["p", "q"]),
        ({"kind": "Pod", "name": "p|x"}, ["p"]),
        ({"name": "p.+"}, []),
        ({"labelSelector": "a=b"}, ["q"]),
        ({"version": "v2"}, []),
    ],
)
def test_a_target_fits_whole_names(target: dict[str, str], names: list[str]) -> None:
    second = Resource({**pod(), "metadata": {"name": "q", "labels": {"a": "b"}}})
    found = patches.selected([Resource(pod()), second], target)
    assert [each.id.name for each in found] == names


@pytest.mark.parametrize(
    ("options", "kinds"),
    [
        (None, ["Namespace", "Service", "Pod", "Zebra"]),
        ({"order": "fifo"}, ["Zebra", "Pod", "Namespace", "Service"]),
        ({"order": "legacy", "legacySortOptions": {"orderFirst": ["Zebra"], "orderLast": ["Namespace"]}},
         ["Zebra", "Pod", "Service", "Namespace"]),
    ],
)  # fmt: skip
def test_what_others_stand_on_comes_first(options: Any, kinds: list[str]) -> None:
    made = [
        Resource({"apiVersion": "v1", "kind": kind, "metadata": {"name": "a"}})
        for kind in ("Zebra", "Pod", "Namespace", "Service")
    ]
    assert [each.id.kind for each in order.ordered(made, options)] == kinds


@pytest.mark.parametrize("field", ["replacements", "vars", "helmCharts", "generators", "openapi"])
def test_what_is_not_supported_is_refused_by_name(field: str, tmp_path: Path) -> None:
    (tmp_path / "kustomization.yaml").write_text(f"{field}: [x]\n")
    with pytest.raises(CommandError, match=f"'{field}' are not supported"):
        build(str(tmp_path))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("resources: [.]", "cycle detected"),
        ("resources: x", r"cannot unmarshal string into .*\.resources of type \[\]string"),
        ("namespace: [x]", r"cannot unmarshal array into .*\.namespace of type string"),
        ("resources: [x.yaml]", "evalsymlink failure"),
        ("components: [nowhere]", "accumulating components: loader.New"),
        ("configMapGenerator: [{name: a, envs: [x]}]", r"loading KV pairs: env source files: \[x\]"),
        ("namePrefix: [b", "invalid Kustomization: yaml: line"),
    ],
)
def test_what_makes_no_sense_is_told(text: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "kustomization.yaml").write_text(f"{text}\n")
    with pytest.raises(CommandError, match=message):
        build(str(tmp_path))
