"""Claims that ask for more than they have."""

from __future__ import annotations

import pytest

from apimachinery import volumes
from apimachinery.local_path import PROVISIONER
from apimachinery.objects import Object
from client.events import NORMAL, WARNING
from controller_manager.volume_expand import Grow, Wait, plan_expansion
from tests.unit.volumes import make_claim, make_volume

CLAIM, OTHER = make_claim(), make_claim("other")


def grown(size: str, phase: str = "Bound") -> Object:
    """A claim for that much that has 1Gi."""
    claim = make_claim(size=size, volume="volume")
    return {**claim, "status": {"phase": phase, "capacity": {"storage": "1Gi"}}}


OURS = {volumes.PROVISIONED_BY: PROVISIONER}


@pytest.mark.parametrize(
    ("claim", "volume", "expected"),
    [
        pytest.param(grown("2Gi"), make_volume(claim=CLAIM, annotations=OURS), Grow("2Gi"), id="a directory"),
        pytest.param(
            grown("1024Mi"), make_volume(claim=CLAIM, annotations=OURS), None, id="as much as it has"
        ),
        pytest.param(grown("2Gi", "Pending"), None, None, id="not bound"),
        pytest.param(grown("2Gi"), make_volume(claim=OTHER, annotations=OURS), None, id="another's volume"),
        pytest.param(grown("2Gi"), make_volume(claim=CLAIM), Wait(WARNING), id="a volume that nobody grows"),
        pytest.param(
            grown("2Gi"),
            make_volume(claim=CLAIM, csi={"driver": "disk.example.com"}),
            Wait(NORMAL),
            id="a volume that its resizer grows",
        ),
    ],
)
def test_how_a_claim_grows(claim: Object, volume: Object | None, expected: object) -> None:
    assert plan_expansion(claim, volume) == expected
