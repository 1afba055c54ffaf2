"""What may come next, as a table."""

import pytest

from kubectl.completing import Kind, Wanted, given_globals, wanted
from kubectl.tree import ROOT


@pytest.mark.parametrize(
    ("line", "kind", "type_", "prefix"),
    [
        pytest.param("get ", Kind.TYPES, "", "", id="types"),
        pytest.param("get po", Kind.TYPES, "", "", id="types that begin so"),
        pytest.param("get pods ", Kind.NAMES, "pods", "", id="names"),
        pytest.param("get -n x pods a ", Kind.NAMES, "pods", "", id="more names"),
        pytest.param("get deploy/", Kind.NAMES, "deploy", "deploy/", id="names behind a slash"),
        pytest.param("get pods -n ", Kind.NAMESPACES, "", "", id="a flag's value"),
        pytest.param("get pods --namespace=", Kind.NAMESPACES, "", "--namespace=", id="with an equals sign"),
        pytest.param("get pods -w ", Kind.NAMES, "pods", "", id="a boolean takes no value"),
        pytest.param("logs ", Kind.NAMES, "pods", "", id="pods"),
        pytest.param("logs web -c ", Kind.CONTAINERS, "", "", id="containers"),
        pytest.param("port-forward ", Kind.NAMES, "pods", "", id="pods to forward to"),
        pytest.param("drain ", Kind.NAMES, "nodes", "", id="nodes"),
        pytest.param("rollout status deploy ", Kind.NAMES, "deploy", "", id="names of a subcommand"),
        pytest.param("config use-context ", Kind.CONTEXTS, "", "", id="contexts"),
        pytest.param("get --context ", Kind.CONTEXTS, "", "", id="contexts as a flag"),
        pytest.param("apply -f ", Kind.NOTHING, "", "", id="files are the shell's"),
        pytest.param("get --nonsense pods ", Kind.NOTHING, "", "", id="nothing after nonsense"),
    ],
)
def test_what_is_looked_up(line: str, kind: Kind, type_: str, prefix: str) -> None:
    goal = wanted(ROOT, line.split(" "))
    assert (goal.kind, goal.type, goal.prefix) == (kind, type_, prefix)


@pytest.mark.parametrize(
    ("line", "some"),
    [
        ("", {"get", "create"}),
        ("create ", {"deployment", "secret"}),
        ("create secret ", {"generic", "tls"}),
        ("get -", {"--selector", "--namespace"}),
        ("get pods -o ", {"yaml", "wide"}),
        ("create deployment x --dry-run ", set()),
        ("create deployment x --dry-run=", {"client", "server"}),
        ("rollout restart ", {"deployment", "statefulset"}),
        ("exec ", {"deployment/", "pod/"}),
    ],
)
def test_what_is_known(line: str, some: set[str]) -> None:
    assert some <= {name for name, _ in wanted(ROOT, line.split(" ")).known}


def test_the_pod_of_containers_is_told() -> None:
    assert wanted(ROOT, ["exec", "web", "-c", ""]) == Wanted(kind=Kind.CONTAINERS, pod="web")


def test_the_server_to_ask_is_the_command_lines() -> None:
    words = ["get", "-n", "x", "--context=c", "-o", "yaml", "--insecure-skip-tls-verify", "pods", ""]
    assert given_globals(words) == ["-n", "x", "--context=c", "--insecure-skip-tls-verify"]
