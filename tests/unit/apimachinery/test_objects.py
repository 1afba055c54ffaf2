"""What every object has."""

from apimachinery.objects import (
    NamespacedName,
    annotations_of,
    controller_of,
    deep_copy,
    get_path,
    is_terminating,
    key_of,
    labels_of,
    owner_reference,
)

OWNER = {
    "apiVersion": "apps/v1",
    "kind": "ReplicaSet",
    "metadata": {"name": "rs", "namespace": "n", "uid": "u"},
}


def test_keys_print_with_their_namespace() -> None:
    assert key_of(OWNER) == NamespacedName("n", "rs")
    assert [str(key_of(OWNER)), str(NamespacedName("", "node"))] == ["n/rs", "node"]


def test_objects_without_metadata_are_read_without_harm() -> None:
    assert (labels_of({}), annotations_of({"metadata": None}), key_of({})) == ({}, {}, NamespacedName("", ""))
    assert not is_terminating({})


def test_the_controller_is_the_managing_owner() -> None:
    reference = owner_reference(OWNER)
    child = {"metadata": {"ownerReferences": [owner_reference(OWNER, controller=False), reference]}}
    assert controller_of(child) == reference
    assert controller_of({}) is None


def test_paths_end_in_the_default_where_something_is_missing() -> None:
    obj = {"a": {"b": None, "c": 0}}
    assert [get_path(obj, path, "d") for path in ("a.c", "a.b", "a.b.c", "x.y", "a.c.d")] == [
        0,
        "d",
        "d",
        "d",
        "d",
    ]


def test_copies_share_nothing() -> None:
    copy = deep_copy(OWNER)
    copy["metadata"]["name"] = "other"
    assert OWNER["metadata"]["name"] == "rs"
