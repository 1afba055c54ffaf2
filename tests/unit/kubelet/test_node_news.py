"""What Events tell of a Node."""

from __future__ import annotations

import pytest

from apimachinery.objects import Object
from kubelet.node.news import news_of_spec, news_of_status


def status(ready: str = "True", disk: str = "False", boot: str = "b1") -> Object:
    conditions = [
        {"type": "MemoryPressure", "status": "False"},
        {"type": "DiskPressure", "status": disk},
        {"type": "PIDPressure", "status": "False"},
        {"type": "Ready", "status": ready},
    ]
    return {"conditions": conditions, "nodeInfo": {"bootID": boot}}


@pytest.mark.parametrize(
    ("old", "new", "reasons"),
    [
        pytest.param(
            {},
            status(),
            ["NodeHasSufficientMemory", "NodeHasNoDiskPressure", "NodeHasSufficientPID"],
            id="a new node",
        ),
        pytest.param(status(), status(), [], id="nothing new"),
        pytest.param(status("False"), status(), ["NodeReady"], id="ready"),
        pytest.param(status(), status("False"), ["NodeNotReady"], id="not ready"),
        pytest.param(status("Unknown"), status(), ["NodeReady"], id="back again"),
        pytest.param(status(), status(disk="True"), ["NodeHasDiskPressure"], id="pressure"),
        pytest.param(status(disk="True"), status(), ["NodeHasNoDiskPressure"], id="and relief"),
        pytest.param(status(), status(boot="b2"), ["Rebooted"], id="rebooted"),
    ],
)
def test_news_of_a_status(old: Object, new: Object, reasons: list[str]) -> None:
    assert [each.reason for each in news_of_status("n1", old, new)] == reasons


def test_words() -> None:
    assert list(news_of_status("n1", status("False"), status(boot="b2"))) == [
        ("Warning", "Rebooted", "Node n1 has been rebooted, boot id: b2"),
        ("Normal", "NodeReady", "Node n1 status is now: NodeReady"),
    ]


@pytest.mark.parametrize(
    ("old", "new", "reasons"),
    [
        ({}, {"spec": {}}, []),
        ({"spec": {}}, {"spec": {"unschedulable": True}}, ["NodeNotSchedulable"]),
        ({"spec": {"unschedulable": True}}, {"spec": {}}, ["NodeSchedulable"]),
    ],
)
def test_news_of_a_spec(old: Object, new: Object, reasons: list[str]) -> None:
    assert [each.reason for each in news_of_spec("n1", old, new)] == reasons
