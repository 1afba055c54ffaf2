"""Custom kinds in OpenAPI v2: what kubectl validates lists by."""

from __future__ import annotations

from typing import Any

import pytest

from apiserver.openapi.custom import definition_to_v2

GVK = {"x-kubernetes-group-version-kind": [{"group": "e.io", "version": "v1", "kind": "A"}]}
PRESERVE = {"x-kubernetes-preserve-unknown-fields": True}
FIELDS: dict[str, Any] = {"apiVersion": {"type": "string"}, "kind": {"type": "string"}, "metadata": {}}
SPEC = {"spec": {"type": "object", **PRESERVE}}


@pytest.mark.parametrize(
    ("schema", "told"),
    [
        pytest.param({"properties": FIELDS, **PRESERVE}, {}, id="at the root: of no fields"),
        pytest.param(
            {"properties": FIELDS | SPEC}, {"properties": FIELDS | {"spec": PRESERVE}},
            id="further down: of no type",
        ),
    ],
)  # fmt: skip
def test_what_keeps_unknown_fields_is_open_to_clients(schema: Any, told: Any) -> None:
    assert definition_to_v2({"type": "object", **schema, **GVK}) == {"type": "object", **told, **GVK}
