"""Field errors: how values and limits are shown."""

import pytest

from apimachinery import field
from apimachinery.field import FieldError, Path

P = Path("spec", "x")


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (field.required(P), "spec.x: Required value"),
        (field.required(P, "say"), "spec.x: Required value: say"),
        (field.invalid(P, "a", "no"), 'spec.x: Invalid value: "a": no'),
        (field.invalid(P, 3, "no"), "spec.x: Invalid value: 3: no"),
        (field.invalid(P, None, "no"), "spec.x: Invalid value: null: no"),
        (field.invalid(P, True, "no"), "spec.x: Invalid value: true: no"),
        (field.invalid(P, {"b": 1, "a": [2]}, "no"), 'spec.x: Invalid value: {"a":[2],"b":1}: no'),
        (field.duplicate(P, "a"), 'spec.x: Duplicate value: "a"'),
        (field.not_found(P, "a"), 'spec.x: Not found: "a"'),
        (field.forbidden(P, "no"), "spec.x: Forbidden: no"),
        (
            field.not_supported(P, "a", ["b", "c"]),
            'spec.x: Unsupported value: "a": supported values: "b", "c"',
        ),
        (field.too_long(P, "aaa", 2), "spec.x: Too long: may not be more than 2 bytes"),
        (field.too_many(P, 3, 2), "spec.x: Too many: 3: must have at most 2 items"),
        (field.internal(P, "boom"), "spec.x: Internal error: boom"),
    ],
    ids=lambda value: value.type if isinstance(value, FieldError) else "",
)
def test_wording(error: FieldError, text: str) -> None:
    assert str(error) == text


def test_paths_are_built_from_names_indexes_and_keys() -> None:
    assert str(Path("a").child("b", "c").index(1).key("k").child("d")) == "a.b.c[1][k].d"
    assert str(Path().child("a")) == "a"
    assert str(Path()) == "<nil>"
