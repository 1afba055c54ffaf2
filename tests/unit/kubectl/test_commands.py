"""From words to a verb and its arguments, as tables."""

from typing import Annotated, Any, NamedTuple

import pytest

from kubectl import help
from kubectl.arguments import Command, Flag, Option, UsageError, Words
from kubectl.commands import Group, global_options, signature, understand
from kubectl.flags import KustomizationFolder
from kubectl.tree import CLUSTER_VERBS, ROOT


class Shared(NamedTuple):
    dry: Annotated[str, Flag("--dry-run", bare="unchanged")] = "none"
    output: Annotated[str, Flag("--output", "-o")] = ""


def deployment(
    name: Annotated[str, Words("NAME")],
    shared: Shared,
    command: Annotated[list[str] | None, Command()] = None,
    image: Annotated[list[str] | None, Flag("--image", help="What to run.")] = None,
) -> None:
    """Create a deployment."""


def get(
    words: Annotated[list[str], Words("TYPE")], watch: Annotated[bool, Flag("--watch", "-w")] = False
) -> None:
    """Display resources."""


def from_files(filename: Annotated[list[str] | None, Flag("--filename", "-f")] = None) -> None:
    """Create from files."""


CREATE = Group("Create things.", {"deployment": deployment}, {"deploy": "deployment"}, from_files)
TREE = Group("A program.", {"create": CREATE, "get": get, "set": Group("Set things.", {"image": get})})


@pytest.mark.parametrize(
    ("words", "path", "arguments"),
    [
        pytest.param("get pods -w", ("get",), {"words": ["pods"], "watch": True}, id="a verb"),
        pytest.param("get", ("get",), {"words": []}, id="no words"),
        pytest.param("-n x get pods", ("get",), {"words": ["pods"]}, id="global flags before it"),
        pytest.param("create -f a", ("create",), {"filename": ["a"]}, id="the group itself"),
        pytest.param(
            "create -f deployment", ("create",), {"filename": ["deployment"]}, id="a value is no verb"
        ),
        pytest.param(
            "create deploy web --image=a -- ls -o",
            ("create", "deployment"),
            {"name": "web", "image": ["a"], "command": ["ls", "-o"], "shared": Shared()},
            id="an alias, and a command",
        ),
        pytest.param(
            "create deployment web -o yaml --dry-run",
            ("create", "deployment"),
            {"name": "web", "command": None, "shared": Shared("unchanged", "yaml")},
            id="a tuple of flags",
        ),
    ],
)
def test_words_name_a_verb_and_its_arguments(
    words: str, path: tuple[str, ...], arguments: dict[str, Any]
) -> None:
    call = understand(TREE, words.split())
    assert (call.found.path, call.arguments, call.wants_help) == (path, arguments, False)


def test_a_verbs_own_flag_goes_before_a_global_one() -> None:
    call = understand(ROOT, ["create", "rolebinding", "x", "--user=a", "--context=b"])
    assert call.arguments["user"] == ["a"]
    assert (call.globals.user, call.globals.context) == ("", "b")


def test_global_flags_may_stand_anywhere() -> None:
    call = understand(TREE, ["--context=c", "get", "pods", "-na", "--as-group", "g", "-v5"])
    assert (call.globals.context, call.globals.namespace) == ("c", "a")
    assert (call.globals.impersonate_groups, call.globals.verbosity) == (["g"], 5)


@pytest.mark.parametrize("words", ["set", "get --help", "create deployment -h", ""])
def test_help_is_shown_where_it_is_asked_for_or_no_verb_is_named(words: str) -> None:
    assert understand(TREE, words.split()).wants_help


@pytest.mark.parametrize(
    ("words", "message", "verb", "hint"),
    [
        ("foo", 'unknown command "foo" for "sampan"', "", "none"),
        ("list", 'unknown command "list" for "sampan"\n\nDid you mean this?\n\tget', "", "none"),
        ("crea", 'unknown command "crea" for "sampan"\n\nDid you mean this?\n\tcreate', "", "none"),
        ("gte", 'unknown command "gte" for "sampan"\n\nDid you mean this?\n\tget', "", "none"),
        ("set foo", 'unknown command "foo"', "set", "examples"),
        ("create foo", "Unexpected args: [foo]", "create", "examples"),
        ("create deployment", "exactly one NAME is required, got 0", "create deployment", "examples"),
        ("create deployment a b", "exactly one NAME is required, got 2", "create deployment", "examples"),
        ("get --foo", "unknown flag: --foo", "get", "usage"),
        ("--foo get", "unknown flag: --foo", "", "usage"),
        ("-n=x foo", "flags cannot be placed before plugin name: -n", "", "plugin"),
    ],
)
def test_what_is_wrong_is_said_in_cobras_words(words: str, message: str, verb: str, hint: str) -> None:
    with pytest.raises(UsageError) as caught:
        understand(TREE, words.split())
    assert (str(caught.value), caught.value.verb, caught.value.hint) == (message, verb, hint)


def test_help_names_flags_with_their_defaults() -> None:
    call = understand(TREE, ["create", "deployment", "--help"])
    assert help.text(call.found).splitlines()[:5] == [
        "Create a deployment.",
        "",
        "Options:",
        "    --dry-run='none':",
        "\t",
    ]
    assert "    --image=[]:\n\tWhat to run.\n" in help.text(call.found)
    assert "Usage:\n  sampan create deployment NAME -- [COMMAND] [args...] [options]\n" in help.text(
        call.found
    )


SHADOWING = {
    "--user", "--cluster", "--server", "--certificate-authority", "--insecure-skip-tls-verify",
    "--tls-server-name", "--client-certificate", "--client-key", "--token", "--username", "--password",
    "--namespace", "-n",
}  # fmt: skip
"""Global flags of which kubectl, too, has verbs that mean something else by them."""


def _leaves(group: Group, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    found: list[tuple[str, ...]] = []
    for name in group.verbs:
        below = group.find(name)
        found += _leaves(below, (*path, name)) if isinstance(below, Group) else [(*path, name)]
    return found


@pytest.mark.parametrize("path", _leaves(ROOT), ids=" ".join)
def test_every_verb_has_a_summary_and_flags_that_do_not_clash(path: tuple[str, ...]) -> None:
    call = understand(ROOT, [*path, "--help"])
    assert call.found.path == path
    assert help.summary(call.found.verb)
    own = _names(signature(call.found.function).options) if call.found.function else []
    assert len(own) == len(set(own))
    assert set(own) & set(_names(global_options())) <= SHADOWING
    options = signature(call.found.function).options if call.found.function else []
    assert all(option.flag.help for option in options if not option.flag.hidden)


def _names(options: list[Option]) -> list[str]:
    return [name for option in options for name in (option.flag.long, option.flag.short) if name]


def test_verbs_of_a_clusters_life_are_not_kubectls() -> None:
    assert not set(CLUSTER_VERBS) & set(ROOT.verbs)


def test_several_flags_fill_one_list() -> None:
    filenames = understand(ROOT, ["get", "-f", "a,b", "-k", "c,d"]).arguments["options"].filename
    assert filenames == ["a", "b", "c,d"]
    assert [isinstance(each, KustomizationFolder) for each in filenames] == [False, False, True]
