"""Output formats: tables, custom columns, go templates, lists."""

import pytest

from kubectl import printers
from kubectl.failures import CommandError
from kubectl.printers import Printing, gotemplate
from kubectl.printers.table import Columns, align

POD = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "a", "labels": {"app": "web", "b": "c"}, "managedFields": []},
    "spec": {"containers": [{"name": "x", "n": 1}, {"name": "y", "n": 2}]},
    "data": {"k": "aGk="},
}

TEMPLATES = {
    "{{.metadata.name}}": "a",
    "{{range .spec.containers}}{{.name}} {{end}}": "x y ",
    "{{range $i, $c := .spec.containers}}{{$i}}={{$c.name}};{{end}}": "0=x;1=y;",
    "{{range .nothing}}x{{else}}none{{end}}": "none",
    '{{if eq .kind "Pod"}}pod{{else if eq .kind "Node"}}node{{else}}other{{end}}': "pod",
    '{{if eq .kind "Node"}}node{{else if eq .kind "Pod"}}pod{{else}}other{{end}}': "pod",
    "{{with .spec.nothing}}a{{else}}b{{end}}": "b",
    "{{.data.k | base64decode}}": "hi",
    '{{printf "%s-%d" .kind (len .spec.containers)}}': "Pod-2",
    '{{index .metadata.labels "app"}}': "web",
    "{{(index .spec.containers 1).name}}": "y",
    "{{$n := .kind}}{{$n}}": "Pod",
    "a {{- /* note */ -}} b": "ab",
    "{{.missing}}": "<no value>",
    "{{if and .kind (not .missing)}}yes{{end}}": "yes",
    "{{range.spec.containers}}{{if(.name)}}{{.name}}{{end}}{{end}}": "xy",
    "{{range .spec.containers}}{{if eq .n 1}}{{continue}}{{end}}{{.name}}{{end}}": "y",
    "{{range .spec.containers}}{{.name}}{{break}}{{end}}": "x",
    "{{$n := 0}}{{range .spec.containers}}{{$n = .n}}{{end}}{{$n}}": "2",
    "{{$n := 0}}{{range .spec.containers}}{{$n := .n}}{{end}}{{$n}}": "0",
    "{{range 2}}{{.}}{{end}}": "01",
    "{{if and .nothing (index .nothing 0)}}a{{else}}b{{end}}": "b",
    "{{or .kind (index .nothing (len .kind)).a .b}}": "Pod",
    '{{.kind | printf "%q %v%%" "a"}}': '"a" Pod%',
}


@pytest.mark.parametrize(("template", "text"), TEMPLATES.items(), ids=TEMPLATES.keys())
def test_go_templates(template: str, text: str) -> None:
    assert gotemplate.render(template, POD) == text


@pytest.mark.parametrize(
    "template",
    [
        "{{range .a}}",
        "{{end}}",
        "{{nosuch .a}}",
        "{{len 5}}",
        "{{else}}",
        "{{break}}",
        "{{$n = 1}}",
        "{{.kind.a}}",
        '{{base64decode "!"}}',
        "{{range .a}}{{else}}{{break}}{{end}}",
    ],
)
def test_wrong_go_templates_are_refused(template: str) -> None:
    with pytest.raises(gotemplate.TemplateError):
        gotemplate.render(template, POD)


@pytest.mark.parametrize(
    ("output", "text"),
    [
        ("name", "pod/a\n"),
        ("jsonpath={.metadata.name}", "a"),
        (
            "custom-columns=N:.metadata.name,M:.nope,L:.spec.containers[*].name",
            "N   M        L\na   <none>   x,y\n",
        ),
        ("go-template={{.kind}}", "Pod"),
        ("jsonpath-as-json={.spec.containers[*].n}", "[\n    1,\n    2\n]\n"),
    ],
)
def test_formats(output: str, text: str) -> None:
    assert printers.render([POD], Printing(output)) == text.replace("N   M ", "N     M ").replace(
        "a   <none>", "a     <none>"
    )


def test_a_template_may_have_a_flag_of_its_own() -> None:
    assert printers.render([POD], Printing("jsonpath", template="{.kind}")) == "Pod"
    assert printers.render([POD], Printing(template="{{.kind}}")) == "Pod"


def test_what_a_template_names_must_be_there_if_that_is_asked_for() -> None:
    assert printers.render([POD], Printing("jsonpath={.nope}")) == ""
    with pytest.raises(CommandError, match="nope is not found"):
        printers.render([POD], Printing("jsonpath={.nope}", allow_missing=False))


def test_lists_are_wrapped_and_managed_fields_left_out() -> None:
    text = printers.render([POD], Printing("yaml"), as_list=True)
    assert text.startswith("apiVersion: v1\nitems:\n- apiVersion: v1\n")
    assert "managedFields" not in text


def test_a_go_template_may_have_to_name_what_is_there() -> None:
    strict = Printing("go-template={{.kind}}{{.missing}}", allow_missing=False)
    with pytest.raises(
        CommandError, match=r'error executing template .*: map has no entry for key "missing"'
    ):
        printers.render([POD], strict)
    assert printers.render([POD], strict._replace(allow_missing=True)) == "Pod<no value>"


def test_templates_may_ask_for_managed_fields() -> None:
    assert printers.render([POD], Printing("jsonpath={.metadata.managedFields}")) == "[]"


@pytest.mark.parametrize(
    "output", ["nothing", "go-template={{.a", "jsonpath", "custom-columns=", "custom-columns=A"]
)
def test_unknown_formats_are_refused(output: str) -> None:
    with pytest.raises(CommandError):
        printers.render([POD], Printing(output))


def test_columns_remember_how_wide_they_were() -> None:
    columns = Columns()
    assert (
        columns.align([["NAME", "READY"], ["a-long-name", "1/1"]])
        == "NAME          READY\na-long-name   1/1\n"
    )
    assert columns.align([["b", "0/1"]]) == "b             0/1\n"
    assert align([]) == ""
