"""Manifests that the server does not take, and where in them the reason stands."""

from __future__ import annotations

import pytest

from apimachinery.errors import BadRequestError, ForbiddenError, InvalidError, StatusError
from apimachinery.field import Path, invalid, required
from apimachinery.schema import builtin
from kubectl.why.diagnosis import Cause
from kubectl.why.positions import line_of, positions_of
from kubectl.why.rules.manifest import NoKind, Refusal, no_such_kind, refused

MANIFEST = """\
apiVersion: v1
kind: Pod
metadata: {name: other}
---
apiVersion: v1
kind: Pod
metadata:
  name: cart
spec:
  containers:
    - name: web
      image: busybox
      comand: [sleep]
    - name: side
      ports:
        - containerPort: 99999
"""
PORT = Path("spec", "containers").index(1).child("ports").index(0).child("containerPort")
POSITIONS = positions_of(MANIFEST, "Pod", "cart")


@pytest.mark.parametrize(
    ("path", "line"),
    [
        pytest.param("spec.containers[0].comand", 13, id="a field"),
        pytest.param("spec.containers[1].ports[0].containerPort", 16, id="deep down"),
        pytest.param("spec.containers[1].image", 14, id="what is not there: where it would be"),
        pytest.param("nothing", 0, id="nowhere"),
    ],
)
def test_lines_of_fields(path: str, line: int) -> None:
    assert line_of(POSITIONS, path) == line


def refusal(error: StatusError) -> Refusal:
    obj = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "cart"}}
    return Refusal(obj, "cart.yaml", error, POSITIONS, builtin().find("v1", "Pod"))


@pytest.mark.parametrize(
    ("error", "cause", "headlines"),
    [
        pytest.param(
            BadRequestError('strict decoding error: unknown field "spec.containers[0].comand"'),
            Cause.SPEC,
            ["cart.yaml, line 13: there is no spec.containers[0].comand; did you mean command?"],
            id="a typo",
        ),
        pytest.param(
            InvalidError(
                "Pod",
                "cart",
                [
                    required(Path("spec", "containers").index(1).child("image")),
                    invalid(PORT, 99999, "must be a port"),
                ],
            ),
            Cause.SPEC,
            [
                "cart.yaml, line 14: spec.containers[1].image Required value",
                "cart.yaml, line 16: spec.containers[1].ports[0].containerPort Invalid value: 99999: "
                "must be a port",
            ],
            id="each invalid field",
        ),
        pytest.param(
            ForbiddenError("pods", "cart", "no"),
            Cause.SECURITY,
            ['pod/cart is not taken: pods "cart" is forbidden: no'],
            id="not allowed",
        ),
    ],
)
def test_why_a_manifest_is_refused(error: StatusError, cause: Cause, headlines: list[str]) -> None:
    found = refused(refusal(error))
    assert [each.headline for each in found] == headlines
    assert {each.cause for each in found} == {cause}


@pytest.mark.parametrize(
    ("api_version", "kind", "headline"),
    [
        pytest.param(
            "extensions/v1beta1",
            "Deployment",
            "d.yaml: Deployment is served in apps/v1, not in extensions/v1beta1",
            id="another version",
        ),
        pytest.param(
            "apps/v1",
            "Deploymnt",
            "d.yaml: there is no kind Deploymnt in apps/v1; did you mean Deployment?",
            id="a typo",
        ),
        pytest.param("x.example/v1", "Thing", "d.yaml: there is no kind Thing in x.example/v1", id="unknown"),
    ],
)
def test_a_kind_that_is_not_served(api_version: str, kind: str, headline: str) -> None:
    found = NoKind(
        {"apiVersion": api_version, "kind": kind}, "d.yaml", [("apps/v1", "Deployment"), ("v1", "Pod")]
    )
    assert no_such_kind(found).headline == headline
