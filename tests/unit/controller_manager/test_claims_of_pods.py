"""Which pods use a claim, and the claims that are made for a pod alone."""

from __future__ import annotations

from typing import Any

import pytest

from apimachinery import volumes
from apimachinery.objects import Object
from controller_manager.ephemeral_volume import claim_for
from controller_manager.volume_protection import uses
from tests.unit.volumes import make_claim

CLAIM, OTHER = make_claim(), make_claim("other")
DELETED = {"deletionTimestamp": "2026-01-01T00:00:00Z"}


def make_pod(volume: Object, *, node: str = "n1", **metadata: Any) -> Object:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "web", "namespace": "ns", "uid": "web", **metadata},
        "spec": {"nodeName": node, "volumes": [{"name": "data", **volume}]},
    }


BY_NAME = {"persistentVolumeClaim": {"claimName": "claim"}}
EPHEMERAL = {"ephemeral": {"volumeClaimTemplate": {"metadata": {"labels": {"a": "b"}}, "spec": {"x": 1}}}}
OWN = {
    "name": "web-data",
    "uid": "u",
    "ownerReferences": [{"uid": "web", "kind": "Pod", "name": "web", "controller": True}],
}
SHUT_DOWN = {**DELETED, "deletionGracePeriodSeconds": 0}


@pytest.mark.parametrize(
    ("pod", "claim", "expected"),
    [
        pytest.param(make_pod(BY_NAME), CLAIM, True, id="by name"),
        pytest.param(make_pod(BY_NAME), OTHER, False, id="another claim"),
        pytest.param(make_pod(BY_NAME, node=""), CLAIM, False, id="not scheduled: it will not be started"),
        pytest.param(make_pod(BY_NAME, **SHUT_DOWN), CLAIM, True, id="shut down but not gone"),
        pytest.param(make_pod(EPHEMERAL), make_claim(metadata=OWN), True, id="its own"),
        pytest.param(make_pod(EPHEMERAL), make_claim("web-data"), False, id="of the right name only"),
        pytest.param(
            make_pod(EPHEMERAL, **SHUT_DOWN), make_claim(metadata=OWN), False, id="its own, and shut down"
        ),
    ],
)
def test_who_uses_a_claim(pod: Object, claim: Object, expected: bool) -> None:
    assert uses(pod, claim) == expected


def test_an_ephemeral_claim_belongs_to_its_pod() -> None:
    pod = make_pod(EPHEMERAL)
    claim = claim_for(pod, pod["spec"]["volumes"][0])
    assert (claim["metadata"]["name"], claim["metadata"]["labels"], claim["spec"]) == (
        "web-data",
        {"a": "b"},
        {"x": 1},
    )
    assert volumes.why_not_for_pod(pod, claim) == ""
    assert volumes.why_not_for_pod(make_pod(EPHEMERAL, uid="newer"), claim) == (
        "PVC ns/web-data was not created for pod ns/web (pod is not owner)"
    )
