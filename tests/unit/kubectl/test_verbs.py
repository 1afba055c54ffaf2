"""The pure parts of verbs: goals of wait, taints, environments, patches of apply, kubeconfigs, exit codes."""

from typing import Any

import pytest

from apimachinery.errors import StatusError
from apimachinery.well_known import LAST_APPLIED
from kubectl import dry_run, last_applied, marking, streaming
from kubectl.failures import CommandError
from kubectl.kubeconfigs import entries, views
from kubectl.patching import overridden, patched
from kubectl.settings import env
from kubectl.verbs import taint, wait
from kubectl.verbs.run import IMAGE


@pytest.mark.parametrize(
    ("goal", "obj", "holds"),
    [
        ("condition=Ready", {"status": {"conditions": [{"type": "Ready", "status": "True"}]}}, True),
        ("condition=ready", {"status": {"conditions": [{"type": "Ready", "status": "True"}]}}, True),
        ("condition=Ready=false", {"status": {"conditions": [{"type": "Ready", "status": "False"}]}}, True),
        ("condition=Ready", {"status": {}}, False),
        ("condition=Ready", None, False),
        ("jsonpath={.status.phase}=Running", {"status": {"phase": "Running"}}, True),
        ("jsonpath={.status.phase}=Running", {"status": {"phase": "Pending"}}, False),
        ("jsonpath={.status.ip}", {"status": {"ip": "x"}}, True),
        ("jsonpath='{.status.n}'=3".replace("'", ""), {"status": {"n": 3}}, True),
        ("jsonpath=.status.n=3", {"status": {"n": 3}}, True),
        ('jsonpath=status.l[?(@.a=="b")].c=d', {"status": {"l": [{"a": "b", "c": "d"}]}}, True),
        ("create", {}, True),
        ("create", None, False),
    ],
)
def test_goals_hold_or_not(goal: str, obj: dict[str, Any] | None, holds: bool) -> None:
    shown = {"metadata": {}, **obj} if obj is not None else None
    assert wait.parse_goal(goal).holds(shown) is holds


def test_a_condition_of_an_older_generation_does_not_count() -> None:
    obj = {
        "metadata": {"generation": 2},
        "status": {"observedGeneration": 1, "conditions": [{"type": "A", "status": "True"}]},
    }
    assert not wait.parse_goal("condition=A").holds(obj)


@pytest.mark.parametrize("goal", ["", "nonsense", "condition=", "jsonpath={.a}x", "jsonpath={.a}="])
def test_goals_that_make_no_sense_are_refused(goal: str) -> None:
    with pytest.raises(CommandError):
        wait.parse_goal(goal)


A, B = {"key": "a", "value": "1", "effect": "NoSchedule"}, {"key": "b", "effect": "NoExecute"}


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["c:NoSchedule"], [{"key": "c", "effect": "NoSchedule"}, A, B]),
        (["a-"], [B]),
        (["a:NoSchedule-"], [B]),
        (["b=2:NoExecute"], [{"key": "b", "value": "2", "effect": "NoExecute"}, A]),
    ],
)
def test_taints_are_set_and_removed(words: list[str], expected: list[dict[str, str]]) -> None:
    assert taint.apply([A, B], taint.parse(words), overwrite=True) == expected


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["x-"], 'taint "x" not found'),
        (["a:NoExecute-"], 'taint "a:NoExecute" not found'),
        (["a=2:NoSchedule"], "already has a taint"),
        (["a:Sometimes"], "invalid taint effect: Sometimes, unsupported taint effect"),
    ],
)
def test_wrong_taints_are_refused(words: list[str], message: str) -> None:
    with pytest.raises(CommandError, match=message):
        taint.apply([A], taint.parse(words), overwrite=False)


def test_variables_keep_their_place() -> None:
    current = [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}, {"name": "C", "value": "3"}]
    objects, updates = env.split(["deploy/web", "B=x", "D=y", "C-"])
    assert objects == ["deploy/web"]
    assert updates.apply(current) == [
        {"name": "A", "value": "1"},
        {"name": "B", "value": "x"},
        {"name": "D", "value": "y"},
    ]
    with pytest.raises(CommandError, match=r"'B' already has a value \(2\), and --overwrite is false"):
        updates.apply(current, overwrite=False)


def test_keys_become_names_of_variables(capsys: pytest.CaptureFixture[str]) -> None:
    source = {"kind": "ConfigMap", "metadata": {"name": "c"}, "data": {"a.b": "1", "C": "2", "x": "3"}}
    assert env.references(source, ["a.b", "C"], "P_") == [
        {"name": "P_C", "valueFrom": {"configMapKeyRef": {"name": "c", "key": "C"}}},
        {"name": "P_A_B", "valueFrom": {"configMapKeyRef": {"name": "c", "key": "a.b"}}},
    ]
    assert capsys.readouterr().err == "Warning: key a.b transferred to A_B\n"


@pytest.mark.parametrize(
    ("words", "changes"),
    [
        (["pod", "p", "a=b", "c-"], marking.Changes({"a": "b"}, ["c"])),
        (["pod/p", "a="], marking.Changes({"a": ""}, [])),
    ],
)
def test_marks_are_told_from_names(words: list[str], changes: marking.Changes) -> None:
    assert marking.split_words(words, marking.LABELS)[1] == changes


def test_what_has_another_value_is_not_overwritten() -> None:
    marking.refuse_overwriting(marking.LABELS, {"a": "b", "n": "1"}, {"a": "b"})
    with pytest.raises(CommandError, match=r"'a' already has a value \(b\), and --overwrite is false"):
        marking.refuse_overwriting(marking.LABELS, {"a": "c"}, {"a": "b"})
    with pytest.raises(CommandError, match="can not both modify and remove a label in the same command"):
        marking.split_words(["a=b", "a-"], marking.LABELS)


@pytest.mark.parametrize(
    ("text", "kind", "node"),
    [
        ('{"spec": {"nodeName": "x"}}', "merge", "x"),
        ('{"spec": {"nodeName": "x"}}', "strategic", "x"),
        ('[{"op": "add", "path": "/spec/nodeName", "value": "x"}]', "json", "x"),
        ("", "merge", None),
    ],
)
def test_overrides_change_what_was_made(text: str, kind: str, node: str | None) -> None:
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": {"containers": []}}
    assert overridden(pod, text, kind)["spec"].get("nodeName") == node


@pytest.mark.parametrize(
    ("image", "fine"),
    [
        ("busybox", True),
        ("r.io:5000/a/b-c_d:1.2-x", True),
        ("localhost/x@sha256:" + "a" * 64, True),
        ("bad image", False),
        ("UPPER", False),
        ("a:b:c", False),
        ("", False),
    ],
)
def test_images_are_references(image: str, fine: bool) -> None:
    assert bool(IMAGE.fullmatch(image)) == fine


def test_apply_remembers_what_it_was_given() -> None:
    obj = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, "data": {"k": "1"}}
    annotated = last_applied.annotated(obj)
    assert annotated["metadata"]["annotations"][LAST_APPLIED] == (
        '{"apiVersion":"v1","data":{"k":"1"},"kind":"ConfigMap","metadata":{"annotations":{},"name":"a"}}\n'
    )
    assert last_applied.annotated(annotated) == annotated
    assert last_applied.patch_for(annotated, annotated)[0] == {}


def test_apply_deletes_what_left_the_file_and_leaves_what_others_set() -> None:
    kind = {"apiVersion": "v1", "kind": "ConfigMap"}
    before = last_applied.annotated({**kind, "metadata": {"name": "a"}, "data": {"old": "1", "kept": "1"}})
    live = {**before, "data": {**before["data"], "theirs": "1"}}
    after = last_applied.annotated({**kind, "metadata": {"name": "a"}, "data": {"kept": "2"}})
    patch, content_type = last_applied.patch_for(after, live)
    assert patch["data"] == {"old": None, "kept": "2"}
    assert content_type == "application/strategic-merge-patch+json"


def test_kinds_without_a_schema_get_a_merge_patch() -> None:
    boat = last_applied.annotated(
        {"apiVersion": "x.io/v1", "kind": "Boat", "metadata": {"name": "a"}, "n": 1}
    )
    patch, content_type = last_applied.patch_for({**boat, "n": 2}, boat)
    assert (patch, content_type) == ({"n": 2}, "application/merge-patch+json")


CONFIG: dict[str, Any] = {
    "current-context": "c",
    "contexts": [
        {"name": "c", "context": {"cluster": "k", "user": "u"}},
        {"name": "d", "context": {"cluster": "l"}},
    ],
    "clusters": [
        {"name": "k", "cluster": {"certificate-authority-data": "x"}},
        {"name": "l", "cluster": {}},
    ],
    "users": [{"name": "u", "user": {"token": "secret", "client-key-data": "y"}}],
}


def test_a_minified_kubeconfig_holds_one_context() -> None:
    small = views.minified(CONFIG, "c")
    assert [[each["name"] for each in small[what]] for what in ("contexts", "clusters", "users")] == [
        ["c"],
        ["k"],
        ["u"],
    ]


def test_secrets_are_hidden() -> None:
    shown = views.redacted(CONFIG)
    assert shown["users"][0]["user"] == {"token": "REDACTED", "client-key-data": "DATA+OMITTED"}
    assert shown["clusters"][0]["cluster"] == {"certificate-authority-data": "DATA+OMITTED"}


def test_the_commands_exit_code_is_taken_over() -> None:
    cause = {"reason": "ExitCode", "message": "4"}
    failed = {"status": "Failure", "reason": "NonZeroExitCode", "details": {"causes": [cause]}}
    assert streaming.exit_code(failed) == 4
    assert streaming.exit_code({"status": "Success"}) == 0
    with pytest.raises((CommandError, StatusError)):
        streaming.exit_code({"status": "Failure", "reason": "InternalError", "message": "boom"})


def test_entries_of_a_kubeconfig_are_put_and_removed() -> None:
    config = entries.put({"users": []}, "users", "b", {"token": "t"})
    config = entries.put(config, "users", "a", {"username": "u"})
    config = entries.put(config, "users", "b", {"token": None, "username": "v"})
    assert entries.named(config, "users") == {"a": {"username": "u"}, "b": {"username": "v"}}
    assert entries.named(entries.remove(config, "users", "a"), "users") == {"b": {"username": "v"}}


def test_a_renamed_context_stays_the_current_one() -> None:
    config = entries.rename_context(CONFIG, "c", "d")
    assert config["current-context"] == "d"
    assert "d" in entries.named(config, "contexts")


@pytest.mark.parametrize(
    ("path", "value", "found"),
    [
        ("current-context", "mine", {"current-context": "mine"}),
        ("users.u.token", "secret", {"users": [{"name": "u", "user": {"token": "secret"}}]}),
        (
            "clusters.c.insecure-skip-tls-verify",
            "true",
            {"clusters": [{"name": "c", "cluster": {"insecure-skip-tls-verify": True}}]},
        ),
    ],
)
def test_properties_of_a_kubeconfig_are_set_and_unset(path: str, value: str, found: dict[str, Any]) -> None:
    config = entries.set_property({}, path, value)
    assert config == found
    after = entries.unset_property(config, path)
    assert value not in str(after).lower()


@pytest.mark.parametrize(("value", "raw"), [("aGk=", False), ("hi", True)])
def test_bytes_of_a_kubeconfig_are_in_base64_unless_they_are_raw(value: str, raw: bool) -> None:
    config = entries.set_property({}, "clusters.c.certificate-authority-data", value, raw=raw)
    assert config == {"clusters": [{"name": "c", "cluster": {"certificate-authority-data": "aGk="}}]}


def test_bytes_that_are_no_base64_are_refused() -> None:
    with pytest.raises(CommandError, match="error decoding input value: illegal base64 data at input byte 2"):
        entries.set_property({}, "users.u.client-key-data", "hi!")


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("nope.x", r"unable to parse nope\.x after"),
        ("contexts.c.nope", r"unable to set contexts\.c\.nope"),
        ("users.u.exec", r"unable to set users\.u\.exec"),
        ("users.u.exec.command", r"unable to parse one or more field values of users\.u\.exec\.command"),
    ],
)
def test_properties_that_do_not_exist_are_refused(path: str, why: str) -> None:
    with pytest.raises(CommandError, match=why):
        entries.set_property({}, path, "y")


def test_names_in_a_kubeconfig_may_have_dots() -> None:
    config = entries.set_property({}, "clusters.10.10.12.56.server", "https://x")
    assert config == {"clusters": [{"name": "10.10.12.56", "cluster": {"server": "https://x"}}]}
    assert entries.unset_property(config, "clusters.10.10.12.56") == {"clusters": []}


def test_a_custom_resource_has_no_strategic_patches() -> None:
    obj = {"apiVersion": "e.io/v1", "kind": "Foo", "a": 1}
    assert patched(obj, {"a": 2}, "merge") == obj | {"a": 2}
    with pytest.raises(CommandError, match="Kind=Foo locally, try --type merge"):
        patched(obj, {"a": 2}, "strategic")


@pytest.mark.parametrize(
    ("text", "mode", "warned"),
    [
        ("server", "server", 0),
        ("none", "none", 0),
        ("T", "client", 1),
        ("0", "none", 1),
        ("unchanged", "client", 1),
    ],
)
def test_old_values_of_dry_run_are_warned_about_once(
    text: str, mode: str, warned: int, capsys: pytest.CaptureFixture[str]
) -> None:
    dry_run.parse.cache_clear()
    assert {dry_run.parse(text), dry_run.parse(text)} == {mode}
    assert capsys.readouterr().err.count("deprecated") == warned
