"""The pods that `debug` makes, by profile and by way of looking."""

from typing import Any

import pytest

from kubectl.debugging import planning, profiles
from kubectl.debugging.planning import Wanted
from kubectl.debugging.profiles import Keep
from kubectl.failures import CommandError

PTRACE = {"capabilities": {"add": ["SYS_PTRACE"]}}
NET = {"capabilities": {"add": ["NET_ADMIN", "NET_RAW"]}}
ROOT = {"privileged": True}
RESTRICTED = {
    "runAsNonRoot": True,
    "capabilities": {"drop": ["ALL"]},
    "allowPrivilegeEscalation": False,
    "seccompProfile": {"type": "RuntimeDefault"},
}


def pod(**spec: Any) -> dict[str, Any]:
    containers = [
        {
            "name": "c",
            "image": "old",
            "args": ["x"],
            "livenessProbe": {},
            "securityContext": {"runAsUser": 5},
        },
        {"name": "d", "image": "other"},
    ]
    metadata = {"name": "p", "namespace": "n", "labels": {"a": "b"}, "annotations": {"c": "d"}}
    return {"metadata": metadata, "spec": {"containers": containers, "nodeName": "x", **spec}}


@pytest.mark.parametrize(
    ("profile", "beside", "on_copy", "on_node", "sees_host", "has_root"),
    [
        ("legacy", None, {"runAsUser": 5}, None, True, True),
        ("general", PTRACE, {"runAsUser": 5, **PTRACE}, None, True, True),
        ("baseline", None, None, None, False, False),
        ("restricted", RESTRICTED, RESTRICTED, RESTRICTED, False, False),
        ("netadmin", NET, {"runAsUser": 5, **NET}, NET, True, False),
        ("sysadmin", ROOT, {"runAsUser": 5, **ROOT}, ROOT, True, True),
    ],
)  # fmt: skip
def test_a_profile_grants_what_it_says(
    profile: str, beside: Any, on_copy: Any, on_node: Any, sees_host: bool, has_root: bool
) -> None:
    wanted = Wanted("busybox", profile=profile, copy_to="q")
    ephemeral = profiles.find(planning.with_ephemeral(pod(), "new", wanted), "new")
    copy = profiles.find(planning.with_container(planning.copied(pod(), wanted), "c", wanted), "c")
    node = planning.on_node("x", "q", "new", wanted)
    contexts = [each.get("securityContext") for each in (ephemeral, copy, profiles.find(node, "new"))]
    assert contexts == [beside, on_copy, on_node]
    assert (node["spec"].get("hostPID", False), "volumes" in node["spec"]) == (sees_host, has_root)


@pytest.mark.parametrize(
    ("profile", "keep", "metadata", "probes", "shares"),
    [
        ("legacy", Keep(), {"annotations"}, True, None),
        ("general", Keep(), set(), False, True),
        (
            "general",
            Keep(labels=True, annotations=True, liveness=True),
            {"labels", "annotations"},
            True,
            True,
        ),
    ],
)
def test_a_copy_keeps_what_it_is_told_to(
    profile: str, keep: Keep, metadata: set[str], probes: bool, shares: bool | None
) -> None:
    wanted = Wanted("busybox", profile=profile, copy_to="q", keep=keep)
    copy = planning.with_container(planning.copied(pod(), wanted), "new", wanted)
    assert copy["metadata"].keys() - {"name", "namespace"} == metadata
    assert ("livenessProbe" in copy["spec"]["containers"][0]) is probes
    assert copy["spec"].get("shareProcessNamespace") is shares
    assert "nodeName" not in copy["spec"]


def test_a_command_takes_the_place_of_arguments_and_images_are_set_by_name() -> None:
    wanted = Wanted(
        command=("sh",), copy_to="q", images={"*": "any", "d": "mine"}, stdin=True, same_node=True
    )
    copy = planning.with_container(planning.copied(pod(), wanted), "c", wanted)
    first, second = copy["spec"]["containers"]
    assert (first["image"], first["command"], "args" in first, first["stdin"]) == ("any", ["sh"], False, True)
    assert (second["image"], copy["spec"]["nodeName"]) == ("mine", "x")


@pytest.mark.parametrize(
    ("name", "wanted", "needs"),
    [
        ("c", Wanted(), False),
        ("new", Wanted("busybox"), True),
        ("", Wanted(images={"*": "x"}), False),
    ],
)
def test_a_container_is_added_where_there_is_an_image_for_it(name: str, wanted: Wanted, needs: bool) -> None:
    assert planning.needs_container(pod(), name, wanted) is needs


def test_a_container_without_an_image_is_refused() -> None:
    with pytest.raises(CommandError, match="must specify image"):
        planning.needs_container(pod(), "new", Wanted(command=("sh",)))


@pytest.mark.parametrize(
    ("user", "own", "lacks"),
    [
        (5, PTRACE, True),
        (5, {"privileged": True}, True),
        (5, {**PTRACE, "runAsUser": 0}, False),
        (5, RESTRICTED, False),
        (0, PTRACE, False),
        (None, PTRACE, False),
    ],
)
def test_a_pod_with_a_user_takes_rights_away(user: int | None, own: Any, lacks: bool) -> None:
    spec = {"securityContext": {"runAsUser": user}} if user is not None else {}
    assert profiles.may_lack_rights(pod(**spec), {"name": "x", "securityContext": own}) is lacks


def test_fields_of_ones_own_are_merged() -> None:
    custom = {"env": [{"name": "B", "value": "2"}], "securityContext": {"runAsUser": 0}}
    wanted = Wanted("busybox", profile="general", env={"A": "1"}, custom=custom)
    made = profiles.find(planning.with_ephemeral(pod(), "new", wanted), "new")
    assert sorted(each["name"] for each in made["env"]) == ["A", "B"]
    assert made["securityContext"] == {**PTRACE, "runAsUser": 0}
