"""kubectl's JSONPath."""

from typing import Any

import pytest

from apimachinery.jsonpath import JsonPath, JsonPathError, relaxed

LIST: dict[str, Any] = {
    "kind": "List",
    "items": [
        {
            "metadata": {"name": "a", "labels": {"k8s.io/x": "1"}},
            "status": {
                "n": 3,
                "conditions": [{"type": "Ready", "status": "True"}, {"type": "X", "status": "False"}],
            },
        },
        {"metadata": {"name": "b"}, "status": {"n": 5}},
    ],
}

RENDERED = {
    "{.items[*].metadata.name}": "a b",
    '{range .items[*]}{.metadata.name}{"\\t"}{.status.n}{"\\n"}{end}': "a\t3\nb\t5\n",
    "{range .items[*]}[{.metadata.name}] {end}": "[a] [b] ",
    '{.items[0].status.conditions[?(@.type=="Ready")].status}': "True",
    "{.items[?(@.status.n>3)].metadata.name}": "b",
    "{.items[?(@.metadata.labels)].metadata.name}": "a",
    "{.items[0].metadata.labels.k8s\\.io/x}": "1",
    "{.items[0].metadata.labels['k8s\\.io/x']}": "1",
    "{.items[*]['metadata.name', 'status.n']}": "a 3 b 5",
    "{..name}": "a b",
    "{.items[-1:].metadata.name}": "b",
    "{.items[-1].metadata.name}": "b",
    "{.items[0,1].metadata.name}": "a b",
    "{.items[0].metadata.labels}": '{"k8s.io/x":"1"}',
    "{.kind}-{.nope}": "List-",
    "{$.kind}{@.kind}": "ListList",
    "{range .items[*]}{$.kind}{end}": "ListList",
    "no braces": "no braces",
}


@pytest.mark.parametrize(("template", "text"), RENDERED.items(), ids=RENDERED.keys())
def test_templates_render(template: str, text: str) -> None:
    # `$.kind` inside of a range names the whole document.
    assert JsonPath(template).render(LIST) == text


@pytest.mark.parametrize(
    "template", ["{.a", "{range .a}", "{end}", "{.a[}", "{.a[x]}", "{.a[?(@.b}", "{.a[]}"]
)
def test_wrong_templates_are_refused(template: str) -> None:
    with pytest.raises(JsonPathError):
        JsonPath(template).render(LIST)


def test_missing_keys_are_errors_on_request() -> None:
    with pytest.raises(JsonPathError, match="nope is not found"):
        JsonPath("{.nope}", allow_missing=False).render(LIST)
    with pytest.raises(JsonPathError, match="array index out of bounds: index 9, length 2"):
        JsonPath("{.items[9]}", allow_missing=False).render(LIST)


@pytest.mark.parametrize("expression", ["{.status.n}", ".status.n", "status.n", "{status.n}"])
def test_flags_take_paths_in_relaxed_forms(expression: str) -> None:
    assert relaxed(expression).find(LIST["items"][1]) == [5]
